from django.urls import URLPattern, URLResolver

from core.api.router import Router
from workflows.notifications.api import NotificationViewSet
from workflows.rehearsals.api import RehearsalViewSet, WorkflowRehearsalViewSet
from workflows.rules.api import DecisionViewSet, WorkflowRunViewSet, WorkflowViewSet
from workflows.sequences.api import SequenceViewSet

router = Router()
router.register("workflows", WorkflowViewSet, "workflow")
router.register("workflow-runs", WorkflowRunViewSet, "workflow-run")
router.register("workflows/<uuid:pk>/rehearsals", WorkflowRehearsalViewSet, "workflow-rehearsals-of")
router.register("workflow-rehearsals", RehearsalViewSet, "workflow-rehearsal")
router.register("sequences", SequenceViewSet, "sequence")
router.register("notifications", NotificationViewSet, "notification")
# Sales staff call customers leads.
for name, singular in (("customers", "customer"), ("leads", "lead")):
    router.register(f"{name}/<uuid:pk>/workflow-decisions", DecisionViewSet, f"{singular}-workflow-decision")
urlpatterns: list[URLPattern | URLResolver] = [*router.urls]
