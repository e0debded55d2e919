"""The provider's own templates: read regularly and on demand, so that everybody sees which are approved."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext_lazy

from activity.actor import SYSTEM, Actor, acting_as
from activity.ledger import record
from core import clock, queues
from core.claims import released, settle
from core.encryption import DecryptionFailed
from core.jobs import wake_up
from core.sweeps import sweep
from core.tenancy import organization_scope
from customers.packs.words import LANGUAGE
from messaging import events
from messaging.channels import registry
from messaging.channels.abilities import ContentTemplate, HasContent
from messaging.channels.base import Kind, SendError
from messaging.channels.text import clean
from messaging.models import Channel, ContentSync, Template
from messaging.models.template import ANY_LANGUAGE
from messaging.texts.templates import services as templates

SYNC: Final = "messaging.tasks.sync_contents"
EVERY = timedelta(hours=1)
AGAIN = timedelta(minutes=5)
LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=10)
MAX_KEY_LENGTH: Final = templates.MAX_KEY_LENGTH
Status = Template.ContentStatus
_STATUS: Final = {
    "approved": Status.APPROVED,
    "pending": Status.PENDING,
    "received": Status.PENDING,
    "in_appeal": Status.PENDING,
    "rejected": Status.REJECTED,
    "paused": Status.PAUSED,
    "disabled": Status.DISABLED,
    "unsubmitted": Status.UNSUBMITTED,
    "": Status.UNSUBMITTED,
}


def has_content(channel: Channel) -> bool:
    return channel.kind == Kind.WHATSAPP and isinstance(registry.provider(channel.provider), HasContent)


def set_up(channel: Channel) -> None:
    """Start or stop reading a channel's templates; called when the channel was created or changed."""
    if not (channel.is_enabled and has_content(channel)):
        ContentSync.objects.filter(channel=channel).update(due_at=None, **released())
        return
    sync_now(channel)


def sync_now(channel: Channel) -> None:
    """Read the provider's templates at once."""
    now = clock.now()
    row, is_new = ContentSync.objects.get_or_create(
        channel=channel, defaults={"organization_id": channel.organization_id, "due_at": now}
    )
    if not is_new:
        ContentSync.objects.filter(pk=row.pk).update(due_at=now, **released())
    wake_up(SYNC)


def sync_due() -> int:
    """Read the templates of every channel that is due; returns how many."""
    return sweep(QUEUE)


def _syncs() -> QuerySet[ContentSync]:
    return ContentSync.objects.select_related("organization", "channel__organization")


def _sync(row: ContentSync) -> None:
    with organization_scope(row.organization), acting_as(SYSTEM):
        provider = registry.provider(row.channel.provider)
        if not (row.channel.is_enabled and isinstance(provider, HasContent)):
            settle(row)
            return
        now = clock.now()
        try:
            listed = provider.list_content(row.channel.as_account())
        except DecryptionFailed:
            settle(row, due_at=now + EVERY, last_error="The channel’s secrets can’t be read.")
            return
        except SendError as error:
            settle(row, due_at=now + AGAIN, last_error=clean(error.message)[:500])
            return
        with transaction.atomic():
            # Behind the fence first: who lost the claim writes nothing.
            if not settle(row, due_at=now + EVERY, synced_at=now, last_error="", count=len(listed)):
                return
            for content in listed:
                _take(row.channel, content)
            _let_go(row.channel, {content.id for content in listed})


def _take(channel: Channel, content: ContentTemplate) -> None:
    """Store a listed template: update ours, or create one."""
    columns = {
        "account": channel.account_id,
        "kind": content.kind,
        "body": content.body,
        "variables": dict(content.variables),
        "category": content.category,
        "media": list(content.media),
        "actions": [dict(action) for action in content.actions],
    }
    status = _STATUS.get(content.status.lower(), Status.PENDING)
    changes = {
        "content": columns,
        "content_status": status,
        "content_reason": clean(content.reason)[:300],
        "content_synced_at": clock.now(),
    }
    known = Template.objects.filter(provider_template_id=content.id)
    rows = list(known)
    if not rows:
        _make(channel, content, changes)
        return
    for template in rows:
        before = template.content_status
        Template.objects.filter(pk=template.pk).update(**_followed(template, content, changes))
        if before != status:
            payload = {"key": template.key, "changes": {"content_status": {"from": before, "to": str(status)}}}
            record(events.TEMPLATE_CHANGED, subject=template, actor=SYSTEM, payload=payload)


