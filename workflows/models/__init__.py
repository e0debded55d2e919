from workflows.models.evaluation import Evaluation
from workflows.models.run import RunMessage, WorkflowRun
from workflows.models.workflow import Workflow, WorkflowVersion

__all__ = ["Evaluation", "RunMessage", "Workflow", "WorkflowRun", "WorkflowVersion"]
