"""The events of the customers app, each with its payload and condition fields."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from activity.payloads import Kind, PayloadField
from activity.registry import declare
from activity.rules import CONDITION_FIELDS, ConditionField

# What may be asked of the customer an event is about, in every event that is about one.
ABOUT_CUSTOMER = tuple(
    CONDITION_FIELDS.register(field)
    for field in (
        ConditionField("customer_stage", _("Stage"), Kind.KEY),
        ConditionField("customer_status", _("Status"), Kind.KEY),
        ConditionField("customer_tags", _("Tags"), Kind.LIST),
        ConditionField("customer_source", _("Source"), Kind.TEXT),
        ConditionField("customer_phone", _("Phone"), Kind.TEXT),
        ConditionField("assigned_to", _("Owner"), Kind.ID),
        ConditionField("language", _("Language"), Kind.KEY),
        ConditionField("business_hours", _("Within business hours"), Kind.BOOLEAN),
    )
)
OUTCOME_TYPE = CONDITION_FIELDS.register(ConditionField("outcome_type", _("Type of outcome"), Kind.KEY))

CODE = PayloadField("code", Kind.KEY, "the customer's code", is_kept=True)
REASON = PayloadField("reason", Kind.TEXT)
CHANGES = PayloadField("changes", Kind.CHANGES, "each field that changed: from and to")
SETTINGS = PayloadField("changes", Kind.SETTINGS, "what was set: from and to")
IMPORT = PayloadField("import", Kind.ID, "the import that did it", is_optional=True)
NAME = PayloadField("name", Kind.TEXT)
TAG = PayloadField("tag", Kind.TEXT, "the tag's name")
KEY = PayloadField("key", Kind.KEY)
LABEL = PayloadField("name", Kind.LABEL)
OF_STAGES = (PayloadField("from", Kind.KEY, is_kept=True), PayloadField("to", Kind.KEY, is_kept=True))
OWNER = PayloadField("assigned_to", Kind.ID, "the owner's user", is_optional=True)
CHANNEL = PayloadField("channel", Kind.KEY, is_kept=True)
OF_ADDRESS = (PayloadField("kind", Kind.KEY, "phone, email …", is_kept=True), PayloadField("value", Kind.TEXT))
TITLE = PayloadField("title", Kind.TEXT)
DUE_AT = PayloadField("due_at", Kind.TIME, is_optional=True)
CURRENCY = PayloadField("currency", Kind.KEY, is_kept=True)
WORTH = (PayloadField("amount", Kind.AMOUNT, is_kept=True), CURRENCY)
RESULT = (
    PayloadField("type", Kind.KEY, "the key of the outcome's type"),
    PayloadField("amount", Kind.AMOUNT, is_kept=True, is_optional=True),
    CURRENCY,
    PayloadField("occurred_at", Kind.TIME),
)


def _number(name: str, description: str = "") -> PayloadField:
    return PayloadField(name, Kind.NUMBER, description)


def _ends(kind: Kind) -> tuple[PayloadField, PayloadField]:
    """The payload fields `from` and `to`, each of which may be null."""
    return (
        PayloadField("from", kind, is_kept=True, is_optional=True),
        PayloadField("to", kind, is_kept=True, is_optional=True),
    )


CUSTOMER_CREATED = declare("customer.created", _("A customer was made, by a person, the API or a first message"),
    CODE, PayloadField("source", Kind.KEY, "kept where it is one word", is_kept=True),
    PayloadField("stage", Kind.KEY, is_kept=True), IMPORT, conditions=ABOUT_CUSTOMER)  # fmt: skip
CUSTOMER_UPDATED = declare("customer.updated", _("Fields of a customer changed"),
    CHANGES, IMPORT, conditions=ABOUT_CUSTOMER)  # fmt: skip
CUSTOMER_ASSIGNED = declare("customer.assigned", _("A customer got another owner"),
    *_ends(Kind.ID), IMPORT, conditions=ABOUT_CUSTOMER)  # fmt: skip
STAGE_CHANGED = declare("customer.stage_changed", _("A customer moved in the pipeline"),
    *OF_STAGES, REASON, IMPORT, conditions=ABOUT_CUSTOMER)  # fmt: skip
STAGE_CHANGE_UNDONE = declare("customer.stage_change_undone", _("A move in the pipeline was taken back"),
    *OF_STAGES, PayloadField("change", Kind.ID, "the move"))  # fmt: skip
TAG_ADDED = declare("customer.tag_added", _("A tag was added to a customer"), TAG, IMPORT, conditions=ABOUT_CUSTOMER)
TAG_REMOVED = declare("customer.tag_removed", _("A tag was taken off a customer"), TAG)
FOLLOW_UP_SET = declare("customer.follow_up_set", _("The next follow-up of a customer was set or cleared"),
    *_ends(Kind.TIME))  # fmt: skip
CONSENT_CHANGED = declare("customer.consent_changed", _("A customer opted in or out on a channel"),
    CHANNEL, PayloadField("purpose", Kind.KEY), PayloadField("is_granted", Kind.BOOLEAN, is_kept=True),
    PayloadField("how", Kind.TEXT, "what they said, and where"))  # fmt: skip
IDENTITY_ADDED = declare("customer.identity_added", _("A customer got another phone or e-mail"), *OF_ADDRESS)
IDENTITY_REMOVED = declare("customer.identity_removed", _("A phone or e-mail of a customer was taken away"),
    *OF_ADDRESS)  # fmt: skip
CUSTOMER_MERGED = declare("customer.merged", _("Two customers became one"),
    PayloadField("merged", Kind.ID, "who is no more by themselves", is_kept=True), CODE,
    PayloadField("change_set", Kind.ID, "what undoing needs", is_kept=True))  # fmt: skip
MERGE_UNDONE = declare("customer.merge_undone", _("A merge was undone: two customers again"),
    PayloadField("other", Kind.ID, is_kept=True), CODE)  # fmt: skip
DUPLICATE_DISMISSED = declare("customer.duplicate_dismissed", _("Two customers that look alike were called two"),
    PayloadField("first", Kind.ID, is_kept=True), PayloadField("second", Kind.ID, is_kept=True))  # fmt: skip
CUSTOMER_DELETED = declare("customer.deleted", _("A customer was deleted, restorable for 30 days"),
    CODE, PayloadField("cancelled", Kind.LIST, "what was open and is not any more"))  # fmt: skip
CUSTOMER_RESTORED = declare("customer.restored", _("A deleted customer is there again"), CODE, REASON)
CUSTOMER_ERASED = declare("customer.erased", _("The person behind a customer was erased for good; the counts stay"),
    CODE, REASON)  # fmt: skip
PERSONAL_DATA_EXPORTED = declare(
    "customer.personal_data_exported", _("Everything held on a person was put together for download"),
    CODE)  # fmt: skip
RETENTION_CHANGED = declare("customers.retention_changed", _("After how long people are erased was set"),
    *_ends(Kind.NUMBER))  # fmt: skip
BULK_CHANGED = declare("customers.bulk_changed", _("Many customers were changed at once"),
    PayloadField("action", Kind.KEY, is_kept=True), PayloadField("params", Kind.OBJECT),
    _number("changed", "how many"))  # fmt: skip
CHANGES_UNDONE = declare("customers.changes_undone", _("A bulk change or an import was undone"),
    PayloadField("kind", Kind.KEY, "of the changes", is_kept=True), _number("restored"), _number("kept"))  # fmt: skip

CUSTOMERS_IMPORTED = declare("customer.imported", _("A file of customers was imported"),
    NAME, _number("created"), _number("updated"), _number("skipped"), _number("rejected"))  # fmt: skip
CUSTOMERS_EXPORTED = declare("customer.exported", _("A list of customers was exported"),
    _number("count"), PayloadField("filters", Kind.OBJECT), PayloadField("format", Kind.KEY),
    PayloadField("columns", Kind.LIST))  # fmt: skip

CONTACT_CREATED = declare("contact.created", _("A person was tied to a customer"),
    NAME, PayloadField("relationship", Kind.KEY))  # fmt: skip
CONTACT_UPDATED = declare("contact.updated", _("Fields of a contact changed"), NAME, CHANGES)
CONTACT_DELETED = declare("contact.deleted", _("A contact was deleted"), NAME)
INTERACTION_LOGGED = declare("interaction.logged", _("A call, meeting or note was logged"),
    CHANNEL, PayloadField("direction", Kind.KEY, is_kept=True))  # fmt: skip
INTERACTION_CHANGED = declare("interaction.changed", _("A logged call, meeting or note was changed"), CHANGES)
INTERACTION_DELETED = declare("interaction.deleted", _("A logged call, meeting or note was deleted"), CHANNEL)
FILE_ADDED = declare("file.added", _("A document was put on a customer's page"), NAME)
FILE_DELETED = declare("file.deleted", _("A document of a customer was deleted"), NAME)

DEAL_CREATED = declare("deal.created", _("A deal was made"), TITLE, *WORTH, conditions=ABOUT_CUSTOMER)
DEAL_UPDATED = declare("deal.updated", _("Fields of a deal changed"), TITLE, CHANGES)
DEAL_WON = declare("deal.won", _("A deal was won"), TITLE, *WORTH, REASON, conditions=ABOUT_CUSTOMER)
DEAL_LOST = declare("deal.lost", _("A deal was lost"), TITLE, *WORTH, REASON, conditions=ABOUT_CUSTOMER)
DEAL_DELETED = declare("deal.deleted", _("A deal was deleted"), TITLE, *WORTH)
TASK_CREATED = declare("task.created", _("A task was made"),
    TITLE, DUE_AT, PayloadField("series", Kind.ID, "of a recurring one, all of them", is_optional=True),
    conditions=ABOUT_CUSTOMER)  # fmt: skip
TASK_UPDATED = declare("task.updated", _("Fields of a task changed"), TITLE, CHANGES)
TASK_COMPLETED = declare("task.completed", _("A task was done"), TITLE, conditions=ABOUT_CUSTOMER)
TASK_DELETED = declare("task.deleted", _("A task was deleted"), TITLE)
TASK_REMINDED = declare("task.reminded", _("Somebody was reminded of a task"),
    PayloadField("to", Kind.ID, "their user", is_kept=True))  # fmt: skip
TASK_OVERDUE = declare("task.overdue", _("A task was not done when it was due"),
    TITLE, DUE_AT, OWNER, conditions=ABOUT_CUSTOMER)  # fmt: skip
FOLLOW_UP_DUE = declare("followup.due", _("The time of a customer’s next follow-up has come"),
    PayloadField("at", Kind.TIME), OWNER, conditions=ABOUT_CUSTOMER)  # fmt: skip
CUSTOMER_OVERDUE = declare("customer.overdue", _("Nothing was said or done for longer than a customer’s stage allows"),
    PayloadField("stage", Kind.KEY, is_kept=True), PayloadField("since", Kind.TIME), OWNER)  # fmt: skip
CALENDAR_FEED_MADE = declare("calendar_feed.made", _("A member got a private calendar address"))
CALENDAR_FEED_REVOKED = declare("calendar_feed.revoked", _("A private calendar address was taken away"))

SEGMENT_SAVED = declare("segment.saved", _("A view of the list was saved or changed"), NAME)
SEGMENT_DELETED = declare("segment.deleted", _("A saved view of the list was deleted"), NAME)
OF_FIELD = (KEY, PayloadField("entity", Kind.KEY, "customer, contact or deal"))
CUSTOM_FIELD_CREATED = declare("custom_field.created", _("A field of the organization's own was defined"), *OF_FIELD)
CUSTOM_FIELD_CHANGED = declare("custom_field.changed", _("A field of the organization's own was changed"),
    KEY, PayloadField("set", Kind.LIST, "what of it"))  # fmt: skip
CUSTOM_FIELD_DELETED = declare("custom_field.deleted", _("A field of the organization's own was taken away"), *OF_FIELD)
TAG_CREATED = declare("tag.created", _("A tag was made"), TAG)
TAG_CHANGED = declare("tag.changed", _("A tag was renamed or got another colour"), TAG)
TAG_DELETED = declare("tag.deleted", _("A tag was deleted, and taken off everybody"), TAG)

STAGE_CREATED = declare("stage.created", _("A stage of the pipeline was made"), KEY, LABEL)
STAGE_UPDATED = declare("stage.updated", _("A stage of the pipeline was changed"), KEY, SETTINGS)
STAGE_REMOVED = declare("stage.removed", _("A stage of the pipeline was taken away, its customers moved to another"),
    KEY, LABEL, PayloadField("home", Kind.KEY, "the other stage's key", is_optional=True))  # fmt: skip
STAGES_REORDERED = declare("stages.reordered", _("The stages of the pipeline were put in another order"),
    PayloadField("order", Kind.LIST))  # fmt: skip
CUSTOMER_SETTINGS_CHANGED = declare(
    "customers.settings_changed", _("Follow-ups, stalled leads or closed deals were set"),
    SETTINGS)  # fmt: skip
OUTCOME_RECORDED = declare("outcome.recorded", _("A business result was recorded"),
    *RESULT, conditions=(*ABOUT_CUSTOMER, OUTCOME_TYPE))  # fmt: skip
OUTCOME_CHANGED = declare("outcome.changed", _("A recorded result was changed"), RESULT[0], CHANGES)
OUTCOME_DELETED = declare("outcome.deleted", _("A recorded result was deleted"), *RESULT)
OUTCOME_TYPE_CREATED = declare("outcome_type.created", _("A kind of result was made"), KEY, LABEL)
OUTCOME_TYPE_CHANGED = declare(
    "outcome_type.changed", _("A kind of result was changed, or all were put in another order"),
    KEY, replace(SETTINGS, is_optional=True), PayloadField("order", Kind.LIST, is_optional=True))  # fmt: skip
OUTCOME_TYPE_DELETED = declare("outcome_type.deleted", _("A kind of result was deleted"), KEY, LABEL)
PROCESS_STARTED = declare("process.started", _("A customer’s way through timed steps began"),
    NAME, CHANNEL, PayloadField("next_follow_up_at", Kind.TIME, is_optional=True))  # fmt: skip
PROCESS_DELETED = declare("process.deleted", _("A process was deleted"), NAME)
PROCESS_CHANGED = declare("process.changed", _("A process was moved, paused, resumed or ended"), NAME, CHANGES)
PACK_CHANGED = declare(
    "organization.pack_changed", _("An organization changed to another pack, or took what it lacked of its own"),
    *OF_STAGES, PayloadField("added", Kind.SETTINGS, "what is new: part and names"))  # fmt: skip
