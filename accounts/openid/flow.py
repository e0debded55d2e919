"""The way to a provider and back: authorization code with PKCE (RFC 7636), state and nonce, once each."""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Final
from urllib.parse import quote_plus, urlencode

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import SignInProvider
from accounts.openid import discovery
from accounts.openid.discovery import Endpoints
from accounts.openid.id_tokens import LEEWAY_SECONDS, Identity, WrongToken, check, of_claims
from core import web_requests
from core.refused import Refused

logger = logging.getLogger(__name__)

KEY: Final = "provider_journeys"
WITHIN: Final = timedelta(minutes=10)
# Of one session at once: tabs.
MAX_JOURNEYS: Final = 5
SIGN_IN, CONNECT = "sign_in", "connect"


class JourneyOver(Refused):
    """The browser comes back from no way that it was sent on, or too late, or a second time."""

    def __init__(self) -> None:
        super().__init__(_("This sign-in is over: it took too long, or was finished already. Begin again."))


class ProviderFailed(Refused):
    """The provider signed nobody in, or what it said is not to be believed."""


@dataclass(frozen=True, slots=True)
class Journey:
    """What the session knows of one way to the provider: what it is for, and what has to come back."""

    provider_id: str
    purpose: str
    path: str
    nonce: str
    verifier: str
    at: float
    # Of connecting: whose account it is to be, who has to be signed in at the end as well.
    user_id: str = ""
    # Whether the provider is to ask who it is, and to say when it did.
    again: bool = False


def begin(
    request: HttpRequest,
    provider: SignInProvider,
    *,
    purpose: str,
    path: str,
    user_id: str = "",
    again: bool = False,
) -> str:
    """The provider's address to go to. With `again` the provider is to ask who it is, whoever is signed in there."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    journey = Journey(
        provider_id=str(provider.pk),
        purpose=purpose,
        path=path,
        nonce=secrets.token_urlsafe(32),
        verifier=verifier,
        at=timezone.now().timestamp(),
        user_id=user_id,
        again=again,
    )
    newest = list(_journeys(request).items())[-(MAX_JOURNEYS - 1) :]
    request.session[KEY] = {**dict(newest), _hash(state): asdict(journey)}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.callback_address,
        "scope": "openid email profile",
        "state": state,
        "nonce": journey.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if again else {}),
    }
    address = Endpoints.from_json(provider.endpoints).authorization
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def take(request: HttpRequest, provider: SignInProvider) -> Journey:
    """The way that the browser comes back from; it can be come back from once. Raises JourneyOver."""
    journeys = _journeys(request)
    kept = journeys.pop(_hash(request.GET.get("state", "")), None)
    request.session[KEY] = journeys
    if kept is None:
        raise JourneyOver
    journey = Journey(**kept)  # type: ignore[arg-type]
    is_late = timezone.now().timestamp() - journey.at > WITHIN.total_seconds()
    if is_late or journey.provider_id != str(provider.pk):
        raise JourneyOver
    return journey


def identify(provider: SignInProvider, journey: Journey, answer: Mapping[str, str]) -> Identity:
    """Who the provider says it is, by its answer in the address: the code is exchanged, the token checked.

    Raises ProviderFailed; why stands in the log.
    """
    endpoints = Endpoints.from_json(provider.endpoints)
    issuer = answer.get("iss")
    if issuer != provider.issuer and (issuer is not None or endpoints.names_issuer):
        raise _failed(provider, "the answer names another issuer")
    if "error" in answer or not answer.get("code"):
        logger.info(
            "sign_in_provider_refused", extra={"provider": str(provider.pk), "reason": answer.get("error", "")[:100]}
        )
        raise ProviderFailed(_("%(provider)s signed nobody in.") % {"provider": provider.name})
    try:
        tokens = _exchange(provider, endpoints, code=answer["code"], verifier=journey.verifier)
        keys = _object(discovery.get(endpoints.keys))
        identity = check(
            tokens.get("id_token"),
            keys=keys,
            issuer=provider.issuer,
            client_id=provider.client_id,
            nonce=journey.nonce,
        )
        if journey.again and identity.shown_at < journey.at - LEEWAY_SECONDS:
            raise WrongToken("it did not ask again who it is (auth_time)")
        if not identity.email and endpoints.userinfo and isinstance(tokens.get("access_token"), str):
            return _with_email(endpoints, identity, str(tokens["access_token"]))
    except (WrongToken, web_requests.RequestFailed) as error:
        raise _failed(provider, str(error)) from error
    return identity


def _exchange(provider: SignInProvider, endpoints: Endpoints, *, code: str, verifier: str) -> dict[str, object]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.callback_address,
        "code_verifier": verifier,
    }
    headers = {}
    secret = str(provider.client_secret)
    if endpoints.takes_secret_in_form:
        form |= {"client_id": provider.client_id, "client_secret": secret}
    else:
        # RFC 6749, 2.3.1: each is encoded as in a form before.
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    answer = web_requests.request(
        endpoints.token,
        seconds=settings.PROVIDER_TIMEOUT_SECONDS,
        form=form,
        headers=headers,
        allowed=settings.SIGN_IN_PROVIDER_HOSTS,
    )
    return _object(answer)


def _with_email(endpoints: Endpoints, identity: Identity, access_token: str) -> Identity:
    """What the provider tells beside the token (Core, 5.3); only if it speaks of the same subject."""
    claims = _object(discovery.get(endpoints.userinfo, {"Authorization": f"Bearer {access_token}"}))
    more = of_claims(claims, identity.issuer)
    if more.subject != identity.subject:
        raise WrongToken("userinfo speaks of somebody else")
    return replace(
        identity, email=more.email, is_email_verified=more.is_email_verified, name=identity.name or more.name
    )


def _object(answer: web_requests.Answer) -> dict[str, object]:
    if answer.status != 200:
        raise WrongToken(f"status {answer.status}")
    return answer.as_object()


def _failed(provider: SignInProvider, reason: str) -> ProviderFailed:
    logger.warning("sign_in_provider_failed", extra={"provider": str(provider.pk), "reason": reason[:300]})
    return ProviderFailed(
        _("The answer of %(provider)s can’t be used. Try again; if it stays so, an administrator has to look at it.")
        % {"provider": provider.name}
    )


def _journeys(request: HttpRequest) -> dict[str, dict[str, object]]:
    kept = request.session.get(KEY)
    return dict(kept) if isinstance(kept, dict) else {}


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
