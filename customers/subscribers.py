"""Subscribers of the customers app to events, and its registrations with lower apps."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.core.files.storage import default_storage
from django.utils.translation import gettext_lazy as _

from accounts.account import tabs
from accounts.events import (
    MEMBER_ADDED,
    MEMBER_DEACTIVATED,
    ORGANIZATION_CREATED,
    ORGANIZATION_RESTORED,
    ORGANIZATION_RESUMED,
)
from accounts.frame import menu, settings_menu
from accounts.models import Member
from accounts.organizations import packs as offered_packs
from accounts.organizations import purging
from accounts.settings import parts
from activity import installation
from activity.actor import SYSTEM, Actor, ActorKind
from activity.models import Event, Job
from activity.registry import subscribe
from customers import days, settings_pages
from customers.data import undo
from customers.data.bulk import services as bulk
from customers.data.bulk import undo as bulk_undo
from customers.data.deletion import blockers
from customers.data.deletion import services as deletion
from customers.data.imports import files as import_files
from customers.data.imports import services as imports
from customers.data.imports import undo as import_undo
from customers.data.merging import hooks as merging
from customers.data.merging import undo as merge_undo
from customers.data.personal_data import parts as personal_parts
from customers.data.personal_data import services as personal_data
from customers.data.retention.settings import RETENTION
from customers.events import CUSTOMER_CREATED, STAGE_CHANGED
from customers.models import Customer, CustomerImport, Process, Stage, Task
from customers.packs import contents, packs
from customers.packs import services as pack_service
from customers.page import audit_records, explanations, hand_over, palette
from customers.page.customer import panels as customer_panels
from customers.page.timeline import sources as timeline_sources
from customers.pipeline.stages import services as stages
from customers.work import home
from customers.work.calendar import feeds
from customers.work.follow_ups import queries as follow_up_queries
from customers.work.processes import services as processes
from customers.work.tasks import queries as task_queries
from customers.work.tasks import reminders
from customers.work.tasks import services as tasks


def register() -> None:
    audit_records.register()
    installation.register_leaving(reminders.cancel_in_copy)
    for pack in packs().values():
        offered_packs.register(offered_packs.Pack(pack.key, pack.name, pack.description, contents.in_words(pack)))
    menu.register(menu.Entry("Pipeline", "customers:board", "square-kanban", "customers.view", 15))
    menu.register(menu.Entry("Customers", "customers:list", "users", "customers.view", 20, is_main=True))
    menu.register(menu.Entry("Deals", "customers:deals", "handshake", "deals.view", 25))
    menu.register(
        menu.Entry(
            "Tasks", "customers:tasks", "square-check", "tasks.view", 30,
            waiting=task_queries.waiting_for, waits="due", is_main=True,
        )
    )  # fmt: skip
    menu.register(
        menu.Entry(
            "Follow-ups", "customers:follow_ups", "alarm-clock", "customers.view", 35,
            waiting=follow_up_queries.waiting_for, waits="due",
        )
    )  # fmt: skip
    for page in settings_pages.PAGES:
        settings_menu.register(page)
    parts.register(RETENTION)
    tabs.register(tabs.Tab(_("Calendar feed"), "customers:calendar_feed", 50, "tasks.view"))
    blockers.register(blockers.Blocker("deals", deletion.open_deals, deletion.lose_deals))
    purging.OTHER_FILES.register(purging.OtherFiles("archives of jobs", Job, archives_of_jobs))
    purging.OTHER_FILES.register(purging.OtherFiles("parts of imports", CustomerImport, parts_of_imports))
    personal_parts.register()
    personal_data.register()
    timeline_sources.register()
    palette.register()
    home.register()
    hand_over.register()
    explanations.register()
    customer_panels.register()
    undo.register()
    merge_undo.register()
    bulk.register()
    bulk_undo.register()
    imports.register()
    import_undo.register()
    stages.register()
    merging.register(Process, processes.before_merge)
    subscribe(ORGANIZATION_RESUMED, reminders.skip_late, name="customers.skip_late_resumed", inline=True)
    subscribe(ORGANIZATION_RESTORED, reminders.skip_late, name="customers.skip_late_restored", inline=True)
    subscribe(STAGE_CHANGED, make_entry_task, name="customers.make_entry_task", inline=True)
    subscribe(CUSTOMER_CREATED, make_first_task, name="customers.make_first_task", inline=True)
    subscribe(MEMBER_DEACTIVATED, end_calendar_feed, name="customers.end_calendar_feed", inline=True)
    subscribe(ORGANIZATION_CREATED, install_pack, name="customers.install_pack", inline=True)
    subscribe(MEMBER_ADDED, install_first_segments, name="customers.install_first_segments", inline=True)


def end_calendar_feed(event: Event) -> None:
    """The calendar address of a member who was shut out is gone for good, and does not come back with them."""
    member = Member.objects.select_related("organization").get(pk=event.subject_id)
    feeds.revoke(member=member, actor=Actor(ActorKind(event.actor_kind), event.actor_id, event.actor_label))


def install_pack(event: Event) -> None:
    """Install the pack of a new organization, in the transaction that creates it."""
    pack = pack_service.find(event.payload["pack"])
    founder = Member.objects.filter(organization=event.organization).first()
    pack_service.install(
        organization=event.organization, pack=pack, owner_id=founder.user_id if founder is not None else None
    )


def install_first_segments(event: Event) -> None:
    """An organization that was made without a member has its first: the pack's segments are theirs."""
    members = list(Member.objects.filter(organization=event.organization)[:2])
    if len(members) == 1:
        pack_service.install_segments(organization=event.organization, owner_id=members[0].user_id)


def make_first_task(event: Event) -> None:
    """Who is made in a stage that begins with something to do has reached it, too.

    Not who is imported: they may have stood there for long, and an import with tasks could not be taken back.
    """
    if "import" not in event.payload:
        _make_task_of(event, event.payload["stage"])


def make_entry_task(event: Event) -> None:
    """A customer has reached a stage that begins with something to do: it becomes a task, unless it is open already."""
    _make_task_of(event, event.payload["to"])


def _make_task_of(event: Event, key: str) -> None:
    stage = Stage.objects.filter(key=key).exclude(entry_task="").first()
    if stage is None or event.customer_id is None:
        return
    customer = Customer.objects.select_related("assigned_to").get(pk=event.customer_id)
    if Task.objects.filter(customer=customer, title=stage.entry_task).open().exists():
        return
    owner = customer.assigned_to
    if owner is not None and not Member.objects.active().filter(user=owner).exists():
        owner = None
    zone = event.organization.zone
    due_at = days.at(days.next_working_day(days.today(zone)), days.MORNING, zone)
    tasks.create(
        organization=event.organization, customer=customer, actor=SYSTEM, title=stage.entry_task, due_at=due_at,
        assigned_to=owner, origin=f"stage_change:{event.pk}",
    )  # fmt: skip


def archives_of_jobs(keys: Sequence[UUID]) -> list[purging.File]:
    """The archives of personal data that jobs have made."""
    paths = [job.state.get("path") for job in Job.objects.filter(pk__in=keys)]
    return [(default_storage, str(path)) for path in paths if path]


def parts_of_imports(keys: Sequence[UUID]) -> list[purging.File]:
    """The parts in which imports wait between their steps."""
    uploads = CustomerImport.objects.filter(pk__in=keys)
    return [(default_storage, name) for upload in uploads for name in import_files.parts_of(upload)]
