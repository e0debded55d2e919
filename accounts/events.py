from activity.registry import declare

ORGANIZATION_CREATED = declare("organization.created", "An organization was made")
MEMBER_ADDED = declare("member.added", "A user became a member")
MEMBER_CHANGED = declare("member.changed", "A member's role or teams changed")
MEMBER_DEACTIVATED = declare("member.deactivated", "A member was shut out")
SIGNED_IN = declare("user.signed_in", "A user signed in")
SIGNED_OUT = declare("user.signed_out", "A user signed out")
TOKEN_REUSED = declare("user.token_reused", "A spent refresh token was used again; its family was revoked")
API_KEY_ISSUED = declare("api_key.issued", "An API key was made")
API_KEY_REVOKED = declare("api_key.revoked", "An API key was revoked")
PASSWORD_CHANGED = declare("user.password_changed", "A user set a new password; every sign-in ended")