def _followed(template: Template, content: ContentTemplate, changes: dict[str, object]) -> dict[str, object]:
    """What was read from the provider follows it; a text that somebody wrote for it here stays theirs, and only its
    state is news."""
    if template.content is None:
        return {name: value for name, value in changes.items() if name != "content"}
    return {**changes, "body": clean(content.body).strip()[: templates.MAX_LENGTH["body"]] or template.body}


def _make(channel: Channel, content: ContentTemplate, changes: dict[str, object]) -> None:
    name = " ".join(clean(content.name).split())[: templates.MAX_LENGTH["name"]] or content.id
    language = content.language.replace("_", "-")
    template = Template(
        organization_id=channel.organization_id,
        name=name,
        channel=Kind.WHATSAPP,
        language=language if LANGUAGE.fullmatch(language) else ANY_LANGUAGE,
        category=content.category[: templates.MAX_LENGTH["category"]].capitalize(),
        body=clean(content.body).strip()[: templates.MAX_LENGTH["body"]] or name,
        provider_template_id=content.id,
        **changes,
    )
    base = slugify(name).replace("-", "_")[:MAX_KEY_LENGTH] or "template"
    for key in (base, f"{base[: MAX_KEY_LENGTH - 9]}_{content.id[-8:].lower()}"):
        template.key = key
        try:
            with transaction.atomic():
                template.save(force_insert=True)
        except IntegrityError:
            continue
        record(events.TEMPLATE_CREATED, subject=template, actor=SYSTEM, payload={"key": key, "name": name})
        return


def _let_go(channel: Channel, listed: set[str]) -> None:
    """Mark templates that this account no longer lists as deleted at the provider."""
    held = Q(content__account=channel.account_id)
    if _is_only_account(channel):
        # What was written here for a template of the provider's does not say of which account it is.
        held |= Q(content__isnull=True) & ~Q(provider_template_id="")
    missing = Template.objects.filter(held).exclude(provider_template_id__in=listed).exclude(content_status=Status.GONE)
    for template in missing:
        before, template.content_status = template.content_status, Status.GONE
        Template.objects.filter(pk=template.pk).update(content_status=Status.GONE, content_synced_at=clock.now())
        payload = {"key": template.key, "changes": {"content_status": {"from": before, "to": str(Status.GONE)}}}
        record(events.TEMPLATE_CHANGED, subject=template, actor=SYSTEM, payload=payload)


def _is_only_account(channel: Channel) -> bool:
    rows = Channel.objects.filter(kind=Kind.WHATSAPP).exclude(account_id="").values_list("account_id", flat=True)
    return set(rows) == {channel.account_id}


def is_stale(sync: ContentSync | None) -> bool:
    """Whether the approvals were read so long ago that the page says so."""
    return sync is None or sync.synced_at is None or clock.now() - sync.synced_at > 3 * EVERY


def request_sync(channel: Channel, actor: Actor) -> bool:
    """Schedule reading the templates now; False where the provider has none."""
    if not has_content(channel):
        return False
    sync_now(channel)
    return True


def set_aside(row: ContentSync, reason: str) -> None:
    """Stop reading the templates; their page says why, and “Read now” starts again."""
    settle(row, last_error=reason)


def _set_aside_rows() -> QuerySet[ContentSync]:
    return ContentSync.objects.filter(due_at=None, channel__is_enabled=True).exclude(last_error="")


QUEUE = queues.register(
    queues.Queue(
        name="provider templates",
        model=ContentSync,
        rows=_syncs,
        work=_sync,
        set_aside=set_aside,
        why="templates of all organizations are read by one sweep",
        lease=LEASE,
        longest=MAX_DURATION,
        for_members=queues.ForMembers(
            where=gettext_lazy("on the templates’ page: “Read now” starts again"),
            query="due_at__isnull=True",
            rows=_set_aside_rows,
        ),
    )
)
