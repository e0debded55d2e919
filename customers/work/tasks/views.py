"""Tasks: the lists, the line that adds one, a task's own page, and done in one click."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages as toasts
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from accounts.access.pages import requires
from accounts.permissions import Reach
from activity.actor import current_actor
from core.htmx import render_page, toast
from core.http import Request, local_path
from core.ids import parse_uuid
from core.list_query import ListQuery
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once
from customers import days
from customers.models import Customer, Task
from customers.people import confirm
from customers.people.access import find_visible
from customers.people.customers.picker import name_of, named
from customers.people.owners import possible_owners
from customers.work.tasks import queries as task_queries
from customers.work.tasks import services as tasks
from customers.work.tasks.forms import QuickTaskForm, TaskForm

ROWS = 50
PARTIALS = {
    "tasks": "customers/work/tasks/main.html",
    "more-tasks": "customers/work/tasks/groups.html",
    "task-tabs": "customers/work/tasks/tabs.html",
}


@dataclass(frozen=True, slots=True)
class Address:
    """What a list's address says: the view, and whose."""

    view: str
    owner: str

    def query(self, **other: str) -> str:
        """The address of the same list with something else chosen."""
        plain = {"view": "today", "who": task_queries.MINE}
        return ListQuery({"view": self.view, "who": self.owner}, plain).with_(other).address()


@requires("tasks.view")
@require_safe
def task_list(request: Request, organization: str) -> HttpResponse:
    """What is to do, grouped by day; whose and when stand in the address."""
    address = _address(request)
    if request.htmx.target == "more-tasks":
        context: dict[str, object] = _rows(request, address)
    elif request.htmx.target == "task-tabs":
        context = _tabs(request, address)
    else:
        context = _main(request, address)
    return render_page(request, "customers/work/tasks/list.html", context, partials=PARTIALS)


@requires("tasks.create")
@require_POST
def quick_add(request: Request, organization: str) -> HttpResponse:
    """The line above the list; it comes back empty, with the list as it is now."""
    address, owners = _address(request), possible_owners()
    form = QuickTaskForm(request.POST, owners=owners)
    task = None
    if form.is_valid():
        task = _saved(request, form, lambda: _create(request, form.cleaned_data["customer"], form.changes()))
    if task is not None:
        message = _added(task)
        if not request.htmx:
            toasts.success(request, message)
            return redirect(reverse("customers:tasks", args=[organization]) + address.query())
        response = render(request, "customers/work/tasks/main.html", _main(request, address))
        return toast(response, message)
    context = _main(request, address, quick=form)
    template = "customers/work/tasks/main.html" if request.htmx else "customers/work/tasks/list.html"
    return render(request, template, context, status=422)


@requires("tasks.create")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Request, organization: str) -> HttpResponse:
    """A task with anybody or nobody; `customer` and `day` in the address fill it in."""
    customer = _requested_customer(request)
    return _form(request, None, customer)


