from django.urls import URLPattern, path

from customers.data.deletion import api as deletion
from customers.data.exports import api as exports
from customers.data.imports import api as imports
from customers.data.merging import api as merges
from customers.data.personal_data import api as personal_data
from customers.page import api as views
from customers.page.timeline import api as life
from customers.people.consent import api as consents
from customers.people.identities import api as identities
from customers.people.settings import api as settings
from customers.pipeline import api as pipeline
from customers.pipeline.deals import api as deal_sums
from customers.work import api as work
from customers.work import records_api as records
from customers.work.follow_ups import api as followups
from customers.work.records_api import KINDS

ALL_KINDS = (*KINDS, *work.KINDS)


def _under(name: str, singular: str) -> list[URLPattern]:
    """The calls of customers, under one of their two names."""
    one = f"{name}/<uuid:pk>"
    return [
        path(name, views.CustomerListView.as_view(), name=name),
        path(f"{name}/search", views.CustomerSearchView.as_view(), name=f"{name}-search"),
        path(f"{name}/duplicates", merges.DuplicatesView.as_view(), name=f"{name}-duplicates"),
        path(f"{name}/duplicates/<uuid:pk>/dismiss", merges.DismissView.as_view(), name=f"{name}-duplicates-dismiss"),
        path(f"{name}/bulk", merges.BulkView.as_view(), name=f"{name}-bulk"),
        path(f"{name}/import", imports.ImportStartView.as_view(), name=f"{name}-import"),
        path(f"{name}/imports", imports.ImportsView.as_view(), name=f"{name}-imports"),
        path(f"{name}/imports/<uuid:pk>", imports.ImportView.as_view(), name=f"{name}-import-one"),
        path(f"{name}/imports/<uuid:pk>/rejected", imports.RejectedRowsView.as_view(), name=f"{name}-import-rejected"),
        path(f"{name}/imports/<uuid:pk>/undo", imports.ImportUndoView.as_view(), name=f"{name}-import-undo"),
        path(f"{name}/export", exports.ExportView.as_view(), name=f"{name}-export"),
        path(one, views.CustomerView.as_view(), name=singular),
        path(f"{one}/restore", deletion.RestoreView.as_view(), name=f"{singular}-restore"),
        path(
            f"{one}/personal-data/export", personal_data.ExportView.as_view(), name=f"{singular}-personal-data-export"
        ),
        path(f"{one}/personal-data/erase", personal_data.EraseView.as_view(), name=f"{singular}-personal-data-erase"),
        path(
            f"{one}/personal-data/exports/<uuid:job>",
            personal_data.DownloadView.as_view(),
            name=f"{singular}-personal-data-download",
        ),
        path(f"{one}/assign", views.AssignView.as_view(), name=f"{singular}-assign"),
        path(f"{one}/status", views.StageView.as_view(), name=f"{singular}-status"),
        path(f"{one}/stage", views.StageView.as_view(), name=f"{singular}-stage"),
        path(f"{one}/tags/add", views.TagsAddView.as_view(), name=f"{singular}-tags-add"),
        path(f"{one}/tags/remove", views.TagsRemoveView.as_view(), name=f"{singular}-tags-remove"),
        path(f"{one}/history", life.HistoryView.as_view(), name=f"{singular}-history"),
        path(f"{one}/timeline", life.TimelineView.as_view(), name=f"{singular}-timeline"),
        path(f"{one}/merge", merges.MergeView.as_view(), name=f"{singular}-merge"),
        path(f"{one}/consents", consents.ConsentsView.as_view(), name=f"{singular}-consents"),
        path(f"{one}/identities", identities.IdentitiesView.as_view(), name=f"{singular}-identities"),
        path(f"{one}/identities/<uuid:identity>", identities.IdentityView.as_view(), name=f"{singular}-identity"),
        path(
            f"{one}/identities/<uuid:identity>/primary",
            identities.PrimaryView.as_view(),
            name=f"{singular}-identity-primary",
        ),
        *(
            path(f"{one}/{kind.name}", records.list_view(kind, nested=True).as_view(), name=f"{singular}-{kind.name}")
            for kind in (*KINDS, work.OUTCOMES)
        ),
        path(f"{one}/followups", followups.CustomerFollowUpsView.as_view(), name=f"{singular}-followups"),
    ]


urlpatterns = [
    *_under("customers", "customer"),
    *_under("leads", "lead"),
    *(path(kind.name, records.list_view(kind, nested=False).as_view(), name=kind.name) for kind in ALL_KINDS),
    *(path(f"{kind.name}/<uuid:pk>", records.one_view(kind).as_view(), name=kind.singular) for kind in ALL_KINDS),
    path("deals/summary", deal_sums.DealSumsView.as_view(), name="deals-summary"),
    path("processes/<uuid:pk>/pause", work.PauseView.as_view(), name="process-pause"),
    path("processes/<uuid:pk>/resume", work.ResumeView.as_view(), name="process-resume"),
    path("processes/<uuid:pk>/cancel", work.CancelView.as_view(), name="process-cancel"),
    path("outcome-types", work.OutcomeTypeListView.as_view(), name="outcome-types"),
    path("outcome-types/<uuid:pk>", work.OutcomeTypeView.as_view(), name="outcome-type"),
    path("followups", followups.FollowUpsView.as_view(), name="followups"),
    path("pipeline/summary", pipeline.SummaryView.as_view(), name="pipeline-summary"),
    path("pipeline/stages", pipeline.StageListView.as_view(), name="pipeline-stages"),
    path("pipeline/stages/<uuid:pk>", pipeline.StageView.as_view(), name="pipeline-stage"),
    path("tags", settings.TagListView.as_view(), name="tags"),
    path("tags/<uuid:pk>", settings.TagView.as_view(), name="tag"),
    path("custom-fields", settings.CustomFieldListView.as_view(), name="custom-fields"),
    path("custom-fields/<uuid:pk>", settings.CustomFieldView.as_view(), name="custom-field"),
    path("segments", settings.SegmentListView.as_view(), name="segments"),
    path("segments/<uuid:pk>", settings.SegmentView.as_view(), name="segment"),
    path("segments/<uuid:pk>/customers", settings.SegmentCustomersView.as_view(), name="segment-customers"),
    path("change-sets", merges.ChangeSetsView.as_view(), name="change-sets"),
    path("change-sets/<uuid:pk>/undo", merges.UndoView.as_view(), name="change-set-undo"),
]
