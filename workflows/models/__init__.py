from workflows.models.evaluation import Evaluation
from workflows.models.notification import Notification, NotificationDigest, NotificationSettings
from workflows.models.rehearsal import Rehearsal, RehearsedEvent
from workflows.models.run import RunMessage, RunWait, WorkflowRun
from workflows.models.workflow import Workflow, WorkflowVersion

__all__ = [
    "Evaluation", "Notification", "NotificationDigest", "NotificationSettings", "Rehearsal", "RehearsedEvent",
    "RunMessage", "RunWait", "Workflow", "WorkflowRun", "WorkflowVersion",
]  # fmt: skip
