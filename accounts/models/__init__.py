from accounts.models.api_key import APIKey, KeyState
from accounts.models.attempt import SignInAttempt
from accounts.models.calendar import BusinessCalendar
from accounts.models.deletion import OrganizationDeletion
from accounts.models.hand_over import HandedOver
from accounts.models.idempotency import IdempotentCall
from accounts.models.impersonation import Impersonation
from accounts.models.invitation import Invitation
from accounts.models.member import Member, Role, Team
from accounts.models.notice import SecurityNotice
from accounts.models.organization import Organization
from accounts.models.password_reset import PasswordReset
from accounts.models.scim import ScimConnection, ScimFailure, ScimGroup, ScimUser
from accounts.models.second_factor import AuthenticatorApp, Passkey, RecoveryCode, TrustedBrowser
from accounts.models.session import BrowserSession
from accounts.models.sign_in_provider import ProviderLink, SignInProvider
from accounts.models.token import TokenFamily
from accounts.models.user import User

__all__ = [
    "APIKey",
    "AuthenticatorApp",
    "BrowserSession",
    "BusinessCalendar",
    "HandedOver",
    "IdempotentCall",
    "Impersonation",
    "Invitation",
    "KeyState",
    "Member",
    "Organization",
    "OrganizationDeletion",
    "Passkey",
    "PasswordReset",
    "ProviderLink",
    "RecoveryCode",
    "Role",
    "ScimConnection",
    "ScimFailure",
    "ScimGroup",
    "ScimUser",
    "SecurityNotice",
    "SignInAttempt",
    "SignInProvider",
    "Team",
    "TokenFamily",
    "TrustedBrowser",
    "User",
]
