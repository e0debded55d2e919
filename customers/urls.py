from django.urls import path

from customers.data.bulk import views as bulk
from customers.data.deletion.views import delete, deleted, restore
from customers.data.exports import views as exports
from customers.data.imports import views as imports
from customers.data.merging import views as merging
from customers.data.personal_data import views as personal_data
from customers.data.retention.views import keeping
from customers.packs import views as packs
from customers.page import row_views as row
from customers.page.customer import field_views as fields
from customers.page.customer import side_panel_views as panel
from customers.page.customer import views as page
from customers.people.contacts import views as related
from customers.people.customers import picker_views as naming
from customers.people.customers import views as customers
from customers.people.files import views as files
from customers.people.identities import views as addresses
from customers.people.settings import views as settings
from customers.people.table import segment_views as segments
from customers.people.table import views as lists
from customers.pipeline.board import views as board
from customers.pipeline.deals import form_views as deal_forms
from customers.pipeline.deals import views as deals
from customers.pipeline.outcomes import type_views as outcome_settings
from customers.pipeline.outcomes import views as outcomes
from customers.pipeline.stages import views as pipeline_settings
from customers.work import entry_views as entries
from customers.work.calendar import feed_views as feeds
from customers.work.calendar import views as calendar
from customers.work.follow_ups import views as follow_ups
from customers.work.tasks import views as tasks

app_name = "customers"

