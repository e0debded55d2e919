"""The pages of channels: list, setup, detail, check, and removal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.htmx import render_page, toast
from core.http import Request
from core.refused_pages import as_message, on_form
from core.row_locks import lock_rows, writes_at_once
from customers.people import confirm
from messaging.channels import registry
from messaging.channels.abilities import ReadsMailbox, Simulates
from messaging.channels.base import Kind, Provider
from messaging.intake import backfill
from messaging.models import Channel, ContentSync, Mailbox, Reconciliation
from messaging.settings import services as channels
from messaging.settings.access import EDIT, find_channel, set_aside
from messaging.settings.forms import ChannelForm
from messaging.texts.contents import services as contents
from messaging.texts.templates.forms import LABELS
from messaging.threads import channel_choice

# The organization's own site is set up by the first message that comes from it.
NOT_OFFERED = frozenset({"website"})
COUNTED_TO = 100
_YES_OR_NO = {"true": "Yes", "false": "No"}


@dataclass(frozen=True, slots=True)
class StatusBadge:
    """A channel's status as a badge: `text`, its `tone`, and `icon`, a lucide icon's name."""

    text: str
    tone: str
    icon: str


@requires("channels.view")
@require_safe
def channel_list(request: Request, organization: str) -> HttpResponse:
    """Every channel with how it is."""
    rows = [
        {"channel": one, "status": status_of(one), "provider": _provider_label(one)}
        for one in Channel.objects.order_by("created_at", "id")
    ]
    may = request.member.may
    needless = list(channel_choice.needless_simulators()) if may(EDIT) else []
    context = {"rows": rows, "can_create": may("channels.create"), "can_edit": may(EDIT), "needless": needless}
    return render(request, "messaging/settings/list.html", context)


@requires("channels.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_channel(request: Request, organization: str) -> HttpResponse:
    """First the kind and the provider, then what an account there needs."""
    chosen = _chosen(request.GET.get("kind", ""), request.GET.get("provider", ""))
    if chosen is None:
        return render(request, "messaging/settings/choose.html", {"groups": _offered()})
    kind, provider = chosen
    form = ChannelForm(request.POST if request.method == "POST" else None, kind=kind, provider=provider)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            channel = channels.create(
                organization=request.organization,
                actor=current_actor(),
                kind=kind,
                provider=provider,
                **{"address": "", **form.values()},
            )
            toasts.success(request, f"“{channel.name}” is set up. Check it before you use it.")
            return redirect("messaging:channel", organization, channel.pk)
    return _form(request, form, None, provider)


@requires("channels.view")
@require_safe
def channel(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """One channel: its status, what is read there, and the addresses to enter at its provider."""
    partials = {"channel-reading": "messaging/settings/reading.html"}
    return render_page(
        request, "messaging/settings/detail.html", _context(request, find_channel(pk)), partials=partials
    )


@requires(EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_channel(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Name, address, account and settings; kind and provider are for good."""
    row = find_channel(pk)
    lock_rows(request, row)
    posted = request.POST if request.method == "POST" else None
    form = ChannelForm(posted, kind=Kind(row.kind), provider=row.provider, channel=row)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if changes := form.values():
                channels.update(channel=row, actor=current_actor(), changes=changes)
            toasts.success(request, "Saved.")
            return redirect("messaging:channel", organization, pk)
    return _form(request, form, find_channel(pk), row.provider)


