"""Settings → Rate cards: what messages cost, typed in or imported."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from django.contrib import messages as toasts
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core import money
from core.http import Request
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import as_message, on_form
from core.row_locks import lock_rows, writes_at_once
from customers.people import confirm
from messaging.costs import imports, jobs, rates, words
from messaging.costs import services as costs
from messaging.costs.billing import CATEGORIES
from messaging.costs.forms import ImportForm, RateForm
from messaging.models import AllowanceUse, RateCard

SIZE: Final = 100


@requires("channels.view")
@require_safe
def rate_list(request: Request, organization: str) -> HttpResponse:
    """The rates by country; `channel` and `market` narrow them, `old` shows those that were replaced, too."""
    today = _today(request)
    requested = {name: request.GET.get(name, "").strip()[:20] for name in ("channel", "market")}
    shows_old = "old" in request.GET
    rows = RateCard.objects.annotate(is_replaced=_replaced_by(today))
    if requested["channel"]:
        rows = rows.filter(channel_kind=requested["channel"])
    if requested["market"]:
        rows = rows.filter(market__iexact=requested["market"])
    if not shows_old:
        rows = rows.exclude(_replaced_by(today))
    page = page_after(rows, cursor=request.GET.get("after", ""), size=SIZE, order=("market", "id"))
    can_edit = request.member.may("channels.edit")
    context = {
        "rows": [{"rate": rate, "channel": words.CHANNELS[rate.channel_kind],
                  "category": words.CATEGORIES.get(rate.category, ""), "is_future": rate.valid_from > today,
                  "price": money.written(rate.price, rate.currency)} for rate in page.rows],
        "more": page.next_cursor,
        "requested": requested,
        "shows_old": shows_old,
        "is_narrowed": any(requested.values()),
        "channels": [(kind, words.CHANNELS[kind]) for kind in CATEGORIES],
        "can_edit": can_edit,
    }  # fmt: skip
    return render(request, "messaging/costs/list.html", context)


@requires("channels.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new_rate(request: Request, organization: str) -> HttpResponse:
    initial = {"currency": request.organization.currency, "valid_from": _today(request)}
    form = RateForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            costs.create(organization=request.organization, actor=current_actor(), values=form.values())
            toasts.success(request, _("The rate is there."))
            return redirect("messaging:rates", organization)
    return _form(request, form, None)


@requires("channels.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_rate(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Correct a rate; messages that were sent keep their cost."""
    lock_rows(request, request.organization)
    rate = _rate(pk)
    is_post = request.method == "POST"
    form = RateForm(request.POST if is_post else None, initial=RateForm.initial_of(rate), record=rate)
    if is_post and form.is_valid():
        with on_form(request, form):
            if changes := form.values():
                costs.update(rate=rate, actor=current_actor(), changes=changes)
            toasts.success(request, _("Saved."))
            return redirect("messaging:rates", organization)
    return _form(request, form, rate)


@requires("channels.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_rate(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    rate = _rate(pk)
    if request.method == "POST":
        costs.delete(rate=rate, actor=current_actor())
        toasts.success(request, _("The rate is deleted."))
        return redirect("messaging:rates", organization)
    return confirm.ask(
        request,
        question=_("Delete this rate?"),
        consequence=_("%(rate)s. Messages that were sent keep their cost.") % {"rate": costs.label(rate)},
        back=(reverse("messaging:edit_rate", args=[organization, pk]), _("Rate")),
    )


@requires("channels.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def import_rates(request: Request, organization: str) -> HttpResponse:
    """A table of rates; all of it is written, or nothing."""
    is_post = request.method == "POST"
    initial = {"currency": request.organization.currency, "valid_from": _today(request)}
    form = ImportForm(request.POST if is_post else None, request.FILES if is_post else None, initial=initial)
    if is_post and form.is_valid():
        data = form.cleaned_data
        defaults = imports.Defaults(data["channel_kind"], data["currency"], data["valid_from"])
        with on_form(request, form):
            imported = imports.import_rates(
                organization=request.organization, actor=current_actor(), file=data["file"], defaults=defaults
            )
            toasts.success(request, _("%(created)s rates are new, %(updated)s were changed.") % {
                "created": imported.created, "updated": imported.updated,
            })  # fmt: skip
            return redirect("messaging:rates", organization)
    return render(request, "messaging/costs/import.html", {"form": form}, status=422 if form.errors else 200)


@requires("channels.edit")
@require_POST
def work_out(request: Request, organization: str) -> HttpResponse:
    """Have the cost of earlier messages worked out by the rates that are there now."""
    with as_message(request):
        job = jobs.start(member=request.member, actor=current_actor())
        return redirect("organization:job", organization, job.pk)
    return redirect("messaging:rates", organization)


def _form(request: Request, form: RateForm, rate: RateCard | None) -> HttpResponse:
    context = {"form": form, "rate": rate, "uses": _uses(request, rate) if rate is not None else []}
    return render(request, "messaging/costs/form.html", context, status=422 if form.errors else 200)


def _uses(request: Request, rate: RateCard) -> list[AllowanceUse]:
    """How much of its free allowance each sender has used in this month."""
    if not rate.free_allowance:
        return []
    month = rates.month_of(_today(request))
    rows = AllowanceUse.objects.filter(
        channel__kind=rate.channel_kind, market=rate.market, category=rate.category, month=month
    )
    return list(rows.select_related("channel").order_by("channel__name"))


def _replaced_by(today: date) -> Exists:
    """Whether a later rate of the same counts by now."""
    same = {name: OuterRef(name) for name in ("organization", "channel_kind", "market", "category")}
    return Exists(RateCard.objects.filter(**same, valid_from__gt=OuterRef("valid_from"), valid_from__lte=today))


def _rate(pk: UUID) -> RateCard:
    return first_or_404(RateCard.objects.select_related("organization").filter(pk=pk), _("There is no such rate."))


def _today(request: Request) -> date:
    return rates.day_of(timezone.now(), request.organization)
