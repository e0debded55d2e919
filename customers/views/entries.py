"""Quick entry: a note, a call, a meeting, a task or the next follow-up, from a customer's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as toasts
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from accounts.access import requires
from activity.actor import current_actor
from core.htmx import toast
from core.http import Request
from customers.forms import ConsentForm, EntryForm
from customers.models import Customer
from customers.services import consent, customers, interactions, tasks
from customers.views.customers import find_visible

SAID = {
    "note": "Note saved",
    "call": "Call logged",
    "meeting": "Meeting logged",
    "task": "Task added",
    "follow_up": "Follow-up set",
}


@requires("customers.edit")
@require_POST
def log(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Write it down; the form comes back empty, and the timeline hears of it."""
    customer = find_visible(request, pk)
    form = EntryForm(request.POST)
    if form.is_valid():
        try:
            _write(request, customer, form.cleaned_data)
        except interactions.InFuture as error:
            form.add_error("at", str(error))
    if form.errors:
        if request.htmx:
            return _form(request, customer, form, status=422)
        toasts.error(request, " ".join(str(e) for errors in form.errors.values() for e in errors))
        return redirect("customers:detail", organization, pk)
    kind = form.cleaned_data["kind"]
    if not request.htmx:
        toasts.success(request, SAID[kind])
        return redirect("customers:detail", organization, pk)
    response = _form(request, customer, EntryForm(initial={"kind": kind}))
    return toast(trigger_client_event(response, "customer-changed", {"what": kind}), SAID[kind])


@requires("customers.edit")
@require_POST
def clear_follow_up(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Done with it, or not needed any more."""
    customer = find_visible(request, pk)
    customers.set_follow_up(customer=customer, at=None, actor=current_actor())
    return redirect("customers:detail", organization, pk)


@requires("customers.edit")
@require_POST
def add_consent(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """What the customer allowed or forbade, and how they said so."""
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


def _form(request: Request, customer: Customer, form: EntryForm, status: int = 200) -> HttpResponse:
    shown = {"customer": customer, "entry": form, "can_edit_customer": True}
    return render(request, "customers/partials/entry.html", shown, status=status)
