from django.utils.translation import gettext_lazy as _

from activity.payloads import Kind, PayloadField
from activity.registry import declare

ROLE = PayloadField("role", Kind.KEY, "the role's key")
HOW = PayloadField("how", Kind.KEY, "by which door: page, api or provider")
ROLE_KEY = PayloadField("key", Kind.KEY, "the role's key")
MEMBER_IDS = PayloadField("members", Kind.LIST, "the ids of the members")
FROM_AND_TO = PayloadField("changes", Kind.SETTINGS, "each that changed: from and to")
KEY_NAME = PayloadField("name", Kind.LABEL, "what the key is called")
FACTOR = PayloadField("factor", Kind.KEY, "app or passkey")
PROVIDER_NAME = PayloadField("provider", Kind.LABEL, "what the provider is called")
PREFIX = PayloadField("prefix", Kind.KEY, "what the key begins with")

ORGANIZATION_CREATED = declare("organization.created", _("An organization was made"),
    PayloadField("pack", Kind.KEY, "the key of its pack"), PayloadField("name", Kind.LABEL))  # fmt: skip
ORGANIZATION_CHANGED = declare("organization.changed", _("Settings of an organization changed"), FROM_AND_TO)
ORGANIZATION_SUSPENDED = declare("organization.suspended",
    _("Whoever runs the installation suspended the organization"), PayloadField("reason", Kind.LABEL))  # fmt: skip
ORGANIZATION_RESUMED = declare("organization.resumed", _("The organization goes on after it was suspended"))
ORGANIZATION_DELETED = declare("organization.deleted", _("Whoever runs the installation deleted the organization"),
    PayloadField("purge_at", Kind.TIME, "until when it can be restored"))  # fmt: skip
ORGANIZATION_RESTORED = declare("organization.restored", _("The organization was restored after it was deleted"),
    PayloadField("is_suspended", Kind.BOOLEAN, "whether it was suspended before, and is again"))  # fmt: skip
MEMBER_ADDED = declare("member.added", _("A user became a member"), ROLE)
MEMBER_CHANGED = declare("member.changed", _("A member’s role or teams changed"),
    PayloadField("changes", Kind.SETTINGS, "role, teams: from and to"))  # fmt: skip
PROFILE_CHANGED = declare("member.profile_changed", _("A member’s name, phone, signature or photo changed"),
    PayloadField("fields", Kind.LIST, "which of them"))  # fmt: skip
MEMBER_DEACTIVATED = declare("member.deactivated", _("A member was shut out"))
MEMBER_REACTIVATED = declare("member.reactivated", _("A member who was shut out may come in again"))
MEMBER_REMOVED = declare("member.removed", _("A member was taken out of the organization"))
RECORDS_HANDED_OVER = declare("member.records_handed_over", _("Records of a member were given to somebody else"),
    PayloadField("kind", Kind.KEY, "of record, such as customers"),
    PayloadField("successor", Kind.ID, "the user who got them; none where they were cancelled", is_optional=True),
    PayloadField("given", Kind.NUMBER, "how many"), PayloadField("kept", Kind.NUMBER, "left as they were"),
    PayloadField("cancelled", Kind.NUMBER), PayloadField("job", Kind.ID, "with the list of all of them"))  # fmt: skip
RECORDS_LISTED = declare("member.records_listed",
    _("A list of what a member has, or of what was handed over, was taken along as a file"),
    PayloadField("job", Kind.ID, "the hand-over; none before one", is_optional=True))  # fmt: skip
INVITATION_CREATED = declare("invitation.created", _("Somebody was invited to become a member"), ROLE)
INVITATION_RESENT = declare("invitation.resent", _("An invited person was sent a new link"), ROLE)
INVITATION_REVOKED = declare("invitation.revoked", _("An invitation was revoked"))
INVITATION_ACCEPTED = declare("invitation.accepted", _("An invited person joined"), ROLE)
SIGNED_IN = declare("user.signed_in", _("A user signed in"), HOW)
SIGNED_OUT = declare("user.signed_out", _("A user signed out"), HOW)
TOKEN_REUSED = declare("user.token_reused", _("A spent refresh token was used again; its family was revoked"))
API_KEY_ISSUED = declare("api_key.issued", _("An API key was made"), KEY_NAME, PREFIX,
    PayloadField("scopes", Kind.LIST, "permissions; none: all that a key can be given", is_optional=True),
    PayloadField("member", Kind.ID, "the member it acts for", is_optional=True))  # fmt: skip
