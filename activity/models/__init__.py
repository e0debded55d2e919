from activity.models.audit import AuditChain, AuditHead, AuditLink
from activity.models.event import Event, Receipt
from activity.models.health import (
    HealthStatus,
    InstallationCheck,
    InstallationSample,
    OrganizationCheck,
    OrganizationSample,
    ProcessFigures,
)
from activity.models.heartbeat import Heartbeat
from activity.models.installation import Installation
from activity.models.job import Job

__all__ = [
    "AuditChain",
    "AuditHead",
    "AuditLink",
    "Event",
    "HealthStatus",
    "Heartbeat",
    "Installation",
    "InstallationCheck",
    "InstallationSample",
    "Job",
    "OrganizationCheck",
    "OrganizationSample",
    "ProcessFigures",
    "Receipt",
]
