from typing import Any

from django.urls import URLPattern, path

from core.api.router import Router
from customers.data.exports import api as exports
from customers.data.imports import api as imports
from customers.data.merging import api as merges
from customers.data.personal_data import api as personal_data
from customers.page.api import CustomerViewSet
from customers.page.timeline import api as life
from customers.people.consent import api as consents
from customers.people.contacts.api import ContactViewSet
from customers.people.identities import api as identities
from customers.people.records_api import RecordViewSet
from customers.people.settings import api as settings
from customers.pipeline import api as pipeline
from customers.pipeline.deals.api import DealViewSet
from customers.pipeline.outcomes.api import OutcomeTypeViewSet, OutcomeViewSet
from customers.work.follow_ups import api as followups
from customers.work.interactions.api import InteractionViewSet
from customers.work.processes.api import ActionViewSet, ProcessViewSet
from customers.work.tasks.api import TaskViewSet

router = Router()
for name, singular in (("customers", "customer"), ("leads", "lead")):
    router.register(name, CustomerViewSet, singular)
    router.register(f"{name}/duplicates", merges.DuplicateViewSet, f"{name}-duplicates")
router.register("change-sets", merges.ChangeSetViewSet, "change-set")
router.register("contacts", ContactViewSet, "contact")
router.register("interactions", InteractionViewSet, "interaction")
router.register("deals", DealViewSet, "deal")
router.register("tasks", TaskViewSet, "task")
router.register("actions", ActionViewSet, "action")
router.register("processes", ProcessViewSet, "process")
router.register("outcomes", OutcomeViewSet, "outcome")
router.register("outcome-types", OutcomeTypeViewSet, "outcome-type")
router.register("pipeline/stages", pipeline.StageViewSet, "pipeline-stage")
router.register("tags", settings.TagViewSet, "tag")
router.register("custom-fields", settings.CustomFieldViewSet, "custom-field")
router.register("segments", settings.SegmentViewSet, "segment")

# Under a customer's path too, as a list.
OF_A_CUSTOMER: dict[str, type[RecordViewSet[Any]]] = {
    "contacts": ContactViewSet,
    "interactions": InteractionViewSet,
    "deals": DealViewSet,
    "tasks": TaskViewSet,
    "outcomes": OutcomeViewSet,
}


def _of_a_customer(viewset: type[RecordViewSet[Any]]) -> Any:
    # Each call has two addresses here, and its operationId is made of the address.
    return viewset.as_view({"get": "list", "post": "create"}, detail=False, schema_name="", schema_tags=["customers"])


def _under(name: str, singular: str) -> list[URLPattern]:
    """The calls of customers, under one of their two names."""
    one, uploads = f"{name}/<uuid:pk>", imports.ImportViewSet.as_view
    return [
        path(f"{name}/bulk", merges.BulkView.as_view(), name=f"{name}-bulk"),
        path(f"{name}/import", imports.ImportStartView.as_view(), name=f"{name}-import"),
        path(f"{name}/imports", uploads({"get": "list"}), name=f"{name}-imports"),
        path(f"{name}/imports/<uuid:pk>", uploads({"get": "retrieve"}), name=f"{name}-import-one"),
        path(
            f"{name}/imports/<uuid:pk>/rejected",
            uploads({"get": "rejected"}),
            name=f"{name}-import-rejected",
        ),
        path(
            f"{name}/imports/<uuid:pk>/undo",
            uploads({"post": "undo"}),
            name=f"{name}-import-undo",
        ),
        path(f"{name}/export", exports.ExportView.as_view(), name=f"{name}-export"),
        path(
            f"{one}/personal-data/export", personal_data.ExportView.as_view(), name=f"{singular}-personal-data-export"
        ),
        path(f"{one}/personal-data/erase", personal_data.EraseView.as_view(), name=f"{singular}-personal-data-erase"),
        path(
            f"{one}/personal-data/exports/<uuid:job>",
            personal_data.DownloadView.as_view(),
            name=f"{singular}-personal-data-download",
        ),
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
            path(f"{one}/{kind}", _of_a_customer(viewset), name=f"{singular}-{kind}")
            for kind, viewset in OF_A_CUSTOMER.items()
        ),
        path(f"{one}/followups", followups.CustomerFollowUpsView.as_view(), name=f"{singular}-followups"),
    ]


urlpatterns = [
    *_under("customers", "customer"),
    *_under("leads", "lead"),
    *router.urls,
    path("followups", followups.FollowUpsView.as_view(), name="followups"),
    path("pipeline/summary", pipeline.SummaryView.as_view(), name="pipeline-summary"),
]
