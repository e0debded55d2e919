from customers.models.calendar_feed import CalendarFeed
from customers.models.change_set import Change, ChangeSet
from customers.models.consent import Consent
from customers.models.contact import Contact
from customers.models.custom_field import CustomField
from customers.models.customer import Customer, CustomerCounter
from customers.models.customer_import import CustomerImport
from customers.models.deal import Deal
from customers.models.duplicate import DuplicatePair
from customers.models.file import CustomerFile
from customers.models.identity import Identity
from customers.models.interaction import Interaction
from customers.models.outcome import Outcome, OutcomeType
from customers.models.pipeline import CustomerSettings, Stage, StageChange
from customers.models.process import Process
from customers.models.reminder import TaskReminder
from customers.models.segment import Segment
from customers.models.tag import Tag
from customers.models.task import Task
from customers.models.team_turn import TeamTurn

__all__ = [
    "CalendarFeed",
    "Change",
    "ChangeSet",
    "Consent",
    "Contact",
    "CustomField",
    "Customer",
    "CustomerCounter",
    "CustomerFile",
    "CustomerImport",
    "CustomerSettings",
    "Deal",
    "DuplicatePair",
    "Identity",
    "Interaction",
    "Outcome",
    "OutcomeType",
    "Process",
    "Segment",
    "Stage",
    "StageChange",
    "Tag",
    "Task",
    "TaskReminder",
    "TeamTurn",
]