API_KEY_ROTATED = declare("api_key.rotated", _("An API key got a new secret"), KEY_NAME, PREFIX)
API_KEY_NARROWED = declare("api_key.narrowed", _("Permissions were taken from an API key"), KEY_NAME, PREFIX,
    PayloadField("removed", Kind.LIST, "permissions that it lost"))  # fmt: skip
API_KEY_REVOKED = declare("api_key.revoked", _("An API key was revoked"), KEY_NAME, PREFIX)
SECOND_FACTOR_ADDED = declare("user.second_factor_added", _("A user set up a second factor"), FACTOR)
SECOND_FACTOR_REMOVED = declare("user.second_factor_removed", _("A user removed a second factor"), FACTOR)
SECOND_FACTOR_RESET = declare("user.second_factor_reset", _("Somebody else took a user’s second factor away"))
RECOVERY_CODE_USED = declare("user.recovery_code_used", _("A recovery code took the place of a second factor"),
    PayloadField("left", Kind.NUMBER, "how many are unused"))  # fmt: skip
RECOVERY_CODES_RENEWED = declare("user.recovery_codes_renewed", _("A user made new recovery codes"))
PROVIDER_SAVED = declare("sign_in_provider.saved", _("The organization’s sign-in provider was set up or changed"),
    PROVIDER_NAME, PayloadField("fields", Kind.LIST, "which of its settings; never the secret"))  # fmt: skip
PROVIDER_DELETED = declare(
    "sign_in_provider.deleted", _("The organization’s sign-in provider was removed"), PROVIDER_NAME
)
PROVIDER_CONNECTED = declare("user.provider_connected", _("A user connected their account at the sign-in provider"),
    PROVIDER_NAME)  # fmt: skip
PROVIDER_DISCONNECTED = declare("user.provider_disconnected",
    _("A user’s account at the sign-in provider was disconnected"), PROVIDER_NAME)  # fmt: skip
SCIM_NAME = PayloadField("name", Kind.LABEL, "what the directory is called")
SCIM_CREATED = declare("scim_connection.created", _("A directory was connected by SCIM"), SCIM_NAME, ROLE)
SCIM_CHANGED = declare("scim_connection.changed", _("What a directory’s connection by SCIM does was changed"),
    SCIM_NAME, PayloadField("fields", Kind.LIST, "which of its settings"))  # fmt: skip
SCIM_ROTATED = declare("scim_connection.rotated", _("A directory’s connection by SCIM got a new token"), SCIM_NAME,
    PayloadField("prefix", Kind.KEY, "what the token begins with"))  # fmt: skip
SCIM_TURNED_OFF = declare("scim_connection.turned_off", _("A directory’s connection by SCIM was turned off"), SCIM_NAME)
SCIM_GROUP_ROLE = declare("scim_connection.group_role_set",
    _("Whoever is in a group of the directory gets another role, or none by it"), SCIM_NAME,
    PayloadField("group", Kind.LABEL, "what the team is called"), FROM_AND_TO)  # fmt: skip
EMAIL_CHANGED = declare("member.email_changed", _("Somebody else changed a member’s e-mail address"))
SESSIONS_ENDED = declare("user.sessions_ended", _("A user ended sessions of browsers or apps"),
    PayloadField("count", Kind.NUMBER))  # fmt: skip
PASSWORD_CHANGED = declare("user.password_changed", _("A user set a new password; every sign-in ended"))
ROLE_CREATED = declare("role.created", _("A role of the organization’s own was made"), ROLE_KEY,
    PayloadField("name", Kind.LABEL), PayloadField("permissions", Kind.LIST),
    PayloadField("reach", Kind.KEY, "all, team or assigned"))  # fmt: skip
