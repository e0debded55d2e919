from workflows.models.evaluation import Evaluation
from workflows.models.run import RunMessage, RunWait, WorkflowRun
from workflows.models.workflow import Workflow, WorkflowVersion

__all__ = ["Evaluation", "RunMessage", "RunWait", "Workflow", "WorkflowRun", "WorkflowVersion"]
