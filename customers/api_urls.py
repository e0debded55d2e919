from typing import Any

from django.urls import URLPattern, URLResolver, path
from rest_framework.parsers import MultiPartParser

from core.api.router import Router
from customers.data.imports.api import ImportViewSet
from customers.data.merging.api import ChangeSetViewSet, DuplicateViewSet
from customers.page.api import CustomerViewSet
from customers.people.consent.api import ConsentViewSet
from customers.people.contacts.api import ContactViewSet
from customers.people.identities.api import IdentityViewSet
from customers.people.records_api import RecordViewSet
from customers.people.settings import api as settings
from customers.pipeline.api import StageViewSet
from customers.pipeline.deals.api import DealViewSet
from customers.pipeline.outcomes.api import OutcomeTypeViewSet, OutcomeViewSet
from customers.work.follow_ups.api import FollowUpViewSet
from customers.work.interactions.api import InteractionViewSet
from customers.work.processes.api import ActionViewSet, ProcessViewSet
from customers.work.tasks.api import TaskViewSet

# Under a customer's path too, as a list.
OF_A_CUSTOMER: dict[str, type[RecordViewSet[Any]]] = {
    "contacts": ContactViewSet,
    "interactions": InteractionViewSet,
    "deals": DealViewSet,
    "tasks": TaskViewSet,
    "outcomes": OutcomeViewSet,
}


def _of_a_customer(name: str, singular: str, kind: str) -> URLPattern:
    # Each call has two addresses here, and its operationId is made of the address.
    view = OF_A_CUSTOMER[kind].as_view(
        {"get": "list", "post": "create"}, detail=False, schema_name="", schema_tags=["customers"]
    )
    return path(f"{name}/<uuid:pk>/{kind}", view, name=f"{singular}-{kind}")


router = Router()
urlpatterns: list[URLPattern | URLResolver] = [
    path("pipeline/summary", StageViewSet.as_view({"get": "summary"}), name="pipeline-summary"),
]
# Sales staff call customers leads.
for name, singular in (("customers", "customer"), ("leads", "lead")):
    router.register(name, CustomerViewSet, singular)
    router.register(f"{name}/duplicates", DuplicateViewSet, f"{name}-duplicates")
    router.register(f"{name}/imports", ImportViewSet, f"{singular}-import")
    router.register(f"{name}/<uuid:pk>/consents", ConsentViewSet, f"{singular}-consent")
    router.register(f"{name}/<uuid:pk>/identities", IdentityViewSet, f"{singular}-identity")
    start = ImportViewSet.as_view({"post": "start"}, parser_classes=[MultiPartParser])
    urlpatterns.append(path(f"{name}/import", start, name=f"{name}-import"))
    urlpatterns += [_of_a_customer(name, singular, kind) for kind in OF_A_CUSTOMER]
router.register("change-sets", ChangeSetViewSet, "change-set")
router.register("contacts", ContactViewSet, "contact")
router.register("interactions", InteractionViewSet, "interaction")
router.register("deals", DealViewSet, "deal")
router.register("tasks", TaskViewSet, "task")
router.register("actions", ActionViewSet, "action")
router.register("processes", ProcessViewSet, "process")
router.register("outcomes", OutcomeViewSet, "outcome")
router.register("outcome-types", OutcomeTypeViewSet, "outcome-type")
router.register("pipeline/stages", StageViewSet, "pipeline-stage")
router.register("followups", FollowUpViewSet, "followup")
router.register("tags", settings.TagViewSet, "tag")
router.register("custom-fields", settings.CustomFieldViewSet, "custom-field")
router.register("segments", settings.SegmentViewSet, "segment")
urlpatterns += router.urls
