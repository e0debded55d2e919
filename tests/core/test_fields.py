"""Texts of one line stay in one line, whoever writes them."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from core import inserting
from core.fields import one_line
from core.tenancy import organization_scope
from customers.models import Customer, Identity, Tag, Task
from customers.work.tasks import services as tasks
from messaging.channels.base import Kind, OutgoingMessage
from messaging.channels.mime import compose
from messaging.channels.mime import written as as_bytes
from messaging.models import Channel

HOSTILE = "A\r\nBcc: x@y.example"
PLAIN = "A Bcc: x@y.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A\r\nB", "A B"),
        ("A\rB", "A B"),
        ("A\nB", "A B"),
        ("A\tB", "A B"),
        ("A\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029B", "A B"),
        ("\r\n\r\n", ""),
        (" A \n B ", "A B"),
        ("A\x00B", "A B"),
        ("A\x7fB\x9bC", "A B C"),
        ("Zoë  two blanks", "Zoë  two blanks"),
        ("👩\u200d👧 family", "👩\u200d👧 family"),
        ("\u202bשלום\u202c", "\u202bשלום\u202c"),
        ("a\u00a0b", "a\u00a0b"),
        ("", ""),
    ],
)
def test_every_control_becomes_a_blank_and_nothing_else_changes(text, expected):
    assert one_line(text) == expected


@given(st.text())
def test_it_is_one_line_and_stays_it(text):
    once = one_line(text)
    assert len(once.splitlines()) <= 1
    assert one_line(once) == once
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in once)


class TestWriters:
    """Each way by which a text comes into a row."""

    @pytest.fixture
    def written(self, inside, make_customer):
        return make_customer(name="Ada")

    def test_saving_and_the_object_in_hand(self, written):
        written.name = HOSTILE
        written.save()
        assert written.name == PLAIN
        assert Customer.objects.get(pk=written.pk).name == PLAIN

    def test_an_update(self, written):
        Customer.objects.filter(pk=written.pk).update(company=HOSTILE)
        assert Customer.objects.values_list("company", flat=True).get(pk=written.pk) == PLAIN

    def test_a_bulk_create_and_a_bulk_update(self, inside):
        made = Tag.objects.bulk_create([Tag(organization=inside, name=HOSTILE)])
        assert made[0].name == PLAIN
        made[0].name = "Other\nline"
        Tag.objects.bulk_update(made, ["name"])
        assert Tag.objects.get(pk=made[0].pk).name == "Other line"

    def test_the_quick_writer(self, inside):
        inserting.insert([Task(organization=inside, title=HOSTILE)])
        assert Task.objects.get().title == PLAIN

    def test_an_address(self, written):
        written.address = {"street": "1 Quay\r\nX: y", "city": "Hull"}
        written.save()
        assert Customer.objects.get(pk=written.pk).address == {"street": "1 Quay X: y", "city": "Hull"}
        Customer.objects.filter(pk=written.pk).update(address={"city": "a\nb"})
        assert Customer.objects.get(pk=written.pk).address == {"city": "a b"}

    def test_what_was_stored_before_is_given_out_in_one_line(self, written):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE customers_customer SET name = %s", [HOSTILE])
        assert Customer.objects.get(pk=written.pk).name == PLAIN
        assert Customer.objects.values_list("name", flat=True).get(pk=written.pk) == PLAIN

    def test_it_is_found_by_what_was_typed(self, inside, written):
        Identity.objects.filter(customer=written).update(value="a\nb@x.example")
        assert Identity.objects.filter(value="a\r\nb@x.example").count() == 1


class TestWaysOut:
    def test_a_page_and_a_call(self, alice):
        call = alice.api.post("/api/v1/customers", {"name": HOSTILE, "phone": "+447700900123"}, format="json")
        assert call.status_code == 201, call.data
        assert call.data["name"] == PLAIN
        with organization_scope(alice.organization):
            assert Customer.objects.get().name == PLAIN

    def test_no_calendar_line_is_split(self, alice, inside, make_customer):
        tasks.create(
            organization=inside,
            actor=alice.actor,
            title="Call\r\nATTENDEE:mailto:x@y.example",
            customer=make_customer(),
        )
        assert Task.objects.get().title == "Call ATTENDEE:mailto:x@y.example"

    def test_no_header_of_a_mail_is_split(self, alice, inside, make_customer):
        channel = Channel.objects.get(kind=Kind.EMAIL)
        channel.name = HOSTILE
        channel.save()
        message = OutgoingMessage(id="0190a0a0-0000-7000-8000-000000000001", to="ada@x.example", body="Hi", subject="S")
        assert b"\nBcc:" not in as_bytes(compose(channel.as_account(), message))
