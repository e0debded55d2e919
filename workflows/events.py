"""The events of rules, each with its payload."""

from django.utils.translation import gettext_lazy as _

from activity.payloads import Kind, PayloadField
from activity.registry import declare
from customers.events import ABOUT_CUSTOMER

NAME = PayloadField("name", Kind.LABEL)

SCHEDULE_DAILY = declare("schedule.daily", _("A day began"), conditions=ABOUT_CUSTOMER)
DATE_REACHED = declare("customer.date_reached", _("A date of a customer came, or is some days away"),
    PayloadField("date_field", Kind.KEY, "the own field", is_kept=True),
    PayloadField("days_until", Kind.NUMBER, "days until the date; below 0 after it", is_kept=True),
    PayloadField("years", Kind.NUMBER, "years since the field’s date: of a birthday the age"),
    conditions=ABOUT_CUSTOMER)  # fmt: skip
SEQUENCE_ENROLLED = declare("sequence.enrolled", _("A customer was put into a sequence"),
    NAME, PayloadField("sequence", Kind.ID, is_kept=True), conditions=ABOUT_CUSTOMER)  # fmt: skip
WORKFLOW_CREATED = declare("workflow.created", _("A rule or a sequence was made"), NAME)
WORKFLOW_CHANGED = declare("workflow.changed", _("A rule or a sequence was changed, or switched on or off"),
    NAME, PayloadField("changes", Kind.SETTINGS, "what was set: from and to"))  # fmt: skip
WORKFLOW_DELETED = declare("workflow.deleted", _("A rule or a sequence was deleted, with its log"), NAME)
WORKFLOW_PAUSED = declare("workflow.paused", _("A rule was switched off after it had failed many times in a row"),
    NAME, PayloadField("failures", Kind.NUMBER))  # fmt: skip
WORKFLOWS_REORDERED = declare("workflows.reordered", _("The rules were put in another order"),
    PayloadField("order", Kind.LIST, "their ids"))  # fmt: skip
RUN_HELD = declare("workflow.run_held", _("A run was to go on so long ago that somebody has to look first"),
    NAME, PayloadField("run", Kind.ID, is_kept=True))  # fmt: skip
RUN_CONTINUED = declare("workflow.run_continued", _("A run was told to go on"), NAME)
RUN_CANCELLED = declare("workflow.run_cancelled", _("A run that waited was ended"), NAME)
RUN_MOVED = declare("workflow.run_moved", _("A customer was moved to another step of a sequence"),
    NAME, PayloadField("step", Kind.NUMBER, is_kept=True))  # fmt: skip
RUN_RETRIED = declare("workflow.run_retried", _("A failed run of a rule was done again"),
    NAME, PayloadField("status", Kind.KEY, "what became of it"))  # fmt: skip
NOTIFICATIONS_SET = declare("notifications.defaults_changed", _("How members are told of things was set for all"),
    PayloadField("changes", Kind.SETTINGS, "what was set: from and to"))  # fmt: skip
