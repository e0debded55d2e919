"""The certificates of the mail servers that channels use: asked each hour, a line each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_noop

from activity.doctor import certificates
from activity.doctor.checks import Line, Status, about, good, unknown
from activity.doctor.services import keep_for_organization
from activity.models import OrganizationCheck
from core.encryption import DecryptionFailed
from core.tenancy import every_organization, organization_scope
from messaging.channels import registry
from messaging.channels.abilities import ServerCertificate, ShowsCertificates
from messaging.channels.base import SendError
from messaging.models import Channel

NAME: Final = "mail certificates"
# In one round; those that were asked longest ago come first.
MAX_CHANNELS: Final = 40
MAX_LINES: Final = 20

_NOT_ASKED: Final = gettext_noop("%(host)s could not be asked for its certificate (%(reason)s).")
_NONE: Final = gettext_noop("No mail server is asked by TLS.")
_ALL_GOOD: Final = gettext_noop("%(count)s mail servers have good certificates.")


def ask_all() -> list[Line]:
    """Ask the servers of the channels that were asked longest ago; gives the installation's lines.

    Each result is kept with its organization, where its administrators see it.
    """
    with every_organization("the doctor asks the mail servers of every organization"):
        chosen = _next_channels()
    for channel in chosen:
        with organization_scope(channel.organization):
            _ask(channel)
    with every_organization("the doctor reports on the mail servers of every organization"):
        count = OrganizationCheck.objects.filter(name=NAME, status=Status.GOOD).count()
        return _bad() or [good(_ALL_GOOD, count=count) if count else good(_NONE)]


def _next_channels() -> list[Channel]:
    providers = [key for key, one in registry.providers().items() if isinstance(one, ShowsCertificates)]
    enabled = Channel.objects.filter(provider__in=providers, is_enabled=True).select_related("organization")
    channels = {str(channel.pk): channel for channel in enabled.order_by("pk")}
    asked: dict[str, datetime] = {}
    for pk, key, checked_at in OrganizationCheck.objects.filter(name=NAME).values_list("pk", "key", "checked_at"):
        channel = key.partition(" ")[0]
        if channel in channels:
            asked[channel] = checked_at
        else:
            OrganizationCheck.objects.filter(pk=pk).delete()
    never = datetime.min.replace(tzinfo=UTC)
    return [channels[pk] for pk in sorted(channels, key=lambda pk: asked.get(pk, never))[:MAX_CHANNELS]]


def _ask(channel: Channel) -> None:
    provider = registry.provider(channel.provider)
    if not isinstance(provider, ShowsCertificates):
        return
    try:
        results = list(provider.server_certificates(channel.as_account()))
    except (SendError, DecryptionFailed):
        return  # the channel's own line says so
    url = reverse("messaging:channel", args=[channel.organization.slug, channel.pk])
    keys = []
    for result in results:
        key = f"{channel.pk} {result.host}"[:120]
        keys.append(key)
        keep_for_organization(NAME, about(_line(result), key, f"{channel.name}: {result.host}", url=url))
    mine = OrganizationCheck.objects.filter(name=NAME, key__startswith=f"{channel.pk} ")
    mine.exclude(key__in=keys).delete()


def _line(result: ServerCertificate) -> Line:
    if result.refusal:
        return certificates.refused(result.host, result.refusal)
    if result.problem:
        return unknown(_NOT_ASKED, host=result.host, reason=result.problem)
    return certificates.line(result.host, result.ends_at)


def _bad() -> list[Line]:
    rows = OrganizationCheck.objects.filter(name=NAME, status__in=[Status.WARNING, Status.FAILED])
    return [
        replace(
            Line(status=Status(row.status), text=row.text, advice=row.advice, values=row.values),
            key=f"{row.pk}",
            label=f"{row.organization.name}, {row.label}",
            since=row.since,
        )
        for row in rows.select_related("organization").order_by("since")[:MAX_LINES]
    ]