ROLE_UPDATED = declare("role.updated", _("A role’s name, reach or permissions changed"), ROLE_KEY,
    FROM_AND_TO, PayloadField("added", Kind.LIST, "permissions that it got"),
    PayloadField("removed", Kind.LIST, "permissions that it lost"))  # fmt: skip
ROLE_DELETED = declare("role.deleted", _("A role was deleted; its members got another one"), ROLE_KEY,
    PayloadField("name", Kind.LABEL), MEMBER_IDS,
    PayloadField("successor", Kind.KEY, "the key of the role that they got", is_optional=True))  # fmt: skip
ROLE_VIEW_BEGAN = declare("role.view_began", _("A member began to view the pages as a role"), ROLE_KEY)
ROLE_VIEW_ENDED = declare("role.view_ended", _("A member views the pages as themselves again"), ROLE_KEY,
    PayloadField("how", Kind.KEY, "button, sign_out, time or changed"))  # fmt: skip
ROLE_PREVIEW_BEGAN = declare("role.preview_began", _("A member began to view the pages as a role that is not saved"),
    PayloadField("name", Kind.LABEL), PayloadField("permissions", Kind.LIST),
    PayloadField("reach", Kind.KEY, "all, team or assigned"))  # fmt: skip
ROLE_PREVIEW_ENDED = declare("role.preview_ended", _("A member views the pages as themselves again"),
    PayloadField("how", Kind.KEY, "button, sign_out, time or changed"))  # fmt: skip
MEMBER_VIEW_BEGAN = declare("member.view_began", _("A member began to view the pages as another would see them"))
MEMBER_VIEW_ENDED = declare("member.view_ended", _("A member views the pages as themselves again"),
    PayloadField("how", Kind.KEY, "button, sign_out, time or changed"))  # fmt: skip
IMPERSONATION_BEGAN = declare("impersonation.began", _("Somebody began to act as another member"),
    PayloadField("impersonation", Kind.ID), PayloadField("reason", Kind.TEXT, "as it was given"),
    PayloadField("until", Kind.TIME, "when it ends by itself"),
    PayloadField("door", Kind.KEY, "page or api"))  # fmt: skip
IMPERSONATION_ENDED = declare("impersonation.ended", _("Nobody acts as that member any more"),
    PayloadField("impersonation", Kind.ID),
    PayloadField("how", Kind.KEY, "button, sign_out, time, changed or person"))  # fmt: skip
TEAM_CREATED = declare("team.created", _("A team was made"), PayloadField("name", Kind.LABEL), MEMBER_IDS)
TEAM_UPDATED = declare("team.updated", _("A team got another name or other members"), FROM_AND_TO,
    PayloadField("added", Kind.LIST, "ids of members who came in"),
    PayloadField("removed", Kind.LIST, "ids of members who left"))  # fmt: skip
TEAM_DELETED = declare("team.deleted", _("A team was deleted"), PayloadField("name", Kind.LABEL), MEMBER_IDS)
AUDIT_EXPORTED = declare("audit.exported", _("The audit log was exported"),
    PayloadField("filters", Kind.OBJECT, "which entries: each filter with its value"))  # fmt: skip
CALENDAR_CREATED = declare("calendar.created", _("A business calendar was made"), PayloadField("name", Kind.LABEL))
CALENDAR_UPDATED = declare("calendar.updated", _("A business calendar was changed"),
    PayloadField("name", Kind.LABEL), FROM_AND_TO)  # fmt: skip
CALENDAR_DELETED = declare("calendar.deleted", _("A business calendar was deleted"), PayloadField("name", Kind.LABEL))
CALENDAR_CLOSED = declare("calendar.closed", _("Somebody closed until a moment"), PayloadField("name", Kind.LABEL),
    PayloadField("until", Kind.TIME))  # fmt: skip
CALENDAR_REOPENED = declare("calendar.reopened", _("A closing was ended before its time"),
    PayloadField("name", Kind.LABEL))  # fmt: skip
