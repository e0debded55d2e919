from accounts.models.attempt import SignInAttempt
from accounts.models.idempotency import IdempotentCall
from accounts.models.invitation import Invitation
from accounts.models.member import Member, Role, Team
from accounts.models.organization import Organization
from accounts.models.password_reset import PasswordReset
from accounts.models.token import APIKey, TokenFamily
from accounts.models.user import User

__all__ = [
    "APIKey",
    "IdempotentCall",
    "Invitation",
    "Member",
    "Organization",
    "PasswordReset",
    "Role",
    "SignInAttempt",
    "Team",
    "TokenFamily",
    "User",
]
