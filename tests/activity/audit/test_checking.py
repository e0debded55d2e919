"""Whatever is changed, deleted, put in or exchanged behind the program's back is found; what it does itself is none."""

from __future__ import annotations

import json
import random
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from activity.audit import amending, content, heads, sealing
from activity.audit.checking import Fault, Kind, check
from activity.models import AuditChain, AuditHead, AuditLink, Event
from core.tenancy import every_organization, organization_scope
from customers.data.merging import services as merging
from customers.data.personal_data import erasure
from customers.models import Customer

TAMPERS = 1000


def sql(statement: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def in_sql(key: uuid.UUID) -> object:
    return key if connection.vendor == "postgresql" else key.hex


@pytest.fixture
def unguarded() -> None:
    """As the owner of the table, who can lift PostgreSQL's guard."""
    if connection.vendor == "postgresql":
        sql("SET LOCAL session_replication_role = replica")


class Tamper:
    """One random change by SQL of one random row."""

    def __init__(self, chance: random.Random, organization: Any) -> None:
        self.chance, self.organization = chance, organization
        with every_organization("the test tampers"):
            rows = AuditLink.objects.filter(organization=organization).order_by("position")
            self.ids = list(rows.values_list("pk", flat=True))

    def one(self) -> uuid.UUID:
        return self.chance.choice(self.ids)

    def run(self) -> str:
        kinds = [self.text, self.text, self.text, self.number, self.payload, self.customer, self.time, self.delete,
                 self.insert, self.swap, self.cut, self.link, self.delete_link, self.unseal, self.head]  # fmt: skip
        kind = self.chance.choice(kinds)
        kind()
        return kind.__name__

    def text(self) -> None:
        column = self.chance.choice(
            ["type", "actor_kind", "actor_id", "actor_label", "impersonator_id", "request_id", "subject_type",
             "subject_id", "source_key", "salt", "proof"]
        )  # fmt: skip
        value = f"x{self.chance.randrange(10**9)}"[:16]
        assert sql(f"UPDATE activity_event SET {column} = %s WHERE id = %s", value, in_sql(self.one())) == 1

    def number(self) -> None:
        sql("UPDATE activity_event SET depth = depth + 1 WHERE id = %s", in_sql(self.one()))

    def payload(self) -> None:
        value = self.chance.choice(["{}", '{"tag": "another"}', "[]", '{"x": 1}'])
        with every_organization("the test looks"):
            rows = Event.objects.filter(pk__in=self.ids).values_list("pk", "payload")
            keys = [pk for pk, payload in rows if payload != json.loads(value)]
        sql("UPDATE activity_event SET payload = %s WHERE id = %s", value, in_sql(self.chance.choice(sorted(keys))))

    def customer(self) -> None:
        sql("UPDATE activity_event SET customer_id = %s WHERE id = %s", in_sql(uuid.uuid4()), in_sql(self.one()))

    def time(self) -> None:
        sql("UPDATE activity_event SET occurred_at = '2001-01-01 00:00:00+00' WHERE id = %s", in_sql(self.one()))

    def delete(self) -> None:
        key = in_sql(self.one())
        sql("DELETE FROM activity_receipt WHERE event_id = %s", key)
        sql("DELETE FROM activity_event WHERE id = %s", key)

    def insert(self) -> None:
        with every_organization("the test tampers"):
            row = Event.objects.get(pk=self.one())
            row.pk, row.source_key, row.is_sealed = uuid.uuid4(), None, self.chance.random() < 0.5
            row.due_at = None
            row.save(force_insert=True)

    def swap(self) -> None:
        first, second = self.chance.sample(self.ids, 2)
        with every_organization("the test tampers"):
            a, b = AuditLink.objects.get(pk=first), AuditLink.objects.get(pk=second)
            AuditLink.objects.filter(pk=first).update(position=10**9)
            AuditLink.objects.filter(pk=second).update(position=a.position)
            AuditLink.objects.filter(pk=first).update(position=b.position)

    def cut(self) -> None:
        count = self.chance.randrange(1, 5)
        for event in self.ids[-count:]:
            sql("DELETE FROM activity_auditlink WHERE id = %s", in_sql(event))
            sql("DELETE FROM activity_receipt WHERE event_id = %s", in_sql(event))
            sql("DELETE FROM activity_event WHERE id = %s", in_sql(event))

    def link(self) -> None:
        column = self.chance.choice(["event_hash", "hash"])
        sql(f"UPDATE activity_auditlink SET {column} = %s WHERE id = %s", "0" * 64, in_sql(self.one()))

    def delete_link(self) -> None:
        sql("DELETE FROM activity_auditlink WHERE id = %s", in_sql(self.one()))

    def unseal(self) -> None:
        sql("UPDATE activity_event SET is_sealed = %s WHERE id = %s", False, in_sql(self.one()))

    def head(self) -> None:
        sql("UPDATE activity_auditchain SET position = position - 1")


@pytest.fixture
def lived(alice, make_customer, tell, sealed):
    """A chain with all that the program does to a ledger: erasing, merging, undoing, erasing of what was moved."""
    loser, survivor, erased = make_customer(name="Lena"), make_customer(name="Sam"), make_customer(name="Ed")
    tell(3, loser), tell(2, survivor), tell(4, erased)
    sealed()
    with organization_scope(alice.organization):
        move_all(loser, survivor)
        sealed()
        move_all(survivor, loser)
        erase_all(erased)
        sealed()
        tell(2, survivor)
        sealed()
        erase_all(survivor)
        erase_all(erased)
        sealed()
        heads.sign(AuditChain.objects.get())
    return loser, survivor, erased


def move_all(one: Customer, other: Customer) -> None:
    ids = Event.objects.filter(customer_id=one.pk).values_list("pk", flat=True)
    assert amending.move(ids=list(ids), customer_id=other.pk)


def erase_all(customer: Customer) -> None:
    ids = Event.objects.filter(customer_id=customer.pk).values_list("pk", flat=True)
    amending.erase(ids=list(ids), remaining=lambda _: {})


def test_untouched_data_has_no_fault(lived, fault):
    assert fault() is None


def test_a_thousand_random_changes_are_all_found(alice, lived, unguarded):
    chance = random.Random(7)
    missed = []
    for number in range(TAMPERS):
        with transaction.atomic():
            name = Tamper(chance, alice.organization).run()
            if check(alice.organization.pk) is None:
                missed.append((number, name))
            transaction.set_rollback(True)
    assert missed == []
    assert check(alice.organization.pk) is None
    assert sealing.seal(alice.organization.pk) == 0


def test_the_first_wrong_row_is_named(alice, tell, sealed, fault, unguarded):
    written = tell(5)
    sealed()
    for event in (written[3], written[1]):
        sql("UPDATE activity_event SET actor_label = 'x' WHERE id = %s", in_sql(event.pk))
    found = fault()
    with organization_scope(alice.organization):
        position = AuditLink.objects.get(pk=written[1].pk).position
    assert found == Fault(Kind.CHANGED, position, str(written[1].pk))


def test_a_chain_that_was_written_again_contradicts_its_signed_head(alice, tell, sealed, fault, unguarded, tmp_path):
    tell(3)
    sealed()
    with organization_scope(alice.organization):
        head = heads.Head.of(heads.sign(AuditChain.objects.get()))
        event = Event.objects.filter(is_sealed=True).order_by("pk").last()
        Event.objects.filter(pk=event.pk).update(actor_label="Somebody else")
        forge_chain(alice.organization)
    assert fault().kind == Kind.HEAD
    with organization_scope(alice.organization):
        AuditHead.objects.all().delete()
    assert fault() is None  # only who kept the head knows
    kept = tmp_path / "head.txt"
    kept.write_text("> Dear Alice,\n" + head.text)
    with pytest.raises(CommandError):
        call_command("check_audit", against=str(kept))


def forge_chain(organization: Any) -> None:
    previous = ""
    for link in AuditLink.objects.order_by("position"):
        link.event_hash = content.hash_of(Event.objects.get(pk=link.pk))
        link.hash = content.link_hash(
            organization_id=organization.pk, position=link.position, previous=previous, event_id=link.pk,
            event_hash=link.event_hash,
        )  # fmt: skip
        link.save()
        previous = link.hash
    AuditChain.objects.update(hash=previous)


def test_a_merged_customer_an_unmerged_and_an_erased_one_leave_the_chain_whole(alice, make_customer, sealed, fault):
    """By the services that people use."""
    first, second, third = (make_customer(name=f"Person {n}") for n in range(3))
    sealed()
    with organization_scope(alice.organization):
        done = merging.merge(survivor=first, loser=second, actor=alice.actor)
        sealed()
        assert fault() is None
        assert done is not None
        erasure.erase(customer=third, actor=alice.actor, reason="asked")
    sealed()
    assert fault() is None


class TestCommand:
    def test_it_says_that_all_is_well(self, alice, tell, capsys):
        tell(2)
        call_command("check_audit", organization=alice.organization.slug)
        assert "as it was written" in capsys.readouterr().out

    def test_it_fails_and_names_the_row(self, alice, tell, sealed, unguarded, capsys):
        (event,) = tell(1)
        sealed()
        with organization_scope(alice.organization):
            Event.objects.filter(pk=event.pk).update(subject_id="0")
        with pytest.raises(CommandError):
            call_command("check_audit", organization=str(alice.organization.pk))
        assert f"event {event.pk}" in capsys.readouterr().out

    def test_a_kept_head_is_looked_up(self, alice, tell, sealed, tmp_path, capsys):
        tell(2)
        sealed()
        with organization_scope(alice.organization):
            head = heads.Head.of(heads.sign(AuditChain.objects.get()))
        tell(2)
        kept = tmp_path / "head.txt"
        kept.write_text(head.text)
        call_command("check_audit", against=str(kept))
        assert f"is position {head.position} of the chain" in capsys.readouterr().out
        kept.write_text(head.text.replace(f"position: {head.position}", f"position: {head.position - 1}"))
        with pytest.raises(CommandError):
            call_command("check_audit", against=str(kept))
        assert "signature is wrong" in capsys.readouterr().out

    def test_what_is_no_head_is_refused(self, tmp_path):
        kept = tmp_path / "head.txt"
        kept.write_text("hello")
        for name in (str(kept), str(tmp_path / "none")):
            with pytest.raises(CommandError):
                call_command("check_audit", against=name)
        with pytest.raises(CommandError, match="no audit log"):
            call_command("check_audit", organization="nobody")


def test_an_end_that_was_cut_off_is_found_without_any_signed_head(tell, sealed, fault, unguarded):
    written = tell(3)
    sealed()
    key = in_sql(written[-1].pk)
    sql("DELETE FROM activity_receipt WHERE event_id = %s", key)
    sql("DELETE FROM activity_auditlink WHERE id = %s", key)
    sql("DELETE FROM activity_event WHERE id = %s", key)
    assert fault().kind == Kind.END