@requires(EDIT)
@require_POST
def check_channel(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Try the account and its webhooks, without sending anything. It waits for the provider."""
    row = find_channel(pk)
    checked = channels.check(row)
    context = {"checked": checked, "checked_at": timezone.now(), "webhooks": checked.webhooks}
    if request.htmx:
        # Of the whole page only what the check is about; so nothing else is asked for.
        part = {
            "channel": row,
            "can_edit": True,
            "is_public": _is_public(checked.webhooks),
            "webhook_place": channels.webhook_place(row),
        }
        return render(request, "messaging/settings/check.html", {**part, **context})
    return render(request, "messaging/settings/detail.html", {**_context(request, row), **context})


@requires(EDIT)
@require_POST
def make_default(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Have first messages of its kind leave by this channel from now on."""
    row = find_channel(pk)
    with as_message(request):
        channels.update(channel=row, actor=current_actor(), changes={"is_default": True})
        toasts.success(request, _("First messages now leave by “%(name)s”.") % {"name": row.name})
    return redirect("messaging:channel", organization, pk)


@requires(EDIT)
@require_POST
def switch_off_simulators(request: Request, organization: str) -> HttpResponse:
    """Switch off every simulator beside which a real channel works; `kind` names one kind."""
    count = channels.switch_off_simulators(actor=current_actor(), kind=request.POST.get("kind", ""))
    toasts.success(request, _("The simulator is switched off.") if count else _("No simulator was on."))
    return redirect("messaging:channels", organization)


@requires("channels.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_channel(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The confirmation page; a POST removes a channel without conversations."""
    row = find_channel(pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Remove “{row.name}”?",
            consequence="Nothing comes in or leaves by it any more. One with conversations can only be switched off.",
            back=(reverse("messaging:channel", args=[organization, pk]), row.name),
            action="Remove",
        )
    with as_message(request):
        channels.delete(channel=row, actor=current_actor())
        toasts.success(request, f"“{row.name}” is gone.")
        return redirect("messaging:channels", organization)
    return redirect("messaging:channel", organization, pk)


@requires("templates.edit")
@require_POST
def read_templates(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Have the approved templates read now; who asked on the list of templates comes back to it."""
    row = find_channel(pk)
    is_requested = contents.request_sync(row, current_actor())
    text = "The approved templates are being read." if is_requested else "This provider has no templates of its own."
    if request.htmx and request.htmx.target == "channel-reading":
        answer = render(request, "messaging/settings/reading.html", _context(request, row))
        return toast(answer, text, level="success" if is_requested else "error")
    (toasts.success if is_requested else toasts.error)(request, text)
    if request.POST.get("back") == "templates":
        return redirect("messaging:templates", organization)
    return redirect("messaging:channel", organization, pk)


def status_of(row: Channel) -> StatusBadge:
    """The channel's status; what needs attention comes first."""
    if not row.is_enabled:
        return StatusBadge("Off", "", "pause")
    if not row.is_readable:
        return StatusBadge("Secrets unreadable", "danger", "key-round")
    if row.last_error:
        return StatusBadge("Needs attention", "danger", "circle-alert")
    return StatusBadge("On", "good", "circle-check")


def _context(request: Request, row: Channel) -> dict[str, Any]:
    may = request.member.may
    webhooks = channels.webhooks(row)
    sync = ContentSync.objects.filter(channel=row).first() if contents.has_content(row) else None
    reads_mail = isinstance(registry.provider(row.provider), ReadsMailbox)
    mailbox = Mailbox.objects.filter(channel=row).first() if reads_mail else None
    last = Reconciliation.objects.filter(channel=row).order_by("-created_at", "-id").first()
    return {
        "channel": row,
        "status": status_of(row),
        "provider": _provider_label(row),
        "account": _account(row) if may(EDIT) else [],
        "webhooks": webhooks,
        "is_public": _is_public(webhooks),
        "webhook_place": channels.webhook_place(row),
        "reads_mail": reads_mail,
        "mailbox": mailbox,
        "has_templates": contents.has_content(row),
        "sync": sync,
        "is_being_read": sync is not None and sync.due_at is not None and sync.due_at <= timezone.now(),
        "can_catch_up": backfill.can_backfill(row),
        "last_asking": last,
        "set_aside": set_aside(row)[:COUNTED_TO].count() if may(EDIT) else 0,
        "needless": list(channel_choice.needless_simulators().filter(kind=row.kind)) if may(EDIT) else [],
        "can_be_default": may(EDIT) and _is_one_of_several(row),
        "largest_file": row.capabilities.max_file_bytes // 1_000_000,
        "can_edit": may(EDIT),
        "can_read_templates": may("templates.edit"),
        "can_delete": may("channels.delete"),
    }


def _is_one_of_several(row: Channel) -> bool:
    """Whether there is another real channel of its kind, so that one of them has to be the default."""
    others = channel_choice.real_channels().filter(kind=row.kind).exclude(pk=row.pk)
    return row.is_enabled and not row.is_simulator and others.exists()


def _account(row: Channel) -> list[tuple[str, str]]:
    """The provider's fields, with what is set; of a secret only that it is."""
    stored = row.credentials or {} if row.is_readable else {}
    fields = []
    for one in registry.provider(row.provider).credential_fields(Kind(row.kind)):
        value = str(stored.get(one.key) or "")
        if value:
            fields.append((one.label, "Set, never shown" if one.is_secret else _YES_OR_NO.get(value.lower(), value)))
        elif one.is_required:
            fields.append((one.label, "Missing"))
    return fields


def _is_public(webhooks: Any) -> bool:
    """Whether a provider could reach the addresses."""
    return all(one.url.startswith("https://") for one in webhooks)


def _provider_label(row: Channel) -> str:
    return registry.provider(row.provider).label


def _offered() -> list[dict[str, str | list[dict[str, str]]]]:
    """The kinds, each with the providers that carry it."""
    groups = []
    for kind, label in LABELS.items():
        carried = [
            {"key": key, "label": provider.label, **_offer(provider, kind)}
            for key, provider in registry.providers().items()
            if kind in provider.kinds and key not in NOT_OFFERED
        ]
        if carried:
            groups.append({"kind": kind.value, "label": label, "providers": carried})
    return groups


def _offer(provider: Provider, kind: Kind) -> dict[str, str]:
    """What a provider offers for a kind: a lucide icon's name, and a short text."""
    if isinstance(provider, Simulates):
        return {"icon": "flask-conical", "help": _("To try things: nothing leaves.")}
    own = _("Your own mailbox, by SMTP and IMAP.")
    return {
        "icon": provider.kinds[kind].icon,
        "help": own if isinstance(provider, ReadsMailbox) else _("With an account of yours there."),
    }


def _chosen(kind: str, provider: str) -> tuple[Kind, str] | None:
    try:
        registry.capabilities(provider, kind)
    except registry.UnknownProvider:
        return None
    return (Kind(kind), provider) if provider not in NOT_OFFERED else None


def _form(request: Request, form: ChannelForm, row: Channel | None, provider: str) -> HttpResponse:
    context = {
        "form": form,
        "channel": row,
        "provider": registry.provider(provider).label,
        "capabilities": form.capabilities,
        "can_delete": row is not None and request.member.may("channels.delete"),
    }
    return render(request, "messaging/settings/form.html", context, status=422 if form.errors else 200)