urlpatterns = [
    path("customers/", lists.customer_list, name="list"),
    path("customers/rows/", lists.rows, name="rows"),
    path("customers/bulk/", bulk.bulk, name="bulk"),
    path("customers/bulk/menu/", bulk.menu, name="bulk_menu"),
    path("customers/bulk/<uuid:pk>/", bulk.progress, name="bulk_progress"),
    path("customers/changes/<uuid:pk>/undo/", bulk.undo_changes, name="undo"),
    path("customers/segments/", segments.save, name="save_segment"),
    path("customers/segments/<uuid:pk>/", segments.change, name="change_segment"),
    path("customers/segments/<uuid:pk>/delete/", segments.delete, name="delete_segment"),
    path("customers/deleted/", deleted, name="deleted"),
    path("settings/data/", keeping, name="keeping"),
    path("pipeline/", board.board, name="board"),
    path("pipeline/changes/", board.changes, name="board_changes"),
    path("customers/<uuid:pk>/move/", board.move, name="move"),
    path("customers/<uuid:pk>/moves/<uuid:change>/undo/", board.undo_move, name="undo_move"),
    path("customers/new/", customers.new, name="new"),
    path("customers/tag-names/", fields.tag_names, name="tag_names"),
    path("customers/import/", imports.import_list, name="imports"),
    path("customers/import/new/", imports.new, name="import_new"),
    path("customers/import/example/", imports.example, name="import_example"),
    path("customers/import/<uuid:pk>/", imports.detail, name="import_detail"),
    path("customers/import/<uuid:pk>/rejected/", imports.rejected, name="import_rejected"),
    path("customers/import/<uuid:pk>/undo/", imports.undo_import, name="import_undo"),
    path("customers/import/<uuid:pk>/discard/", imports.discard, name="import_discard"),
    path("customers/export/", exports.export, name="export"),
    path("customers/export/file/", exports.file, name="export_file"),
    path("customers/duplicates/", merging.pairs, name="duplicates"),
    path("customers/duplicates/<uuid:pk>/dismiss/", merging.dismiss, name="dismiss_duplicate"),
    path("customers/<uuid:pk>/", page.detail, name="detail"),
    path("customers/<uuid:pk>/edit/", page.edit, name="edit"),
    path("customers/<uuid:pk>/history/", page.history, name="history"),
    path("customers/<uuid:pk>/log/", entries.log, name="log"),
    path("customers/<uuid:pk>/follow-up/", follow_ups.change, name="follow_up"),
    path("customers/<uuid:pk>/consents/", entries.add_consent, name="add_consent"),
    path("customers/<uuid:pk>/merge/", merging.merge, name="merge"),
    path("customers/<uuid:pk>/contacts/new/", related.new_contact, name="new_contact"),
    path("customers/<uuid:pk>/deals/new/", deal_forms.new_deal, name="new_deal"),
    path("customers/<uuid:pk>/tasks/new/", tasks.new_task, name="new_task"),
    path("customers/<uuid:pk>/files/", files.upload, name="upload_file"),
    path("customers/<uuid:pk>/addresses/add/", addresses.add, name="add_address"),
    path("customers/<uuid:pk>/addresses/<uuid:identity>/remove/", addresses.remove, name="remove_address"),
    path("customers/<uuid:pk>/addresses/<uuid:identity>/primary/", addresses.make_primary, name="primary_address"),
    path("customers/<uuid:pk>/delete/", delete, name="delete"),
    path("customers/<uuid:pk>/restore/", restore, name="restore"),
    path("customers/<uuid:pk>/erase/", personal_data.erase, name="erase"),
    path("customers/<uuid:pk>/personal-data/", personal_data.export, name="export_personal_data"),
    path("customers/<uuid:pk>/personal-data/<uuid:job>/", personal_data.download, name="personal_data_download"),
    path("customers/<uuid:pk>/panel/", panel.panel, name="panel"),
    path("customers/<uuid:pk>/row/", row.row, name="row"),
    path("customers/<uuid:pk>/stage/", fields.set_stage, name="set_stage"),
    path("customers/<uuid:pk>/owner/", fields.set_owner, name="set_owner"),
    path("customers/<uuid:pk>/tags/add/", fields.add_tag, name="add_tag"),
    path("customers/<uuid:pk>/tags/remove/", fields.remove_tag, name="remove_tag"),
    path("customers/<uuid:pk>/field/", fields.edit_field, name="edit_field"),
    path("contacts/<uuid:pk>/", related.edit_contact, name="edit_contact"),
    path("contacts/<uuid:pk>/delete/", related.delete_contact, name="delete_contact"),
    path("deals/", deals.deal_list, name="deals"),
    path("deals/board/", deals.deal_board, name="deal_board"),
    path("deals/changes/", deals.deal_changes, name="deal_changes"),
    path("deals/new/", deal_forms.choose, name="choose_for_deal"),
    path("deals/<uuid:pk>/move/", deals.move_deal, name="move_deal"),
    path("deals/<uuid:pk>/delete/", deal_forms.delete_deal, name="delete_deal"),
    path("deals/<uuid:pk>/", deal_forms.edit_deal, name="edit_deal"),
    path("tasks/", tasks.task_list, name="tasks"),
    path("tasks/new/", tasks.add, name="add_task"),
    path("tasks/quick/", tasks.quick_add, name="quick_task"),
    path("tasks/calendar/", calendar.month, name="calendar"),
    path("tasks/feed/", feeds.feed_page, name="calendar_feed"),
    path("tasks/feed/revoke/", feeds.revoke, name="revoke_calendar_feed"),
    path("tasks/customers/", naming.propose, name="task_customers"),
    path("tasks/<uuid:pk>/", tasks.edit_task, name="edit_task"),
    path("tasks/<uuid:pk>/done/", tasks.toggle_task, name="toggle_task"),
    path("tasks/<uuid:pk>/delete/", tasks.delete_task, name="delete_task"),
    path("followups/", follow_ups.follow_up_list, name="follow_ups"),
    path("files/<uuid:pk>/", files.download, name="file"),
    path("files/<uuid:pk>/delete/", files.delete, name="delete_file"),
    path("settings/fields/", settings.field_list, name="fields"),
    path("settings/fields/new/", settings.new_field, name="new_field"),
    path("settings/fields/<uuid:pk>/", settings.edit_field, name="change_field"),
    path("settings/fields/<uuid:pk>/delete/", settings.delete_field, name="delete_field"),
    path("customers/<uuid:pk>/outcomes/new/", outcomes.record, name="new_outcome"),
    path("outcomes/", outcomes.outcome_list, name="outcomes"),
    path("outcomes/<uuid:pk>/", outcomes.edit, name="edit_outcome"),
    path("outcomes/<uuid:pk>/delete/", outcomes.delete, name="delete_outcome"),
    path("settings/outcomes/", outcome_settings.type_list, name="outcome_types"),
    path("settings/outcomes/new/", outcome_settings.new_type, name="new_outcome_type"),
    path("settings/outcomes/order/", outcome_settings.order_types, name="order_outcome_types"),
    path("settings/outcomes/<uuid:pk>/", outcome_settings.edit_type, name="outcome_type"),
    path("settings/outcomes/<uuid:pk>/delete/", outcome_settings.delete_type, name="delete_outcome_type"),
    path("settings/pack/", packs.pack, name="pack"),
    path("settings/tags/", settings.tag_list, name="tags"),
    path("settings/tags/save/", settings.save_tag, name="save_tag"),
    path("settings/tags/delete/", settings.delete_tag, name="delete_tag"),
    path("settings/pipeline/", pipeline_settings.pipeline, name="pipeline_settings"),
    path("settings/pipeline/rules/", pipeline_settings.save_rules, name="save_pipeline_rules"),
    path("settings/pipeline/order/", pipeline_settings.order_stages, name="order_stages"),
    path("settings/pipeline/new/", pipeline_settings.new_stage, name="new_stage"),
    path("settings/pipeline/<uuid:pk>/", pipeline_settings.change_stage, name="change_stage"),
    path("settings/pipeline/<uuid:pk>/remove/", pipeline_settings.remove_stage, name="remove_stage"),
]
