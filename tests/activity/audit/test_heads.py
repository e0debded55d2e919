"""Heads are signed daily, mailed to who wants them, and can be checked by whoever kept one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core import mail
from django.utils import timezone

from activity import installation
from activity.audit import heads, mailing
from activity.audit.checking import Kind
from activity.models import AuditChain, AuditHead, Event, Installation
from core.tenancy import every_organization, organization_scope


@pytest.fixture
def inside(alice, tell, sealed):
    tell(1)
    sealed()
    with organization_scope(alice.organization):
        yield


def test_it_is_signed_once_a_day_and_where_something_was_added(inside, alice, tell, sealed):
    assert heads.sign_due() == 1
    assert heads.sign_due() == 0
    AuditHead.objects.update(signed_at=timezone.now() - timedelta(days=2))
    assert heads.sign_due() == 0
    tell(1)
    sealed()
    assert heads.sign_due() == 1


def test_a_head_is_read_as_it_was_written_and_its_text_is_what_is_signed(inside):
    head = heads.Head.of(heads.sign(AuditChain.objects.get()))
    read = heads.Head.parse("A mail.\n" + "\n".join(f"> {line}" for line in head.text.splitlines()))
    assert read == head
    assert heads.is_signed(read)
    for changed in (
        replace(head, hash="0" * 64),
        replace(head, position=head.position + 1),
        replace(head, signature="é"),
    ):
        assert not heads.is_signed(changed)


def test_a_head_of_another_key_is_not_ours(inside, fault):
    row = heads.sign(AuditChain.objects.get())
    other = Ed25519PrivateKey.generate()
    head = replace(heads.Head.of(row), public_key=heads._public(other))
    signature = heads.base64.b64encode(other.sign(head.signed_text.encode())).decode()
    assert heads.has_valid_signature(replace(head, signature=signature))
    assert not heads.is_signed(replace(head, signature=signature))
    AuditHead.objects.filter(pk=row.pk).update(public_key=head.public_key, signature=signature)
    assert fault().kind == Kind.SIGNATURE


def test_the_private_key_is_encrypted_and_stays_when_the_installation_advances(inside):
    heads.sign(AuditChain.objects.get())
    key = heads.public_key()
    installation.advance()
    assert heads.public_key() == key
    assert Installation.objects.get().audit_key
    with heads.transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT audit_key FROM activity_installation")
        assert Installation.objects.get().audit_key not in cursor.fetchone()[0]


def test_who_wants_it_gets_a_mail_of_their_own(inside, alice):
    mailing.subscribe(addresses=["a@harbour.example", " b@harbour.example "], actor=alice.actor)
    assert Event.objects.filter(type="audit.mailing_changed").count() == 1
    row = heads.sign(AuditChain.objects.get())
    with every_organization("the worker sends"):
        mailing.send_due()
    assert [sent.to for sent in mail.outbox] == [["a@harbour.example"], ["b@harbour.example"]]
    assert heads.Head.parse(str(mail.outbox[0].body)) == heads.Head.of(row)
    row.refresh_from_db()
    assert row.mailed_at is not None
    assert row.due_at is None


def test_nobody_is_mailed_where_nobody_asked(inside):
    heads.sign(AuditChain.objects.get())
    mailing.send_due()
    assert mail.outbox == []


@pytest.mark.parametrize("addresses", [["nobody"], [f"{n}@a.example" for n in range(21)]])
def test_wrong_addresses_are_refused(inside, alice, addresses):
    with pytest.raises(mailing.WrongAddress):
        mailing.subscribe(addresses=addresses, actor=alice.actor)