@requires("tasks.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_task(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Something to do with this customer."""
    return _form(request, None, find_visible(request, pk), is_bound=True)


@requires("tasks.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_task(request: Request, organization: str, pk: UUID) -> HttpResponse:
    task = _task(request, pk)
    customer = task_queries.seen_customer(task)
    lock_rows(request, task.customer, task)
    return _form(request, task, customer)


@requires("tasks.edit")
@require_POST
def toggle_task(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Done, or open again; `to` (done, open) says which, so that two clicks are one."""
    task = _task(request, pk)
    status_key = request.GET.get("to", "")
    if status_key not in ("done", "open"):
        status_key = "done" if task.is_open else "open"
    is_changed = task.is_open == (status_key == "done")
    if is_changed:
        status = Task.Status.DONE if status_key == "done" else Task.Status.OPEN
        tasks.update(task=task, actor=current_actor(), changes={"status": status})
    if not request.htmx:
        return redirect(_back(request) or _place_of(request, task_queries.seen_customer(task)))
    fresh = _task(request, pk)
    place = request.GET.get("list", "")
    context = {
        "task": fresh,
        "can_edit_tasks": True,
        "show_customer": bool(place),
        "show_assignee": place == "all",
    }
    response = render(request, "customers/work/tasks/task_row.html", context)
    trigger_client_event(response, "customer-changed", {"what": "task"})
    trigger_client_event(response, "task-changed", {"id": str(pk)})
    if status_key == "done" and is_changed:
        query = urlencode({"to": "open", "list": place} if place else {"to": "open"})
        undo = f"{reverse('customers:toggle_task', args=[organization, pk])}?{query}"
        toast(response, _done(fresh), undo=undo, target=f"#task-{pk}")
    return response


@requires("tasks.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_task(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    task = _task(request, pk)
    if request.method != "POST":
        return confirm.ask(
            request,
            question=f"Delete “{task.title}”?",
            consequence="It is gone from every list. If it was done, mark it as done instead: that is counted.",
            back=(reverse("customers:edit_task", args=[organization, pk]), task.title),
        )
    tasks.delete(task=task, actor=current_actor())
    toasts.success(request, "Task deleted.")
    return redirect("customers:tasks", organization)


# --- Lists ------------------------------------------------------------------------------------------------------------


def _address(request: Request) -> Address:
    view = request.GET.get("view", "") or "today"
    if view not in task_queries.VIEWS:
        return Address("today", task_queries.UNKNOWN)
    return Address(view, task_queries.read_owner(request.member, request.GET.get("who", "")))


def _main(request: Request, address: Address, quick: QuickTaskForm | None = None) -> dict[str, object]:
    owners = possible_owners()
    member = request.member
    people = [(str(user.pk), user.get_full_name()) for user in owners if user.pk != member.user_id]
    owner_choices = [(task_queries.MINE, "My tasks"), (task_queries.EVERYBODY, "Everybody’s")]
    if member.reach != Reach.ASSIGNED:
        owner_choices.append((task_queries.NOBODY, "Nobody’s yet"))
    today = days.today(request.organization.zone)
    initial = {"assigned_to": str(member.user_id), "priority": Task.Priority.NORMAL}
    if address.view in ("today", "upcoming"):
        initial["day"] = today.isoformat()
    return {
        **_rows(request, address),
        **_tabs(request, address),
        "quick": quick or QuickTaskForm(owners=owners, initial=initial),
        "owner_choices": [*owner_choices, *people],
        "refusal": task_queries.refusal_of(address.owner),
        "can_create": member.may("tasks.create"),
        "priorities": Task.Priority.choices,
    }


def _tabs(request: Request, address: Address) -> dict[str, object]:
    counted = task_queries.counts(request.member, address.owner)
    if address.owner == task_queries.MINE:
        request.badges = {**getattr(request, "badges", {}), "tasks": counted["today"]}
    tabs = [
        {
            "label": view.label,
            "url": address.query(view=key),
            "count": counted.get(key, 0) if key in ("today", "overdue") else 0,
            "is_current": key == address.view,
            "is_late": key == "overdue",
        }
        for key, view in task_queries.VIEWS.items()
    ]
    return {"tabs": tabs, "address": address, "list_query": address.query()}


def _rows(request: Request, address: Address) -> dict[str, object]:
    view = task_queries.VIEWS[address.view]
    rows = task_queries.with_row_relations(
        task_queries.tasks_for(request.member, address.view, address.owner), request.member
    )
    page = page_after(rows, cursor=request.GET.get("after", ""), size=ROWS, order=view.order, is_filled=True)
    groups = task_queries.grouped(address.view, list(page.rows), request.member)
    more = ""
    if page.next_cursor:
        more = address.query(after=page.next_cursor, day=groups[-1].key if groups else "")
    return {
        "groups": groups,
        "more": more,
        "day_before": request.GET.get("day", "") if request.GET.get("after") else "",
        "address": address,
        "here": reverse("customers:tasks", args=[request.organization.slug]) + address.query(),
        "view": view,
        "show_assignee": address.owner != task_queries.MINE,
        "can_edit_tasks": request.member.may("tasks.edit"),
        "can_see_customers": request.member.may("customers.view"),
        "show_customer": True,
    }


# --- One --------------------------------------------------------------------------------------------------------------


def _form(request: Request, task: Task | None, customer: Customer | None, *, is_bound: bool = False) -> HttpResponse:
    """A new task or one that is changed. With `is_bound` the customer stands, and is not asked for."""
    initial: dict[str, object] = {"assigned_to": str(request.member.user_id), "due_at": _requested_day(request)}
    if task is not None:
        initial = TaskForm.initial_of(task)
    if customer is not None:
        initial["customer"] = name_of(customer)
    form = TaskForm(request.POST or None, initial=initial, owners=possible_owners(), task=task)
    is_hidden = task is not None and task.customer_id is not None and customer is None
    if is_bound or is_hidden:
        # Whom a member doesn't see stays on the task, unnamed.
        del form.fields["customer"]
    back = _back(request) or _place_of(request, customer)
    if request.method == "POST" and form.is_valid():
        customer_key = form.cleaned_data.get("customer", "")
        if task is None:
            saved = _saved(
                request, form, lambda: _create(request, customer_key, form.changes(), customer if is_bound else None)
            )
        else:
            saved = _saved(request, form, lambda: _update(request, task, form))
        if saved is not None:
            toasts.success(request, _added(saved) if task is None else "Task saved.")
            return redirect(back)
    context = {
        "form": form,
        "task": task,
        "customer": customer,
        "is_bound": is_bound,
        "is_hidden": is_hidden,
        "back": back,
        "next": _back(request),
        "can_delete": task is not None and request.member.may("tasks.delete"),
    }
    return render(request, "customers/work/tasks/form.html", context, status=422 if form.errors else 200)


def _create(request: Request, customer_key: str, fields: dict[str, Any], customer: Customer | None = None) -> Task:
    return tasks.create(
        organization=request.organization,
        actor=current_actor(),
        customer=customer or named(request, customer_key),
        **fields,
    )


def _update(request: Request, task: Task, form: TaskForm) -> Task:
    changes = form.changes()
    if "customer" in form.fields and "customer" in form.changed_data:
        changes["customer"] = named(request, form.cleaned_data["customer"])
    return tasks.update(task=task, actor=current_actor(), changes=changes) if changes else task


def _saved(request: Request, form: Form, save: Callable[[], Task]) -> Task | None:
    """The task; None, and what was refused at its field."""
    with on_form(request, form):
        return save()
    return None


def _task(request: Request, pk: UUID) -> Task:
    """The task, if within reach, one's own with whomever. Raises Http404."""
    rows = task_queries.with_row_relations(Task.objects.visible_to(request.member), request.member)
    rows = rows.select_related("customer__stage", "organization", "assigned_to").filter(pk=pk)
    return first_or_404(rows, "There is no such task, or it is not yours to see.")


def _requested_customer(request: Request) -> Customer | None:
    pk = parse_uuid(request.GET.get("customer", ""))
    return find_visible(request, pk) if pk else None


def _requested_day(request: Request) -> object:
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None
    return days.at(day, days.MORNING, request.organization.zone) if 2000 <= day.year <= 9990 else None


def _back(request: Request) -> str:
    """Where the form was asked for, if it is a page of this organization."""
    target = request.POST.get("next") or request.GET.get("next")
    return local_path(target, below=f"/o/{request.organization.slug}/")


def _place_of(request: Request, customer: Customer | None) -> str:
    slug = request.organization.slug
    if customer is not None and request.member.may("customers.view"):
        return reverse("customers:detail", args=[slug, customer.pk])
    return reverse("customers:tasks", args=[slug])


def _added(task: Task) -> str:
    return f"Task added, due {_when(task)}." if task.due_at else "Task added."


def _done(task: Task) -> str:
    """The notice's text; for a recurring task also the next time."""
    if not task.is_recurring or task.series is None:
        return "Task done."
    following = Task.objects.filter(series=task.series, occurrence=task.occurrence + 1).first()
    return f"Task done. The next is due {_when(following)}." if following else "Task done, the last of its kind."


def _when(task: Task) -> str:
    local = timezone.localtime(task.due_at)
    today = timezone.localdate()
    day = local.date()
    return f"{days.nearby(day, today) or days.in_words(day, today)}, {local:%H:%M}"
