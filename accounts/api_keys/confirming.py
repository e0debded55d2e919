"""By a call, who it is has to be shown again before something that outlives the call is made."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from accounts.access.authentication import SessionAuthentication
from accounts.credentials import recent, sign_in
from accounts.credentials.second_factor import MAX_CODE_LENGTH
from accounts.models import Member
from core.api.strict import Body, Strict
from core.refused import Refused


class ConfirmationRequired(Refused):
    """Who it is has to be shown again."""

    status, code, field = 403, "confirmation_required", "password"

    def __init__(self) -> None:
        super().__init__(_("Show who you are: send your password, or a code of your second factor."))


class ConfirmedSerializer(Strict):
    """Who it is, again. A session that has shown it within 15 minutes need not."""

    password = serializers.CharField(
        required=False, max_length=256, trim_whitespace=False, write_only=True, help_text="The caller's own."
    )
    code = serializers.CharField(
        required=False, max_length=MAX_CODE_LENGTH, write_only=True, help_text="Of their second factor, instead."
    )


def confirm(request: Request, member: Member, data: Body) -> None:
    """Take the password or code out of the body. Raises ConfirmationRequired, and as `sign_in` for wrong ones."""
    password, code = data.pop("password", ""), data.pop("code", "")
    user = member.user
    if password:
        sign_in.verify_password(request=request, email=user.email, password=password)
    elif code and user.has_second_factor:
        sign_in.verify_code(request=request, user=user, code=code)
    elif not (isinstance(request.successful_authenticator, SessionAuthentication) and recent.is_recent(request)):
        raise ConfirmationRequired
