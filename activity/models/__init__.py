from activity.models.event import Event, Receipt
from activity.models.heartbeat import Heartbeat
from activity.models.installation import Installation
from activity.models.job import Job

__all__ = ["Event", "Heartbeat", "Installation", "Job", "Receipt"]
