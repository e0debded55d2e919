"""What messaging adds to the doctor: channels, mailboxes, mail servers' certificates, set-aside deliveries; figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max, Min, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from activity.doctor import samples
from activity.doctor.checks import (
    Check,
    Line,
    OrganizationCheck,
    Status,
    Tenant,
    about,
    good,
    register,
    register_for_organizations,
    warning,
)
from activity.doctor.queries import stored_of_organization
from core.tenancy import current_organization, every_organization
from messaging import events
from messaging.health import certificates, lines
from messaging.models import Arrival, Channel, Conversation, Mailbox

# Of the installation's channels those with trouble are shown, the longest first.
MAX_LINES: Final = 20
MAX_COUNTED: Final = 1000

_NONE: Final = gettext_noop("There is none.")
_ALL_WORK: Final = gettext_noop("%(count)s channels work.")
_ALL_READ: Final = gettext_noop("%(count)s mailboxes are read in time.")
_NONE_ASIDE: Final = gettext_noop("Every inbound delivery could be read.")
_SOME_ASIDE: Final = gettext_noop("%(count)s inbound deliveries could not be read.")
_REPLAY: Final = gettext_noop("Open the channels: each shows why, and can try them again.")


# --- Of an organization -----------------------------------------------------------------------------------------------


def channels_of(tenant: Tenant) -> list[Line]:
    """Each channel in use: when the last messages came and went, and what is wrong."""
    last = _last_messages()
    return [
        lines.of_channel(channel, *last.get(channel.pk, (None, None)), url=_page(tenant, channel))
        for channel in Channel.objects.filter(is_enabled=True).order_by("created_at", "id")
    ]


def mailboxes_of(tenant: Tenant) -> list[Line]:
    """Each mailbox that is read: when it was looked at."""
    return [lines.of_mailbox(box, _page(tenant, box.channel)) for box in _mailboxes().order_by("channel__created_at")]


def certificates_of(tenant: Tenant) -> list[Line]:
    """The certificates of the mail servers, as they were found last."""
    return stored_of_organization(certificates.NAME)


def set_aside_of(tenant: Tenant) -> list[Line]:
    """Deliveries that wait for an administrator of the organization."""
    waiting = [Arrival.State.SET_ASIDE, Arrival.State.UNROUTABLE]
    # A delivery's manager is open, since it may be nobody's yet.
    rows = Arrival.objects.filter(organization=current_organization(), state__in=waiting)
    count = rows[:MAX_COUNTED].count()
    if not count:
        return [good(_NONE_ASIDE)]
    line = warning(_SOME_ASIDE, _REPLAY, count=f"{count}+" if count == MAX_COUNTED else count)
    url = reverse("messaging:channels", args=[tenant.slug])
    return [about(line, "", url=url, since=rows.aggregate(first=Min("received_at"))["first"])]


# --- Of the installation ----------------------------------------------------------------------------------------------


def every_channel() -> list[Line]:
    """The channels that do not work, each with its organization's name."""
    with every_organization("the doctor looks at every channel"):
        rows = Channel.objects.filter(is_enabled=True).select_related("organization")
        troubled = rows.exclude(last_error="").order_by("last_error_at")[:MAX_LINES]
        results = [_named(lines.of_channel(one, None, None, _admin_page(one)), one) for one in troubled]
        return results or [_all(_ALL_WORK, rows.count())]


def every_mailbox() -> list[Line]:
    """The mailboxes that are behind, each with its organization's name."""
    with every_organization("the doctor looks at every mailbox"):
        rows = _mailboxes().select_related("channel__organization").order_by("checked_at")
        results = [_named(lines.of_mailbox(box, _admin_page(box.channel)), box.channel) for box in rows[:MAX_LINES]]
        late = [line for line in results if line.status != Status.GOOD]
        return late or [_all(_ALL_READ, rows.count())]


def _all(text: str, count: int) -> Line:
    return good(text, count=count) if count else good(_NONE)


def _named(line: Line, channel: Channel) -> Line:
    return replace(line, label=f"{channel.organization.name}, {channel.name}")


def _admin_page(channel: Channel) -> str:
    return reverse("admin:messaging_channel_change", args=[channel.pk])


def _page(tenant: Tenant, channel: Channel) -> str:
    return reverse("messaging:channel", args=[tenant.slug, channel.pk])


def _mailboxes() -> QuerySet[Mailbox]:
    return Mailbox.objects.filter(channel__is_enabled=True, due_at__isnull=False).select_related("channel")


def _last_messages() -> dict[object, tuple[datetime | None, datetime | None]]:
    rows = Conversation.objects.order_by().values_list("channel")
    found = rows.annotate(last_in=Max("last_inbound_at"), last_out=Max("last_outbound_at"))
    return {pk: (last_in, last_out) for pk, last_in, last_out in found}


def register_all() -> None:
    hour = timedelta(hours=1)
    for check in (
        Check(name="channels", label=_("Channels"), group="channels", run=every_channel),
        Check(name="mailboxes", label=_("Mailboxes"), group="channels", run=every_mailbox),
        Check(
            name=certificates.NAME, label=_("Mail servers’ certificates"), group="channels",
            run=certificates.ask_all, is_quick=False, every=hour,
        ),
    ):  # fmt: skip
        register(check)
    for one in (
        OrganizationCheck(name="channels", label=_("Channels"), group="channels", run=channels_of),
        OrganizationCheck(name="mailboxes", label=_("Mailboxes"), group="channels", run=mailboxes_of),
        OrganizationCheck(
            name=certificates.NAME, label=_("Mail servers’ certificates"), group="channels", run=certificates_of
        ),
        OrganizationCheck(name="set aside", label=_("Set aside"), group="queues", run=set_aside_of),
    ):
        register_for_organizations(one)
    for name, label, event in (
        ("messages_in", _("Messages in"), events.MESSAGE_RECEIVED),
        ("messages_out", _("Messages out"), events.MESSAGE_SENT),
        ("messages_failed", _("Messages not delivered"), events.MESSAGE_FAILED),
    ):
        read = samples.events(event)
        samples.register(samples.Metric(name=name, label=label, unit="messages", read=read, is_count=True))
