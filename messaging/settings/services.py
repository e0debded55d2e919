"""Creating, changing, checking and removing channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from accounts.calendars.choosing import chosen
from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core.encryption import DecryptionFailed
from core.refused import Invalid, Refused
from customers.people.identities import services as identities
from messaging import events
from messaging.channels import registry
from messaging.channels.abilities import AccountIds, HasWebhooks, ReceivesWebhooks, SendsSecrets, WebhookAddress
from messaging.channels.base import CredentialField, Kind, Problem
from messaging.inbound_deliveries import addresses
from messaging.intake import mailboxes
from messaging.models import Channel
from messaging.texts.contents import services as contents
from messaging.threads import channel_choice


class InvalidChannel(Invalid):
    """A value that the channel can't have; `field` names it, and `part` which of the credentials."""

    def __init__(self, field: str, detail: str, *, key: str = "") -> None:
        super().__init__(field, detail)
        self.part = key


class ChannelInUse(Refused):
    """A channel with conversations stays."""

    status = 409

    def __init__(self) -> None:
        super().__init__("This channel has conversations. Switch it off instead of removing it.")


CHANGEABLE = frozenset(
    {"name", "address", "credentials", "settings", "is_enabled", "is_default", "rate_per_second", "calendar"}
)


@transaction.atomic
def create(
    *,
    organization: Organization,
    actor: Actor,
    kind: str,
    provider: str,
    name: str,
    address: str,
    credentials: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    is_enabled: bool = True,
    is_default: bool = False,
    rate_per_second: float | None = None,
    calendar: UUID | str | None = None,
) -> Channel:
    """A new channel. Raises InvalidChannel or InvalidCalendar, which name the field."""
    channel = Channel(organization=organization, kind=kind, provider=provider, name=name, is_enabled=is_enabled)
    channel.settings, channel.rate_per_second = dict(settings or {}), rate_per_second
    channel.calendar = chosen(organization, calendar, field="business_hours")
    fields = _fields(provider, kind)
    channel.address = _address(organization, kind, address)
    _set_credentials(channel, fields, credentials or {}, is_new=True)
    _set_default(channel, is_default=is_default)
    _save(channel)
    _set_up(channel)
    payload = {"kind": kind, "provider": provider, "name": name}
    record(events.CHANNEL_CREATED, subject=channel, actor=actor, payload=payload)
    return channel


@transaction.atomic
def update(*, channel: Channel, actor: Actor, changes: Mapping[str, object]) -> Channel:
    """Change `name`, `address`, `credentials` (those given; the rest stays), `settings`, `is_enabled`, `is_default`
    (of its kind, for first messages; another one is it no more), `rate_per_second`, `calendar` (its id, or None).

    Raises InvalidChannel or InvalidCalendar. The event names the changed fields, never a credential.
    """
    written = {"last_error"} | (CHANGEABLE & set(changes))
    for field in ("name", "is_enabled", "settings", "rate_per_second"):
        if field in changes:
            setattr(channel, field, changes[field])
    if "calendar" in changes:
        channel.calendar = chosen(channel.organization, changes["calendar"], field="business_hours")
    if "address" in changes:
        channel.address = _address(channel.organization, channel.kind, cast("str", changes["address"]))
    if "credentials" in changes:
        credentials = cast("Mapping[str, object]", changes["credentials"])
        _set_credentials(channel, _fields(channel.provider, channel.kind), credentials, is_new=False)
        written |= {"account_id", "messaging_service_id"}
    if "is_default" in changes:
        _set_default(channel, is_default=bool(changes["is_default"]))
    channel.last_error = ""
    _save(channel, written)
    _set_up(channel)
    record(events.CHANNEL_UPDATED, subject=channel, actor=actor, payload={"fields": sorted(changes)})
    return channel


