"""Which addresses a provider has: OpenID Connect Discovery 1.0, section 4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from core import web_requests
from core.refused import Refused

PATH: Final = "/.well-known/openid-configuration"
MAX_ADDRESS_LENGTH: Final = 2_000


class ProviderUnusable(Refused):
    """The provider does not say of itself what a sign-in needs; `issuer` is the field that leads there."""

    field = "issuer"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the discovery document says, as far as a sign-in needs it."""

    authorization: str
    token: str
    keys: str
    userinfo: str = ""
    # Whether the secret goes into the form and not into the header (client_secret_post).
    takes_secret_in_form: bool = False
    # Whether every answer names its issuer (RFC 9207): then one that does not is not from this provider.
    names_issuer: bool = False

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Endpoints:
        return cls(**stored)  # type: ignore[arg-type]


def read(issuer: str) -> Endpoints:
    """Ask the issuer. Raises ProviderUnusable with what is wrong."""
    try:
        answer = get(issuer.rstrip("/") + PATH)
        if answer.status != 200:
            raise ProviderUnusable(
                _("%(address)s answered with status %(status)s. Look for the issuer in your provider’s documentation.")
                % {"address": issuer.rstrip("/") + PATH, "status": answer.status}
            )
        document = answer.as_object()
    except web_requests.RequestFailed as error:
        raise ProviderUnusable(_("The provider can’t be used: %(reason)s") % {"reason": error}) from error
    if document.get("issuer") != issuer:
        raise ProviderUnusable(
            _("The provider calls itself “%(issuer)s”. Enter it exactly so.")
            % {"issuer": str(document.get("issuer"))[:300]}
        )
    methods = document.get("token_endpoint_auth_methods_supported")
    in_form = isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods
    return Endpoints(
        authorization=_address(document, "authorization_endpoint"),
        token=_address(document, "token_endpoint"),
        keys=_address(document, "jwks_uri"),
        userinfo=_address(document, "userinfo_endpoint") if document.get("userinfo_endpoint") else "",
        takes_secret_in_form=in_form,
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def get(address: str, headers: Mapping[str, str] | None = None) -> web_requests.Answer:
    """GET one of the provider's addresses. Raises RequestFailed."""
    return web_requests.request(
        address,
        seconds=settings.PROVIDER_TIMEOUT_SECONDS,
        headers=headers,
        allowed=settings.SIGN_IN_PROVIDER_HOSTS,
    )


def _address(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or len(value) > MAX_ADDRESS_LENGTH:
        raise ProviderUnusable(_("The provider names no %(name)s.") % {"name": name})
    try:
        web_requests.split(value, allowed=settings.SIGN_IN_PROVIDER_HOSTS)
    except web_requests.RequestFailed as error:
        raise ProviderUnusable(
            _("The provider’s %(name)s can’t be used: %(reason)s") % {"name": name, "reason": error}
        ) from error
    return value
