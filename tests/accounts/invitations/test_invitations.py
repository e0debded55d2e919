"""Inviting: who may, whom, how often, and what leaves by mail."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts import grants
from accounts.invitations import accepting, sending
from accounts.invitations import services as invitations
from accounts.invitations.services import Outcome
from accounts.members import services as members
from accounts.models import Invitation, Role, Team
from activity.models import Event, Installation
from core.refused import Invalid
from core.tenancy import every_organization
from tests.accounts.invitations.conftest import mailed, token_in
from tests.accounts.members.test_members import hire

pytestmark = pytest.mark.django_db


def role(key: str) -> Role:
    return Role.objects.get(key=key)


def test_several_at_once_each_with_its_result(alice, bob, mona, inside):
    members.deactivate(member=mona.member, actor=alice.actor)
    team = Team.objects.create(organization=inside, name="Night")

    def go(*emails: str) -> list[tuple[str, str]]:
        results = invitations.invite(
            organization=inside, emails=emails, role=role("counselor"), actor=alice.actor, teams=[team]
        )
        return [(result.email, result.outcome.value) for result in results]

    assert go(" Nora@New.example ", "nora@new.example", bob.user.email.upper(), mona.user.email) == [
        ("nora@new.example", "invited"),
        ("bob@harbour.example", "member"),
        ("mona@harbour.example", "deactivated"),
    ]
    assert go("nora@new.example", "otto@new.example") == [
        ("nora@new.example", "resent"),
        ("otto@new.example", "invited"),
    ]
    assert list(Invitation.objects.get(email="nora@new.example").teams.all()) == [team]
    kinds = list(Event.objects.filter(type__startswith="invitation.").order_by("pk").values_list("type", flat=True))
    assert kinds == ["invitation.created", "invitation.resent", "invitation.created"]


@pytest.mark.parametrize(
    ("emails", "days", "field"),
    [(["a@b.example", "no address"], 7, "emails"), ([" "], 7, "emails"), (["a@b.example"], 0, "days"),
     (["a@b.example"], 31, "days"), ([f"a{n}@b.example" for n in range(51)], 7, "emails")],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nobody_is_invited(alice, inside, emails, days, field):
    with pytest.raises(Invalid) as refused:
        invitations.invite(organization=inside, emails=emails, role=role("manager"), actor=alice.actor, days=days)
    assert refused.value.field == field
    assert not Invitation.objects.exists()


def test_nobody_invites_to_what_they_do_not_have(alice, inside):
    hana = hire(alice, {"users.create", "customers.view"})
    for key in ("manager", "admin"):
        with pytest.raises(grants.BeyondOwn):
            invitations.invite(organization=inside, emails=["a@b.example"], role=role(key), actor=hana.actor)
    assert not Invitation.objects.exists()


def test_an_organization_has_only_so_many_unanswered(alice, inside, monkeypatch):
    monkeypatch.setattr(invitations, "MAX_UNANSWERED", 2)
    given: dict[str, Any] = {"organization": inside, "role": role("counselor"), "actor": alice.actor}
    (first, _second) = invitations.invite(emails=["a@b.example", "b@b.example"], **given)
    with pytest.raises(invitations.TooManyInvitations):
        invitations.invite(emails=["c@b.example"], **given)
    invitations.invite(emails=["a@b.example"], **given)
    invitations.revoke(invitation=first.invitation, actor=alice.actor)
    invitations.invite(emails=["c@b.example"], **given)


def test_the_mail_says_who_where_and_until_when_and_no_row_has_the_link(alice, invite):
    made = invite()
    path = mailed()
    (message,) = mail.outbox
    assert message.to == ["nora@new.example"]
    assert message.subject == "Alice Hart invites you to Harbour Clinic"
    assert "works once, until" in message.body
    with every_organization("a look at all rows"):
        row = Invitation.objects.get()
        stored = str(list(Invitation.objects.values()))
    assert token_in(path) not in stored
    assert (row.sent_at is not None, row.due_at, made.email) == (True, None, "nora@new.example")
    assert sending.send_due() == 0


def test_a_mail_server_that_refuses_is_asked_again_with_the_same_link(alice, invite, monkeypatch):
    invite()
    tried: list[str] = []

    def fail(message: Any, *_: object, **__: object) -> int:
        tried.append(message.body)
        raise smtplib.SMTPServerDisconnected("gone")

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", fail)
        for _ in range(5):
            with every_organization("time passes"):
                Invitation.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
            sending.send_due()
    with every_organization("a look"):
        row = Invitation.objects.get()
    assert (len(tried), len(set(tried)), row.due_at, row.sent_at) == (5, 1, None, None)
    assert "gone" in row.last_error


def test_a_new_link_ends_the_old_one(alice, invite, rf):
    made = invite()
    old = token_in(mailed())
    with every_organization("alice sends it again"):
        with pytest.raises(invitations.MailedJustNow):
            invitations.resend(invitation=made, actor=alice.actor)
        Invitation.objects.update(sent_at=timezone.now() - invitations.BETWEEN_MAILS)
        invitations.resend(invitation=made, actor=alice.actor)
        invitations.resend(invitation=made, actor=alice.actor)
    new = token_in(mailed())
    with pytest.raises(accepting.NoInvitation):
        accepting.open_link(token=old, request=rf.get("/"))
    assert accepting.open_link(token=new, request=rf.get("/")).pk == made.pk


def test_what_was_revoked_is_not_mailed_and_not_revoked_again(alice, invite, inside):
    made = invite()
    invitations.revoke(invitation=made, actor=alice.actor)
    assert sending.send_due() == 0
    assert mail.outbox == []
    for service in (invitations.revoke, invitations.resend):
        with pytest.raises(invitations.Answered):
            service(invitation=made, actor=alice.actor)


def test_nothing_leaves_a_restored_copy(alice, invite):
    invite()
    Installation.objects.update_or_create(
        pk=1, defaults={"advanced_at": timezone.now(), "held_since": timezone.now(), "held_why": "a copy"}
    )
    assert sending.send_due() == 0
    assert sending.cancel_in_copy(False, timezone.now()) == 1
    Installation.objects.update(held_since=None)
    assert sending.send_due() == 0
    assert mail.outbox == []


def test_what_is_over_for_long_is_deleted(alice, invite, inside):
    rows = [invite(f"{name}@new.example") for name in ("open", "late", "over", "revoked")]
    long_ago = timezone.now() - timedelta(days=31)
    Invitation.objects.filter(pk=rows[1].pk).update(expires_at=timezone.now() - timedelta(days=29))
    Invitation.objects.filter(pk=rows[2].pk).update(expires_at=long_ago)
    Invitation.objects.filter(pk=rows[3].pk).update(revoked_at=long_ago)
    assert invitations.purge_old() == 2
    left = {row.email: row.status for row in Invitation.objects.all()}
    assert left == {"open@new.example": "pending", "late@new.example": "expired"}


def test_an_outcome_is_named_for_every_case():
    assert {one.value for one in Outcome} == {"invited", "resent", "member", "deactivated"}