@transaction.atomic
def delete(*, channel: Channel, actor: Actor) -> None:
    """Remove a channel without conversations. Raises ChannelInUse."""
    record(events.CHANNEL_DELETED, subject=channel, actor=actor, payload={"name": channel.name, "kind": channel.kind})
    try:
        channel.delete()
    except ProtectedError as error:
        raise ChannelInUse from error


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check: problems, and the addresses to enter at the provider."""

    problems: Sequence[Problem]
    webhooks: Sequence[WebhookAddress] = ()


def check(channel: Channel) -> Checked:
    """Try the account and its webhooks without sending; what is wrong, in plain words."""
    provider = registry.provider(channel.provider)
    try:
        account = channel.as_account()
    except DecryptionFailed as error:
        return Checked([Problem("credentials", f"{error} Put the key back, or enter the credentials again.")])
    problems = list(provider.check(account))
    if not isinstance(provider, HasWebhooks):
        return Checked(problems)
    if any(problem.code in ("credentials", "connection", "certificate") for problem in problems):
        return Checked(problems, webhooks(channel))
    rows = provider.webhooks(
        account, inbound_url=addresses.inbound_url(channel), status_url=addresses.status_url(channel)
    )
    text = _("%(provider)s does not call Parley yet: enter %(url)s as %(label)s.")
    problems += [
        Problem("webhook", text % {"provider": provider.label, "url": row.url, "label": row.label})
        for row in rows
        if row.is_right is False
    ]
    return Checked(problems, rows)


def webhooks(channel: Channel) -> Sequence[WebhookAddress]:
    """The addresses to enter at the provider, without reading what is set there."""
    provider = registry.provider(channel.provider)
    if not isinstance(provider, HasWebhooks):
        return ()
    return provider.webhooks_to_enter(
        inbound_url=addresses.inbound_url(channel), status_url=addresses.status_url(channel)
    )


def webhook_place(channel: Channel) -> str:
    """Where at the provider those addresses are entered, as safe HTML; empty where nothing is to say."""
    provider = registry.provider(channel.provider)
    if not isinstance(provider, HasWebhooks):
        return ""
    ids = AccountIds(channel.account_id, channel.messaging_service_id)
    return provider.webhook_place(Kind(channel.kind), channel.address, ids)


def create_simulators(*, organization: Organization, actor: Actor) -> None:
    """Create the channels of a new organization, so that everything can be tried without an account anywhere."""
    for key, provider in registry.simulators().items():
        for kind, (name, address) in provider.starting_channels.items():
            create(
                organization=organization,
                actor=actor,
                kind=kind,
                provider=key,
                name=name,
                address=address.format(slug=organization.slug),
            )


@transaction.atomic
def switch_off_simulators(*, actor: Actor, kind: str = "") -> int:
    """Switch off simulators beside an enabled real channel, of one kind or of all; returns how many."""
    rows = channel_choice.needless_simulators().select_related("organization")
    needless = list(rows.filter(kind=kind) if kind else rows)
    for simulator in needless:
        update(channel=simulator, actor=actor, changes={"is_enabled": False})
    return len(needless)


def _set_default(channel: Channel, *, is_default: bool) -> None:
    """Set or clear the default; the former default of the kind is cleared. Raises InvalidChannel for a simulator."""
    if is_default and channel.is_simulator:
        raise InvalidChannel("is_default", _("A simulator reaches nobody. Make a real channel the default."))
    if is_default:
        # Locked in one order, so that two who choose at once come one after the other.
        others = Channel.objects.filter(organization=channel.organization, kind=channel.kind)
        locked = list(others.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
        Channel.objects.filter(pk__in=locked, is_default=True).exclude(pk=channel.pk).update(is_default=False)
    channel.is_default = is_default


def _set_up(channel: Channel) -> None:
    """Start or stop reading the channel's mailbox and templates."""
    if not channel.is_readable:
        return
    mailboxes.set_up(channel)
    contents.set_up(channel)


def _fields(provider: str, kind: str) -> Sequence[CredentialField]:
    try:
        registry.capabilities(provider, kind)
    except registry.UnknownProvider as error:
        raise InvalidChannel("provider", str(error)) from error
    return registry.provider(provider).credential_fields(Kind(kind))


def _address(organization: Organization, kind: str, text: str) -> str:
    try:
        if kind == Kind.EMAIL:
            return identities.email(text).value.lower()
        if kind == Kind.WEB:
            return text.strip().lower()
        return identities.phone(text.removeprefix("whatsapp:"), organization=organization).value
    except identities.InvalidAddress as error:
        raise InvalidChannel("address", str(error)) from error


def _set_credentials(
    channel: Channel, fields: Sequence[CredentialField], posted: Mapping[str, object], *, is_new: bool
) -> None:
    known = {field.key: field for field in fields}
    unknown = sorted(set(posted) - set(known))
    if unknown:
        raise InvalidChannel("credentials", f"Not known here: {', '.join(unknown)}. Use: {', '.join(known) or 'none'}.")
    try:
        stored = {} if is_new else dict(channel.credentials or {})
    except DecryptionFailed:
        stored = {}  # what can't be read any more is entered again
    values = stored | {key: value for key, value in posted.items() if value is not None}
    for field in fields:
        if not values.get(field.key) and field.default:
            values.setdefault(field.key, field.default)
        if field.is_required and values.get(field.key) in (None, ""):
            raise InvalidChannel("credentials", f"{field.key} is missing: {field.label}.")
    _require_secrets_again(channel.provider, fields, stored, values, posted)
    channel.credentials = values
    adapter = registry.provider(channel.provider)
    ids = adapter.account_ids(values) if isinstance(adapter, ReceivesWebhooks) else AccountIds()
    channel.account_id, channel.messaging_service_id = ids.account_id, ids.messaging_service_id


def _require_secrets_again(
    provider: str,
    fields: Sequence[CredentialField],
    held: Mapping[str, object],
    values: Mapping[str, object],
    posted: Mapping[str, object],
) -> None:
    """Require a stored secret again where it would be sent to another server. Raises InvalidChannel.

    Else somebody who may edit a channel without knowing its password could have it sent to a server of their own.
    """
    adapter = registry.provider(provider)
    if not isinstance(adapter, SendsSecrets):
        return
    before, after = adapter.secret_destinations(held), adapter.secret_destinations(values)
    for field in fields:
        is_unchanged = bool(held.get(field.key)) and posted.get(field.key) is None
        if field.is_secret and is_unchanged and not after[field.key] <= before[field.key]:
            detail = _("%(label)s: enter it again, because it would be sent to another server than before.")
            raise InvalidChannel("credentials", detail % {"label": field.label}, key=field.key)


def _save(channel: Channel, fields: Iterable[str] | None = None) -> None:
    try:
        with transaction.atomic():
            channel.save(update_fields=fields)
    except IntegrityError as error:
        detail = f"There is a channel for {channel.capabilities.label} with this address already."
        raise InvalidChannel("address", detail) from error
