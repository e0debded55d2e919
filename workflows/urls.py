from django.urls import path

from workflows.notifications import preference_views as preferences
from workflows.notifications import views as notifications
from workflows.rehearsals import views as rehearsals
from workflows.rules import decision_views as decisions
from workflows.rules import outgoing_views as outgoing
from workflows.rules import version_views as versions
from workflows.rules import views as rules
from workflows.rules.editor import views as editor
from workflows.sequences import editor_views as sequence_editor
from workflows.sequences import views as sequences

app_name = "workflows"

urlpatterns = [
    path("customers/<uuid:pk>/rules/", decisions.decision_list, name="decisions"),
    path("notifications/", notifications.notification_list, name="notifications"),
    path("notifications/bell/", notifications.bell, name="bell"),
    path("notifications/read/", notifications.read_all, name="read_notifications"),
    path("notifications/<uuid:pk>/", notifications.open_notification, name="open_notification"),
    path("notifications/<uuid:pk>/read/", notifications.read_notification, name="read_notification"),
    path("account/notifications/", preferences.own_preferences, name="notification_preferences"),
    path("settings/notifications/", preferences.defaults, name="notification_defaults"),
    path("settings/rules/", rules.rule_list, name="rules"),
    path("settings/rules/new/", editor.new_rule, name="new_rule"),
    path("settings/rules/new/matches/", editor.try_new, name="try_new_rule"),
    path("settings/rules/outgoing/", outgoing.outgoing_list, name="outgoing"),
    path("settings/rules/outgoing/cancel/", outgoing.cancel_outgoing, name="cancel_outgoing"),
    path("settings/rules/outgoing/<uuid:pk>/cancel/", outgoing.cancel_one, name="cancel_one_outgoing"),
    path("settings/rules/<uuid:pk>/edit/", editor.edit_rule, name="edit_rule"),
    path("settings/rules/<uuid:pk>/matches/", editor.try_edit, name="try_edited_rule"),
    path("settings/rules/<uuid:pk>/", rules.rule_detail, name="rule"),
    path("settings/rules/<uuid:pk>/try/", rules.try_rule, name="try_rule"),
    path("settings/rules/<uuid:pk>/rehearse/", rehearsals.rehearse, name="rehearse"),
    path("settings/rehearsals/<uuid:pk>/", rehearsals.rehearsal_detail, name="rehearsal"),
    path("settings/rehearsals/<uuid:pk>/progress/", rehearsals.progress, name="rehearsal_progress"),
    path("settings/rules/<uuid:pk>/switch/", rules.switch, name="switch_rule"),
    path("settings/rules/<uuid:pk>/versions/", versions.version_list, name="rule_versions"),
    path("settings/rules/<uuid:pk>/go-back/", versions.go_back, name="go_back"),
    path("settings/rules/<uuid:pk>/delete/", rules.delete_rule, name="delete_rule"),
    path("settings/rules/runs/<uuid:pk>/", rules.run_detail, name="run"),
    path("settings/rules/runs/<uuid:pk>/retry/", rules.retry, name="retry_run"),
    path("settings/rules/runs/<uuid:pk>/continue/", rules.continue_run, name="continue_run"),
    path("settings/rules/runs/<uuid:pk>/cancel/", rules.cancel_run, name="cancel_run"),
    path("settings/sequences/", sequences.sequence_list, name="sequences"),
    path("settings/sequences/new/", sequence_editor.new_sequence, name="new_sequence"),
    path("settings/sequences/<uuid:pk>/edit/", sequence_editor.edit_sequence, name="edit_sequence"),
    path("settings/sequences/<uuid:pk>/", sequences.sequence_detail, name="sequence"),
    path("settings/sequences/<uuid:pk>/switch/", sequences.switch, name="switch_sequence"),
    path("settings/sequences/<uuid:pk>/delete/", sequences.delete_sequence, name="delete_sequence"),
    path("settings/sequences/<uuid:pk>/enrol/", sequences.enrol_view, name="enrol_view"),
    path("settings/sequences/runs/<uuid:pk>/", sequences.change_run, name="change_sequence_run"),
    path("customers/<uuid:pk>/sequences/", sequences.enrol_customer, name="enrol_customer"),
]
