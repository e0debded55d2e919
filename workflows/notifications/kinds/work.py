"""Kinds about customers and what is to be done: given to somebody, due, overdue."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import dateformat, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Member
from activity.models import Event
from customers.events import (
    CUSTOMER_ASSIGNED,
    CUSTOMER_CREATED,
    CUSTOMER_OVERDUE,
    DEAL_CREATED,
    DEAL_UPDATED,
    FOLLOW_UP_DUE,
    FOLLOW_UP_SET,
    STAGE_CHANGED,
    TASK_COMPLETED,
    TASK_CREATED,
    TASK_DELETED,
    TASK_OVERDUE,
    TASK_REMINDED,
    TASK_UPDATED,
)
from customers.models import Deal, Task
from workflows.models import Notification
from workflows.notifications.kinds.conversations import name_of, owner_of
from workflows.notifications.kinds.registry import (
    MAILED,
    ON_PAGE,
    SHOWN,
    Heading,
    Kind,
    Notice,
    register,
    some,
    uuid_of,
)

# --- Given to somebody ------------------------------------------------------------------------------------------------


def _customer_assigned(event: Event) -> Notice | None:
    """What one act gave somebody at once (an import, a bulk change) is one line: by its request."""
    user = uuid_of(event.payload.get("to"))
    if user is None or event.customer_id is None:
        return None
    act = event.payload.get("import") or event.request_id
    group = "".join(letter for letter in str(act or event.pk) if letter.isalnum() or letter in "-_")[:100]
    subject = event.organization_id if act else event.customer_id
    return Notice(subject, users=[user], customer_id=event.customer_id, group=group)


def _customer_created(event: Event) -> Notice | None:
    """Somebody's from the beginning. What an import made is told by the import."""
    user = None if event.payload.get("import") else owner_of(event)
    if user is None or event.customer_id is None:
        return None
    if Event.objects.filter(customer_id=event.customer_id, type=CUSTOMER_ASSIGNED).exists():
        return None  # given to them later, which is told by itself
    return Notice(event.customer_id, users=[user], customer_id=event.customer_id)


def _task_given(event: Event) -> Notice | None:
    if event.type == TASK_UPDATED and "assigned_to" not in event.payload["changes"]:
        return None
    task = Task.objects.filter(pk=event.subject_id).only("assigned_to", "customer", "title", "status").first()
    if task is None or not task.is_open:
        return None
    return _about_task(event, task.assigned_to_id, task.title)


def _deal_given(event: Event) -> Notice | None:
    if event.type == DEAL_UPDATED and "owner" not in event.payload["changes"]:
        return None
    deal = Deal.objects.filter(pk=event.subject_id).only("owner", "customer", "title").first()
    if deal is None:
        return None
    return Notice(deal.pk, users=some(deal.owner_id), customer_id=deal.customer_id, data={"title": deal.title})


def _assigned_sentence(line: Notification) -> str:
    if line.count == 1:
        return _("%(name)s is yours now") % {"name": name_of(line)}
    return ngettext("%(count)d customer is yours now", "%(count)d customers are yours now", line.count) % {
        "count": line.count
    }


def _assigned_url(line: Notification, slug: str) -> str:
    if line.customer_id is not None:
        return _customer_url(line, slug)
    return f"{reverse('customers:list', args=[slug])}?assigned_to=me"


# --- Due and overdue --------------------------------------------------------------------------------------------------


def _task_due(event: Event) -> Notice | None:
    task = Task.objects.filter(pk=event.subject_id).only("status").first()
    if task is None or not task.is_open:
        return None
    user = uuid_of(event.payload.get("assigned_to") or event.payload.get("to"))
    title = event.payload.get("title") or Task.objects.values_list("title", flat=True).get(pk=task.pk)
    return _about_task(event, user, str(title), due_at=event.payload.get("due_at"))


def _about_task(event: Event, user: UUID | None, title: str, **data: object) -> Notice:
    return Notice(
        UUID(event.subject_id), users=some(user), customer_id=event.customer_id, data={"title": title, **data}
    )


def _of_owner(event: Event) -> Notice | None:
    """To whoever owns the customer by now."""
    if event.customer_id is None:
        return None
    data = {"at": event.payload.get("at") or event.payload.get("since")}
    return Notice(event.customer_id, users=some(owner_of(event)), customer_id=event.customer_id, data=data)


def _of_subject(event: Event) -> UUID | None:
    return uuid_of(event.subject_id)


def _of_customer(event: Event) -> UUID | None:
    return event.customer_id


def _when(name: str, line: Notification) -> str:
    """The moment that the line keeps, in words; empty for none."""
    at = parse_datetime(str(line.data.get(name) or ""))
    return dateformat.format(_local(at), "j M, H:i") if at is not None else ""


