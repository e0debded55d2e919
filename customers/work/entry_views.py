"""Quick entry: a note, a call, a meeting, a task or the next follow-up, from a customer's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as toasts
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts.access.pages import requires
from activity.actor import current_actor
from core.htmx import toast
from core.http import Request
from core.refused_pages import on_form
from customers.models import Customer
from customers.people.access import find_visible
from customers.people.consent import services as consent
from customers.people.customers import services as customers
from customers.people.customers.forms import ConsentForm, EntryForm
from customers.work.follow_ups import services as follow_ups
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks

CONFIRMATIONS = {
    "note": "Note saved",
    "call": "Call logged",
    "meeting": "Meeting logged",
    "task": "Task added",
    "follow_up": "Follow-up set",
}


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def log(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Log the entry; the form comes back empty, and the timeline reloads. GET: the form alone, for a dialog."""
    customer = find_visible(request, pk)
    if request.method != "POST":
        if not request.htmx:
            return redirect("customers:detail", organization, pk)
        kind = request.GET.get("kind", "call")
        kind = kind if kind in CONFIRMATIONS else "call"
        return _form(request, customer, EntryForm(initial={"kind": kind}), is_dialog=True)
    form = EntryForm(request.POST)
    is_dialog = "dialog" in request.GET
    if form.is_valid():
        with on_form(request, form):
            _write(request, customer, form.cleaned_data)
    if form.errors:
        if request.htmx:
            return _form(request, customer, form, status=422, is_dialog=is_dialog)
        toasts.error(request, " ".join(str(e) for errors in form.errors.values() for e in errors))
        return redirect("customers:detail", organization, pk)
    kind = form.cleaned_data["kind"]
    if not request.htmx:
        toasts.success(request, CONFIRMATIONS[kind])
        return redirect("customers:detail", organization, pk)
    response = _form(request, customer, EntryForm(initial={"kind": kind}), is_dialog=is_dialog)
    trigger_client_event(response, "entry-logged", {"customer": str(pk)})
    return toast(trigger_client_event(response, "customer-changed", {"what": kind}), CONFIRMATIONS[kind])


@requires("customers.edit")
@require_POST
def add_consent(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Record a consent or refusal, with its evidence."""
    customer = find_visible(request, pk)
    form = ConsentForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        consent.change(
            customer=customer,
            actor=current_actor(),
            channel=data["channel"],
            purpose=data["purpose"],
            is_granted=data["is_granted"] == "yes",
            how=data["how"],
        )
    else:
        toasts.error(request, "Say what they allowed or forbade, and how they said so.")
    return redirect("customers:detail", organization, pk)


@transaction.atomic
def _write(request: Request, customer: Customer, data: dict[str, Any]) -> None:
    kind, at, actor = data["kind"], data["at"], current_actor()
    if kind == "follow_up":
        customers.set_follow_up(customer=customer, at=at, actor=actor)
        if data["content"].strip():
            interactions.log(customer=customer, actor=actor, content=data["content"], channel="note")
    elif kind == "task":
        if not request.member.may("tasks.create"):
            raise PermissionDenied("Your role does not permit this (tasks.create).")
        tasks.create(
            organization=request.organization,
            customer=customer,
            actor=actor,
            title=data["content"].strip(),
            due_at=at,
            assigned_to=request.member.user,
        )
    else:
        more = {"occurred_at": at} if at else {}
        if kind == "call":
            more["direction"] = data["direction"] or "outbound"
        if data["minutes"] and kind != "note":
            more["duration_seconds"] = data["minutes"] * 60
        interactions.log(customer=customer, actor=actor, content=data["content"], channel=kind, **more)
        _set_next(customer, data)


def _set_next(customer: Customer, data: dict[str, Any]) -> None:
    """The next follow-up, where the entry says one. Raises InvalidDay."""
    then = data["then"] or ("day" if data["then_day"] else "")
    if then == "none":
        follow_ups.complete(customer=customer, actor=current_actor())
    elif then:
        follow_ups.snooze(customer=customer, actor=current_actor(), to=data["then_day"] if then == "day" else then)


def _form(
    request: Request, customer: Customer, form: EntryForm, status: int = 200, *, is_dialog: bool = False
) -> HttpResponse:
    context = {"customer": customer, "entry": form, "can_edit_customer": True, "is_dialog": is_dialog}
    return render(request, "customers/work/interactions/entry.html", context, status=status)
