"""Kinds about what the system does: channels, jobs, rules, one's own account."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import events as accounts
from accounts.models import Member
from activity import jobs
from activity.events import JOB_FINISHED
from activity.models import Event, Job
from core.tenancy import every_organization
from messaging.events import CHANNEL_TROUBLED
from workflows.events import RUN_HELD, WORKFLOW_PAUSED
from workflows.models import Notification, Workflow
from workflows.notifications.kinds.registry import MAILED, ON_PAGE, SHOWN, Heading, Kind, Notice, register, some

RULE = "rule"
ONBOARDING = "onboarding"


def _channel(event: Event) -> Notice:
    data = {"name": event.payload["name"]}
    return Notice(UUID(event.subject_id), is_for=lambda member: member.may("channels.edit"), data=data)


def _job(event: Event) -> Notice | None:
    job = Job.objects.filter(pk=event.subject_id).only("created_by", "kind", "status").first()
    if job is None or job.created_by_id is None or job.status == Job.Status.CANCELLED:
        return None
    data = {"kind": job.kind, "status": job.status}
    return Notice(job.pk, users=[job.created_by_id], data=data)


def _job_sentence(line: Notification) -> str:
    kind = jobs.KINDS.get(str(line.data.get("kind")))
    name = kind.label if kind is not None else _("Your job")
    is_done = line.data.get("status") == Job.Status.DONE
    return (_("%(name)s: done") if is_done else _("%(name)s: failed")) % {"name": name}


def _security(event: Event) -> Notice:
    """Each is a line of its own: none hides behind another."""
    return Notice(event.pk, members=[UUID(event.subject_id)], data={"event": event.type})


_SECURITY: dict[str, str | Promise] = {
    accounts.PASSWORD_CHANGED: gettext_lazy("Your password was changed"),
    accounts.EMAIL_CHANGED: gettext_lazy("An administrator changed your e-mail address"),
    accounts.TOKEN_REUSED: gettext_lazy("An app used an old sign-in of yours again, so it was signed out"),
    accounts.SECOND_FACTOR_ADDED: gettext_lazy("A second factor was added to your account"),
    accounts.SECOND_FACTOR_REMOVED: gettext_lazy("A second factor was removed from your account"),
    accounts.SECOND_FACTOR_RESET: gettext_lazy("An administrator reset your second factor"),
    accounts.RECOVERY_CODE_USED: gettext_lazy("A recovery code of yours was used"),
    accounts.RECOVERY_CODES_RENEWED: gettext_lazy("New recovery codes were made for your account"),
    accounts.PROVIDER_CONNECTED: gettext_lazy("Your account was connected to your organization’s sign-in"),
    accounts.PROVIDER_DISCONNECTED: gettext_lazy("Your account was disconnected from your organization’s sign-in"),
    accounts.IMPERSONATION_BEGAN: gettext_lazy("An administrator began to act as you"),
}


def _security_url(line: Notification, slug: str) -> str:
    is_on_devices = line.data.get("event") in (accounts.IMPERSONATION_BEGAN, accounts.TOKEN_REUSED)
    return reverse("organization:devices" if is_on_devices else "organization:security", args=[slug])


def _paused(event: Event) -> Notice:
    return _about_rule(event, {"failures": event.payload["failures"]})


def _held(event: Event) -> Notice:
    return _about_rule(event, {})


def _about_rule(event: Event, data: dict[str, object]) -> Notice:
    row = Workflow.objects.filter(pk=event.subject_id).only("created_by", "kind").first()
    is_sequence = row is not None and row.kind == Workflow.Kind.SEQUENCE
    return Notice(
        UUID(event.subject_id),
        users=some(row.created_by_id if row is not None else None),
        is_for=lambda member: member.role.is_administrator,
        data={"name": event.payload["name"], "is_sequence": is_sequence, **data},
    )


def _held_sentence(line: Notification) -> str:
    text = ngettext("A run of “%(name)s” asks you", "%(count)d runs of “%(name)s” ask you", line.count)
    return text % {"name": line.data.get("name", ""), "count": line.count}


def _paused_sentence(line: Notification) -> str:
    is_sequence = line.data.get("is_sequence")
    text = _("The sequence “%(name)s” was switched off") if is_sequence else _("The rule “%(name)s” was switched off")
    return text % {"name": line.data.get("name", "")}


def _paused_url(line: Notification, slug: str) -> str:
    page = "workflows:sequence" if line.data.get("is_sequence") else "workflows:rule"
    return reverse(page, args=[slug, line.subject_id])


def _failures(line: Notification) -> str:
    count = cast("int", line.data.get("failures", 0))
    return ngettext("%(count)d failure in a row", "%(count)d failures in a row", count) % {"count": count}


def _onboarding(event: Event) -> Notice | None:
    """Once a user, whichever organization they came to first."""
    with every_organization("a user is welcomed once, whatever organizations they join later"):
        mine = Member.objects.select_related("user").get(pk=event.subject_id)
        if mine.user.is_service or Member.objects.filter(user=mine.user).exclude(pk=mine.pk).exists():
            return None
    return Notice(mine.user_id, members=[mine.pk])


def _rule_sentence(line: Notification) -> str:
    return str(line.data.get("text", ""))


def _rule_detail(line: Notification) -> str:
    parts = [line.customer.name if line.customer is not None else "", str(line.data.get("rule", ""))]
    if line.count > 1:
        parts.append(ngettext("%(count)d time", "%(count)d times", line.count) % {"count": line.count})
    return " · ".join(part for part in parts if part)


def _rule_url(line: Notification, slug: str) -> str:
    if line.customer_id is None:
        return reverse("workflows:notifications", args=[slug])
    return reverse("customers:detail", args=[slug, line.customer_id])


def _page(name: str) -> Callable[[Notification, str], str]:
    return lambda line, slug: reverse(name, args=[slug, line.subject_id])


register(
    Kind(
        name=RULE,
        label=gettext_lazy("A rule tells you something"),
        heading=Heading.WORK,
        icon="megaphone",
        position=180,
        sentence=_rule_sentence,
        detail=_rule_detail,
        url=_rule_url,
        ways=SHOWN,
        is_counted=True,
    )
)
register(
    Kind(
        name="channel",
        label=gettext_lazy("A channel does not work"),
        heading=Heading.SYSTEM,
        icon="radio-tower",
        position=210,
        permission="channels.view",
        begins={CHANNEL_TROUBLED: _channel},
        sentence=lambda line: _("“%(name)s” does not work") % {"name": line.data.get("name", "")},
        url=_page("messaging:channel"),
        # Administrators have a mail of its own about it.
        ways=ON_PAGE,
    )
)
register(
    Kind(
        name="rule_paused",
        label=gettext_lazy("A rule or a sequence was switched off after failures"),
        heading=Heading.SYSTEM,
        icon="workflow",
        position=220,
        permission="workflows.view",
        begins={WORKFLOW_PAUSED: _paused},
        sentence=_paused_sentence,
        detail=_failures,
        url=_paused_url,
        ways=MAILED,
    )
)
register(
    Kind(
        name="run_held",
        label=gettext_lazy("A rule or a sequence was to go on too long ago"),
        heading=Heading.SYSTEM,
        icon="circle-question-mark",
        position=225,
        permission="workflows.view",
        begins={RUN_HELD: _held},
        sentence=_held_sentence,
        detail=lambda line: _("It was to go on too long ago, so somebody has to look first."),
        url=_paused_url,
        ways=MAILED,
        is_counted=True,
    )
)
register(
    Kind(
        name="job",
        label=gettext_lazy("Work that you started has ended"),
        heading=Heading.SYSTEM,
        icon="circle-check",
        position=230,
        begins={JOB_FINISHED: _job},
        sentence=_job_sentence,
        url=_page("organization:job"),
        ways=ON_PAGE,
    )
)
register(
    Kind(
        name="security",
        label=gettext_lazy("Your sign-in was changed"),
        heading=Heading.SYSTEM,
        icon="shield-alert",
        position=240,
        begins=dict.fromkeys(_SECURITY, _security),
        sentence=lambda line: str(_SECURITY.get(str(line.data.get("event")), "")),
        url=_security_url,
        # The mail about it has gone by itself, to whoever was away and whoever was not.
        ways=ON_PAGE,
        tells_actor=True,
    )
)
register(
    Kind(
        name=ONBOARDING,
        label=gettext_lazy("The welcome to somebody new"),
        heading=Heading.SYSTEM,
        icon="hand",
        position=250,
        begins={accounts.MEMBER_ADDED: _onboarding},
        sentence=lambda line: _("Welcome to Parley"),
        detail=lambda line: _("Begin with your profile: your name, your photo and how you want to be told."),
        url=lambda line, slug: reverse("organization:profile", args=[slug]),
        ways=ON_PAGE,
        is_once=True,
        tells_actor=True,
    )
)
