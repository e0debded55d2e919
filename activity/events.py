from django.utils.translation import gettext_lazy as _

from activity.payloads import Kind, PayloadField
from activity.registry import declare

COUNT = PayloadField("count", Kind.NUMBER, is_kept=True)

AUDIT_BEGAN = declare("audit.began", _("The audit log became a chain; what was there before was taken into it"),
    PayloadField("adopted", Kind.NUMBER, "how many events were there before", is_kept=True))  # fmt: skip
AUDIT_FAULT = declare("audit.fault_found", _("The check of the audit log found a row that is not as it was written"),
    PayloadField("fault", Kind.KEY, "which kind", is_kept=True),
    PayloadField("position", Kind.NUMBER, "in the chain", is_kept=True, is_optional=True),
    PayloadField("event", Kind.ID, is_kept=True, is_optional=True))  # fmt: skip
AUDIT_MAILING = declare("audit.mailing_changed", _("Who is mailed the signed head of the audit log changed"),
    PayloadField("changes", Kind.SETTINGS, "addresses: from and to"))  # fmt: skip
JOB_FINISHED = declare("job.finished", _("Long work ended"),
    PayloadField("kind", Kind.KEY, "of work, such as an import"),
    PayloadField("status", Kind.KEY, "done, failed or cancelled"))  # fmt: skip
WORK_GIVEN_UP = declare("work.given_up", _("Whoever runs the installation gave up work that had been set aside"),
    PayloadField("queue", Kind.LABEL), PayloadField("reason", Kind.LABEL))  # fmt: skip
EVENTS_ERASED = declare("audit.events_erased", _("The content of events was erased with a person"), COUNT,
    PayloadField("events", Kind.LIST, "of each: id, digest before, digest since"))  # fmt: skip
EVENTS_MOVED = declare("audit.events_moved", _("Events were given to another customer, as merging does"), COUNT,
    PayloadField("events", Kind.LIST, "of each: id, customer before, customer since"))  # fmt: skip
