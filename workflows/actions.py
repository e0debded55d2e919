"""The words of actions: what a rule may do, and what each needs to be given."""

from django.utils.translation import gettext_lazy as _

from activity.payloads import Kind
from activity.rules import ACTIONS, Action

SENDING = {"delay_minutes": Kind.NUMBER, "cancel_on_inbound": Kind.BOOLEAN, "channel": Kind.KEY}
TASK = {"due_in_minutes": Kind.NUMBER, "priority": Kind.KEY, "description": Kind.TEXT}

for action in (
    Action("send_template", _("Send a template"), {"template": Kind.KEY}, SENDING),
    Action("send_text", _("Send a text"), {"body": Kind.TEXT}, SENDING),
    Action("add_tag", _("Add a tag"), {"tag": Kind.LABEL}),
    Action("remove_tag", _("Take a tag off"), {"tag": Kind.LABEL}),
    Action("set_stage", _("Move to a stage"), {"stage": Kind.KEY}),
    Action("set_follow_up", _("Set the next follow-up"), {}, {"days": Kind.NUMBER, "minutes": Kind.NUMBER}),
    Action("assign", _("Give an owner"), {}, {"to": Kind.ID, "team": Kind.ID, "how": Kind.KEY}),
    Action("create_task", _("Make a task"), {"title": Kind.TEXT}, TASK),
    Action("add_note", _("Write a note"), {"body": Kind.TEXT}),
    Action("notify", _("Notify somebody"), {"text": Kind.TEXT}, {"to": Kind.ID}),
    Action("set_status", _("Set the status"), {"status": Kind.KEY}),
    Action("resolve_conversation", _("Resolve the conversation")),
    Action("start_sequence", _("Put into a sequence"), {"sequence": Kind.ID}),
    Action("stop_sequence", _("Take out of a sequence"), {"sequence": Kind.ID}),
):
    ACTIONS.register(action)