def _local(at: datetime) -> datetime:
    return timezone.localtime(at) if timezone.is_aware(at) else at


def _customer_url(line: Notification, slug: str) -> str:
    return reverse("customers:detail", args=[slug, line.customer_id or line.subject_id])


def _task_url(line: Notification, slug: str) -> str:
    return reverse("customers:edit_task", args=[slug, line.subject_id])


def _title(line: Notification) -> str:
    return str(line.data.get("title", ""))


def _whose(line: Notification) -> str:
    return line.customer.name if line.customer is not None else ""


def _sees_task(member: Member) -> Q:
    return Q(Exists(Task.objects.visible_to(member).filter(pk=OuterRef("subject_id"))))


def _sees_deal(member: Member) -> Q:
    return Q(Exists(Deal.objects.visible_to(member).filter(pk=OuterRef("subject_id"))))


TASK_ENDS = {TASK_COMPLETED: _of_subject, TASK_DELETED: _of_subject}

register(
    Kind(
        name="assigned_customer",
        label=gettext_lazy("A customer is given to you"),
        heading=Heading.WORK,
        icon="user-round-check",
        position=110,
        permission="customers.view",
        begins={CUSTOMER_ASSIGNED: _customer_assigned, CUSTOMER_CREATED: _customer_created},
        sentence=_assigned_sentence,
        url=_assigned_url,
        ways=SHOWN,
        is_counted=True,
    )
)
register(
    Kind(
        name="assigned_task",
        label=gettext_lazy("A task is given to you"),
        heading=Heading.WORK,
        icon="list-checks",
        position=120,
        permission="tasks.view",
        reach=_sees_task,
        begins={TASK_CREATED: _task_given, TASK_UPDATED: _task_given},
        settled_by=TASK_ENDS,
        sentence=lambda line: _("A task for you: %(title)s") % {"title": _title(line)},
        detail=_whose,
        url=_task_url,
        ways=SHOWN,
    )
)
register(
    Kind(
        name="assigned_deal",
        label=gettext_lazy("A deal is given to you"),
        heading=Heading.WORK,
        icon="handshake",
        position=130,
        permission="deals.view",
        reach=_sees_deal,
        begins={DEAL_CREATED: _deal_given, DEAL_UPDATED: _deal_given},
        sentence=lambda line: _("A deal is yours now: %(title)s") % {"title": _title(line)},
        detail=_whose,
        url=lambda line, slug: reverse("customers:edit_deal", args=[slug, line.subject_id]),
        ways=SHOWN,
    )
)
register(
    Kind(
        name="task_due",
        label=gettext_lazy("A task of yours is due and not done"),
        heading=Heading.WORK,
        icon="alarm-clock",
        position=140,
        permission="tasks.view",
        reach=_sees_task,
        begins={TASK_OVERDUE: _task_due},
        settled_by=TASK_ENDS,
        sentence=lambda line: _("Due: %(title)s") % {"title": _title(line)},
        detail=lambda line: " · ".join(part for part in (_whose(line), _when("due_at", line)) if part),
        url=_task_url,
        ways=SHOWN,
    )
)
register(
    Kind(
        name="task_reminder",
        label=gettext_lazy("A reminder of a task"),
        heading=Heading.WORK,
        icon="bell-ring",
        position=150,
        permission="tasks.view",
        reach=_sees_task,
        begins={TASK_REMINDED: _task_due},
        settled_by=TASK_ENDS,
        sentence=lambda line: _("Reminder: %(title)s") % {"title": _title(line)},
        detail=_whose,
        url=_task_url,
        # The reminder itself is a mail.
        ways=ON_PAGE,
    )
)
register(
    Kind(
        name="follow_up_due",
        label=gettext_lazy("A follow-up with one of your customers is due"),
        heading=Heading.WORK,
        icon="calendar-clock",
        position=160,
        permission="customers.view",
        begins={FOLLOW_UP_DUE: _of_owner},
        settled_by={FOLLOW_UP_SET: _of_customer},
        sentence=lambda line: _("Get back to %(name)s") % {"name": name_of(line)},
        detail=lambda line: _when("at", line),
        url=_customer_url,
        ways=SHOWN,
    )
)
register(
    Kind(
        name="overdue_customer",
        label=gettext_lazy("A customer of yours stands too long in a stage"),
        heading=Heading.WORK,
        icon="clock-alert",
        position=170,
        permission="customers.view",
        begins={CUSTOMER_OVERDUE: _of_owner},
        settled_by={STAGE_CHANGED: _of_customer},
        sentence=lambda line: _("Nothing happened with %(name)s for too long") % {"name": name_of(line)},
        url=_customer_url,
        ways=MAILED,
    )
)
