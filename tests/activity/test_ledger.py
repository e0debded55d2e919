"""The change and its event are one; what subscribers do about it happens once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from activity import dispatch, live, registry
from activity.actor import SYSTEM, Actor, ActorKind, acting_as, current_actor
from activity.ledger import Entry, record, record_many
from activity.models import Event, Receipt
from activity.payloads import Kind, PayloadField
from core import sweeps
from core.tenancy import every_organization, organization_scope
from customers.models import Customer, Tag
from tests.messaging.conftest import in_threads, make_due

EVENT = "trial.made"
# What a pack brings is not what is looked for here.
pytestmark = pytest.mark.usefixtures("without_pack")


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event of these tests."""
    monkeypatch.setattr(registry, "EVENTS", registry.EVENTS.copy())
    fields = (PayloadField("n", Kind.NUMBER, is_optional=True), PayloadField("a", Kind.TIME, is_optional=True))
    registry.declare(EVENT, "A trial was made", *fields)


@pytest.fixture
def subscribers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test subscribes is forgotten after it."""
    monkeypatch.setattr(registry, "SUBSCRIPTIONS", registry.SUBSCRIPTIONS.copy())


def note(customer: Customer, **more: Any) -> Event:
    with organization_scope(customer.organization):
        return record(EVENT, subject=customer, **more)


def events(customer: Customer) -> list[Event]:
    with every_organization("the test looks"):
        return list(Event.objects.filter(type=EVENT, subject_id=str(customer.pk)))


class TestRecording:
    def test_who_what_when_about_whom(self, alice: Any, make_customer: Any):
        customer = make_customer()
        actor = Actor(ActorKind.USER, "1", "Alice", impersonator_id="2", request_id="r-1", depth=3)
        event = note(customer, actor=actor, payload={"a": timezone.now()}, customer_id=customer.pk)
        (row,) = events(customer)
        assert row.pk == event.pk
        assert (row.organization, row.subject_type, row.customer_id) == (
            alice.organization, "customers.customer", customer.pk
        )  # fmt: skip
        assert dispatch._actor_of(row) == actor

    def test_the_actor_is_who_acts_here(self, alice: Any, make_customer: Any):
        customer = make_customer()
        with acting_as(Actor.for_user(alice.user, request_id="r-9")), acting_as(SYSTEM):
            assert current_actor().request_id == "r-9"
            note(customer)
        (row,) = events(customer)
        assert (row.actor_kind, row.request_id) == ("system", "r-9")

    def test_a_rollback_leaves_nothing(self, make_customer: Any):
        customer = make_customer()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            note(customer)
            _ = 1 / 0
        assert events(customer) == []

    def test_a_type_nobody_declares_is_refused(self, make_customer: Any):
        customer = make_customer()
        with pytest.raises(registry.UndeclaredEvent), organization_scope(customer.organization):
            record("customer.exploded", subject=customer)

    @pytest.mark.parametrize(
        ("payload", "wrong"),
        [
            ({"m": 1}, "m is not declared"),
            ({"n": "1"}, "n is no number"),
            ({"n": True}, "n is no number"),
            ({"a": 5, "m": "Ann"}, "m is not declared; a is no time"),
        ],
    )
    def test_a_payload_that_is_not_as_declared_is_reported_and_written(
        self, make_customer: Any, payload_mismatches: list[str], payload: dict[str, Any], wrong: str
    ):
        customer = make_customer()
        note(customer, payload=payload)
        assert payload_mismatches == [f"The payload of {EVENT} is not as declared: {wrong}"]
        payload_mismatches.clear()
        assert [row.payload for row in events(customer)] == [payload]

    def test_a_field_that_is_needed_is_missed_one_by_one_and_of_many(
        self, make_customer: Any, payload_mismatches: list[str]
    ):
        registry.declare("trial.weighed", "A trial was weighed", PayloadField("weight", Kind.NUMBER))
        customer = make_customer()
        with organization_scope(customer.organization):
            record("trial.weighed", subject=customer, payload={"weight": None})
            record_many("trial.weighed", [Entry(customer, {"weight": 2}), Entry(customer)])
        assert [text.rpartition(": ")[2] for text in payload_mismatches] == ["weight is no number", "weight is missing"]
        payload_mismatches.clear()

    def test_a_customer_is_about_themselves(self, make_customer: Any):
        customer = make_customer()
        assert note(customer).customer_id == customer.pk

    def test_a_source_key_counts_once(self, make_customer: Any):
        customer = make_customer()
        first = note(customer, source_key="k", payload={"n": 1})
        second = note(customer, source_key="k", payload={"n": 2})
        assert (first.pk, second.payload) == (second.pk, {"n": 1})
        assert note(customer, source_key="other").pk != first.pk
        assert len(events(customer)) == 2

    def test_without_listeners_nothing_waits(self, make_customer: Any):
        (row,) = [note(make_customer())]
        assert (row.dispatch_state, row.due_at) == ("done", None)

    def test_a_long_label_is_cut(self, make_customer: Any):
        customer = make_customer()
        note(customer, actor=Actor(ActorKind.API_KEY, label="x" * 500, request_id="r" * 500))
        assert len(events(customer)[0].actor_label) == 200


def explode(event: Event) -> None:
    raise ZeroDivisionError


class TestInline:
    def test_it_is_part_of_the_transaction(self, make_customer: Any, subscribers: None):
        customer = make_customer()
        registry.subscribe(EVENT, lambda event: add_tag(event, "inline"), name="t.inline", inline=True)
        note(customer, source_key="k")
        note(customer, source_key="k")
        assert tag_names(customer) == ["inline"]

    def test_its_failure_is_the_callers(self, make_customer: Any, subscribers: None):
        customer = make_customer()
        registry.subscribe(EVENT, explode, name="t.inline", inline=True)
        with pytest.raises(ZeroDivisionError):
            note(customer)
        assert events(customer) == []


def add_tag(event: Event, name: str) -> None:
    Tag.objects.create(organization=event.organization, name=name)


def tag_names(customer: Customer) -> list[str]:
    with organization_scope(customer.organization):
        return list(Tag.objects.values_list("name", flat=True))


class TestDispatch:
    def test_after_the_commit_with_a_receipt_as_the_same_actor(self, make_customer: Any, subscribers: None):
        customer = make_customer()
        dispatch.dispatch_due()  # what is listened to in any case
        seen: list[tuple[str, Actor]] = []
        registry.subscribe(EVENT, lambda event: seen.append((event.type, current_actor())), name="t.one")
        actor = Actor(ActorKind.WORKFLOW, "7", "Greeting", depth=2)
        note(customer, actor=actor)
        assert seen == []
        assert dispatch.dispatch_due() == 1
        assert seen == [(EVENT, actor)]
        (row,) = events(customer)
        assert (row.dispatch_state, row.due_at) == ("done", None)
        with every_organization("the test looks"):
            assert Receipt.objects.get(event=row).subscriber == "t.one"

    def test_everything_is_listened_to_with_a_star(self, make_customer: Any, subscribers: None):
        seen: list[str] = []
        registry.subscribe("*", lambda event: seen.append(event.type), name="t.all")
        note(make_customer())
        dispatch.dispatch_due()
        assert EVENT in seen
        assert "customer.created" in seen

    def test_a_crash_after_the_work_undoes_it_and_the_second_try_does_it_once(
        self, make_customer: Any, subscribers: None
    ):
        customer = make_customer()
        tries: list[int] = []

        def flaky(event: Event) -> None:
            add_tag(event, "done")
            tries.append(1)
            if len(tries) == 1:
                raise RuntimeError("lost the connection \x00\ud800")

        registry.subscribe(EVENT, flaky, name="t.flaky")
        note(customer)
        dispatch.dispatch_due()
        (row,) = events(customer)
        assert (tag_names(customer), row.dispatch_state) == ([], "pending")
        assert row.last_error.startswith("t.flaky: RuntimeError")
        make_due(Event)
        dispatch.dispatch_due()
        make_due(Event)
        dispatch.dispatch_due()
        assert (tag_names(customer), len(tries)) == (["done"], 2)

    def test_one_that_fails_keeps_nobody_else_from_it(self, make_customer: Any, subscribers: None):
        customer = make_customer()
        seen: list[int] = []
        registry.subscribe(EVENT, explode, name="t.bad")
        registry.subscribe(EVENT, lambda event: seen.append(1), name="t.good")
        note(customer)
        for _ in range(3):
            dispatch.dispatch_due()
            make_due(Event)
        assert seen == [1], "and the good one is not called again"

    def test_a_poisonous_event_is_set_aside_and_replayed(self, make_customer: Any, subscribers: None):
        customer = make_customer()
        broken = True

        def handler(event: Event) -> None:
            if broken:
                raise ValueError("poison")
            add_tag(event, "cured")

        registry.subscribe(EVENT, handler, name="t.poison")
        note(customer)
        for _ in dispatch.RETRIES:
            dispatch.dispatch_due()
            assert make_due(Event) == 1
        dispatch.dispatch_due()
        (row,) = events(customer)
        assert (row.dispatch_state, row.due_at) == ("set_aside", None)
        assert "poison" in row.last_error
        broken = False
        with every_organization("an administrator looks at all"):
            dispatch.replay(row)
            dispatch.replay(row)
        dispatch.dispatch_due()
        assert tag_names(customer) == ["cured"]
        assert events(customer)[0].dispatch_state == "done"

    def test_a_dispatcher_that_died_is_taken_over(self, make_customer: Any, subscribers: None, monkeypatch: Any):
        customer = make_customer()
        registry.subscribe(EVENT, lambda event: add_tag(event, "done"), name="t.one")
        note(customer)
        with monkeypatch.context() as patch:
            patch.setattr(dispatch, "settle", lambda *_, **__: False)  # killed before the outcome was written
            dispatch.dispatch_due()
        make_due(Event)
        dispatch.dispatch_due()
        assert tag_names(customer) == ["done"]

    def test_one_that_cannot_be_settled_does_not_stop_the_others(
        self, make_customer: Any, subscribers: None, monkeypatch: Any
    ):
        seen: list[str] = []
        registry.subscribe(EVENT, lambda event: seen.append(event.subject_id), name="t.one")
        first, second = make_customer(), make_customer()
        note(first)
        note(second)
        real = dispatch.settle

        def settle(event: Event, **changes: Any) -> bool:
            if event.subject_id == str(first.pk):
                raise RuntimeError("the database was away")
            return real(event, **changes)

        monkeypatch.setattr(dispatch, "settle", settle)
        dispatch.dispatch_due()
        assert seen == [str(first.pk), str(second.pk)]

    def test_a_stop_gives_back_the_rest(self, make_customer: Any, subscribers: None, monkeypatch: Any):
        registry.subscribe(EVENT, lambda event: None, name="t.one")
        customer = make_customer()
        dispatch.dispatch_due()  # what is listened to in any case
        for _ in range(3):
            note(customer)
        asked = iter([False])
        monkeypatch.setattr(sweeps, "stopping", lambda: next(asked, True))
        assert dispatch.dispatch_due() == 1
        waiting = [event for event in events(customer) if event.dispatch_state == "pending"]
        assert [(event.attempts, event.claim_token) for event in waiting] == [(0, None)] * 2


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_four_dispatchers_call_each_subscriber_once(self, make_customer: Any, subscribers: None):
        customer = make_customer()
        seen: list[str] = []
        registry.subscribe(EVENT, lambda event: seen.append(str(event.pk)), name="t.one")
        for _ in range(20):
            note(customer)
        in_threads(lambda _: dispatch.dispatch_due(), 4)
        make_due(Event)
        dispatch.dispatch_due()
        assert len(seen) == len(set(seen)) == 20

    def test_six_equal_source_keys_are_one_event(self, make_customer: Any):
        customer = make_customer()
        made = in_threads(lambda _: note(customer, source_key="same").pk, 6)
        assert len(set(made)) == len(events(customer)) == 1


def test_a_subscriber_has_one_name(subscribers: None):
    registry.subscribe(EVENT, lambda event: None, name="t.one")
    with pytest.raises(ValueError, match="twice"):
        registry.subscribe(EVENT, lambda event: None, name="t.one")
    with pytest.raises(registry.UndeclaredEvent):
        registry.subscribe("nothing.happened", lambda event: None, name="t.two")
    with pytest.raises(ValueError, match="twice"):
        registry.declare(EVENT, "Something else")


class TestManyAtOnce:
    def entries(self, customer: Customer, count: int) -> list[Entry]:
        return [Entry(customer, {"n": n}, customer.pk) for n in range(count)]

    def test_each_is_written_as_one_alone_would_be(self, inside: Any, alice: Any, make_customer: Any):
        customer = make_customer()
        alone = note(customer, actor=alice.actor, payload={"n": 0}, customer_id=customer.pk)
        assert record_many(EVENT, iter(self.entries(customer, 3)), actor=alice.actor) == 3
        rows = [row for row in events(customer) if row.pk != alone.pk]
        assert sorted(row.payload["n"] for row in rows) == [0, 1, 2]
        differing = {"id", "occurred_at", "payload", "salt", "proof", "_state"}
        for row in rows:
            assert {k: v for k, v in vars(row).items() if k not in differing} == {
                k: v for k, v in vars(events(customer)[0]).items() if k not in differing
            }

    def test_in_few_statements(self, inside: Any, make_customer: Any, django_assert_max_num_queries: Any):
        customer = make_customer()
        # A statement for each 500; SQLite takes fewer parameters in one.
        with django_assert_max_num_queries(40 if connection.vendor == "sqlite" else 5):
            assert record_many(EVENT, self.entries(customer, 1001)) == 1001
        assert len(events(customer)) == 1001

    def test_listeners_get_each(self, inside: Any, make_customer: Any, subscribers: None):
        customer, late, at_once = make_customer(), [], []
        registry.subscribe(EVENT, lambda event: late.append(event.payload["n"]), name="late")
        registry.subscribe(EVENT, lambda event: at_once.append(event.payload["n"]), name="at once", inline=True)
        record_many(EVENT, self.entries(customer, 3))
        assert (at_once, late) == ([0, 1, 2], [])
        dispatch.dispatch_due()
        assert sorted(late) == [0, 1, 2]

    def test_an_inline_listener_that_fails_takes_all_with_it(self, inside: Any, make_customer: Any, subscribers: None):
        def refuse(event: Event) -> None:
            if event.payload["n"] == 2:
                raise ValueError("not this one")

        customer = make_customer()
        registry.subscribe(EVENT, refuse, name="picky", inline=True)
        with pytest.raises(ValueError, match="not this one"):
            record_many(EVENT, self.entries(customer, 5))
        assert events(customer) == []

    def test_who_listens_live_is_notified_once(
        self, inside: Any, make_customer: Any, settings: Any, monkeypatch: Any, django_capture_on_commit_callbacks: Any
    ):
        customer = make_customer()
        published: list[Any] = []
        settings.REDIS_URL = settings.REDIS_URL or "redis://127.0.0.1:1/0"
        monkeypatch.setattr(live, "_publish", published.append)
        with django_capture_on_commit_callbacks(execute=True):
            record_many(EVENT, self.entries(customer, 700))
        assert [signal.type for signal in published] == [live.MISSED]

    def test_a_feed_without_redis_does_not_read_them_all(self, inside: Any, alice: Any, make_customer: Any):
        customer, organization = make_customer(), str(alice.organization.pk)
        few = live.signals_since(organization, timezone.now())
        assert len(few) > 0
        assert live.MISSED not in {signal.type for signal in few}
        record_many(EVENT, self.entries(customer, live.QUEUE_SIZE))
        assert [signal.type for signal in live.signals_since(organization, timezone.now())] == [live.MISSED]
        assert record_many(EVENT, []) == 0
