"""By which channel a message leaves: never by a simulator while a real one of its kind is enabled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.actor import Actor, ActorKind
from core.tenancy import organization_scope
from messaging.delivery import checks, sending
from messaging.delivery import queue as outbound
from messaging.models import Channel, Conversation, Template
from messaging.settings import services as channels
from messaging.texts.templates import services as templates
from messaging.threads import services as conversations
from messaging.threads.channel_choice import channel_for_sending, is_last_used, ways_to_write
from tests.messaging.conftest import current, make_channel, make_due, messages_of

SECOND_NUMBER = "+15005550007"


def simulator_of(organization: Any, kind: str = "whatsapp") -> Channel:
    with organization_scope(organization):
        return Channel.objects.select_related("organization").get(kind=kind, provider="simulator")


def thread_on(channel: Channel, customer: Any, *, heard: timedelta | None = None, said: timedelta | None = None) -> Any:
    """A conversation in which the customer, or we, wrote so long ago."""
    now = timezone.now()
    with organization_scope(channel.organization):
        row = conversations.begin(customer=customer, channel=channel)
        Conversation.objects.filter(pk=row.pk).update(
            last_inbound_at=now - heard if heard is not None else None,
            last_message_at=now - min(one for one in (heard, said, timedelta(days=90)) if one is not None),
        )
        rows = Conversation.objects.select_related("customer__organization", "channel__organization", "organization")
        return rows.get(pk=row.pk)


def chosen(customer: Any, kind: str = "") -> Channel | None:
    with organization_scope(customer.organization):
        return channel_for_sending(customer=customer, kind=kind)


class TestChoice:
    @pytest.mark.parametrize("kind", ["whatsapp", "sms"])
    def test_a_first_message_goes_to_the_real_one(self, alice, make_customer, kind):
        customer = make_customer()
        assert chosen(customer, kind) == simulator_of(alice.organization, kind)
        real = make_channel(alice.organization, kind)
        assert chosen(customer, kind) == real

    def test_one_that_is_switched_off_is_not_in_the_simulators_way(self, alice, make_customer, whatsapp):
        with organization_scope(alice.organization):
            channels.update(channel=whatsapp, actor=alice.actor, changes={"is_enabled": False})
        assert chosen(make_customer()) == simulator_of(alice.organization)

    def test_where_they_last_wrote(self, alice, make_customer, whatsapp, sms):
        customer = make_customer()
        thread_on(whatsapp, customer, heard=timedelta(hours=3), said=timedelta(minutes=1))
        thread_on(sms, customer, heard=timedelta(hours=2))
        assert chosen(customer) == sms
        assert chosen(customer, "whatsapp") == whatsapp

    def test_one_that_they_wrote_on_before_the_default(self, alice, make_customer, whatsapp):
        second = make_channel(alice.organization, address=SECOND_NUMBER, is_default=True)
        customer, other = make_customer(), make_customer()
        thread_on(whatsapp, customer, heard=timedelta(days=2))
        assert (chosen(customer), chosen(other)) == (whatsapp, second)

    def test_what_was_chosen_once_is_remembered_in_its_thread(self, alice, make_customer, whatsapp):
        second, customer = make_channel(alice.organization, address=SECOND_NUMBER), make_customer()
        assert chosen(customer) == whatsapp
        thread_on(second, customer, said=timedelta(minutes=1))
        assert chosen(customer) == second

    @pytest.mark.parametrize("heard", [timedelta(minutes=1), None])
    def test_a_thread_on_the_simulator_does_not_choose_it(self, alice, make_customer, whatsapp, heard):
        customer = make_customer()
        thread_on(simulator_of(alice.organization), customer, heard=heard, said=timedelta(minutes=5))
        assert chosen(customer) == whatsapp
        assert chosen(customer, "whatsapp") == whatsapp

    def test_a_thread_on_a_channel_that_is_off_does_not_choose_it(self, alice, make_customer, whatsapp):
        customer = make_customer()
        thread_on(whatsapp, customer, heard=timedelta(minutes=1))
        second = make_channel(alice.organization, address=SECOND_NUMBER)
        with organization_scope(alice.organization):
            channels.update(channel=whatsapp, actor=alice.actor, changes={"is_enabled": False})
        assert chosen(customer, "whatsapp") == second

    def test_another_organizations_channel_is_no_choice(self, alice, charlie, make_customer):
        make_channel(charlie.organization)
        assert chosen(make_customer()) == simulator_of(alice.organization)

    @pytest.mark.parametrize("number", [1, 30])
    def test_it_takes_the_same_queries_for_any_number_of_threads(
        self, alice, make_customer, whatsapp, number, django_assert_num_queries
    ):
        customer = make_customer()
        for position in range(number):
            one = make_channel(alice.organization, address=f"+1500555{1000 + position}")
            thread_on(one, customer, heard=timedelta(minutes=position + 1))
        with organization_scope(alice.organization), django_assert_num_queries(2):
            channel_for_sending(customer=customer)


class TestWays:
    def ways(self, customer: Any) -> list[tuple[str, bool]]:
        with organization_scope(customer.organization):
            return [(way.channel.name, way.names_channel) for way in ways_to_write(customer)]

    def test_several_real_ones_are_asked_for_by_name_the_default_first(self, alice, make_customer, whatsapp):
        customer = make_customer()
        assert self.ways(customer) == [("Twilio whatsapp", False), ("SMS simulator", False)]
        make_channel(alice.organization, address=SECOND_NUMBER, name="Second", is_default=True)
        assert self.ways(customer) == [("Second", True), ("Twilio whatsapp", True), ("SMS simulator", False)]

    def test_the_page_asks_and_takes_the_answer(self, alice, make_customer, whatsapp):
        second, customer = make_channel(alice.organization, address=SECOND_NUMBER, name="Second"), make_customer()
        page = alice.client.get(alice.url(f"customers/{customer.pk}/")).content.decode()
        assert str(second.pk) in page
        answer = alice.client.post(alice.url(f"inbox/write/{customer.pk}/"), {"channel": str(second.pk)})
        assert answer.status_code == 302
        with organization_scope(alice.organization):
            assert Conversation.objects.get(customer=customer).channel == second

    @pytest.mark.parametrize("given", [{"channel": "x"}, {"kind": "fax"}, {}, {"channel": "simulator"}])
    def test_what_is_no_way_begins_nothing(self, alice, make_customer, whatsapp, given):
        customer = make_customer()
        if given == {"channel": "simulator"}:
            given = {"channel": str(simulator_of(alice.organization).pk)}
        alice.client.post(alice.url(f"inbox/write/{customer.pk}/"), given)
        with organization_scope(alice.organization):
            assert not Conversation.objects.filter(customer=customer).exists()


class TestWaysOut:
    """Every way by which something could leave by the simulator beside a real channel."""

    def post(self, person: Any, path: str, **body: Any) -> Any:
        return person.api.post(f"/api/v1/{path}", body, format="json")

    @pytest.fixture
    def simulated(self, alice, make_customer):
        """Somebody whose thread is on the simulator, and in whose window free text could leave."""
        simulator, customer = simulator_of(alice.organization), make_customer()
        return thread_on(simulator, customer, heard=timedelta(hours=1))

    @pytest.fixture
    def approved(self, alice) -> Template:
        with organization_scope(alice.organization):
            return templates.create(
                organization=alice.organization, actor=alice.actor, name="Visit", channel="whatsapp",
                body="Hello {{1}}", provider_template_id="HX" + "a" * 32,
                content_variables={"1": "{{ customer.name }}"},
            )  # fmt: skip

    def test_the_calls_take_the_real_one(self, alice, simulated, whatsapp, approved):
        customer = simulated.customer
        thread_on(whatsapp, customer, heard=timedelta(hours=2))
        given = {"customer_id": str(customer.pk), "body": "Hello"}
        answers = [
            self.post(alice, f"inbox/customers/{customer.pk}/send-text", body="Hello"),
            self.post(alice, f"inbox/customers/{customer.pk}/send-text", body="Hello", channel="whatsapp"),
            self.post(alice, f"inbox/customers/{customer.pk}/send-template", template=str(approved.pk)),
            self.post(alice, "outbound-messages", **given),
            self.post(alice, "outbound-messages", **given, channel="whatsapp"),
            self.post(alice, "outbound-messages", **given, channel_id=str(whatsapp.pk)),
        ]
        assert [answer.status_code for answer in answers] == [201] * 6, [answer.data for answer in answers]
        assert {str(answer.data["channel_id"]) for answer in answers} == {str(whatsapp.pk)}

    def test_a_channel_is_named_by_its_id(self, alice, charlie, make_customer, whatsapp):
        second, customer = make_channel(alice.organization, address=SECOND_NUMBER), make_customer()
        thread_on(second, customer, heard=timedelta(days=1, minutes=-5))
        thread_on(whatsapp, customer, heard=timedelta(minutes=5))
        path = f"inbox/customers/{customer.pk}/send-text"
        assert self.post(alice, path, body="A", channel_id=str(second.pk)).data["channel_id"] == second.pk
        theirs = make_channel(charlie.organization)
        for wrong in (theirs.pk, customer.pk):
            answer = self.post(alice, path, body="A", channel_id=str(wrong))
            assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "channel_id")
        answer = self.post(alice, path, body="A", channel="sms", channel_id=str(second.pk))
        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "channel_id")

    def test_a_simulator_named_by_its_id_is_refused(self, alice, make_customer, whatsapp):
        customer = make_customer()
        simulator = simulator_of(alice.organization)
        path = f"inbox/customers/{customer.pk}/send-text"
        answer = self.post(alice, path, body="A", channel_id=str(simulator.pk))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "simulator")
        assert not messages_of(alice.organization)

    def test_an_answer_stays_where_they_wrote_last_and_the_page_says_so(self, alice, simulated, whatsapp):
        page = alice.client.get(alice.url(f"inbox/{simulated.pk}/")).content.decode()
        assert "it reaches nobody" in page
        answer = self.post(alice, f"conversations/{simulated.pk}/messages", body="An answer")
        assert answer.status_code == 201
        sending.deliver_due()
        assert messages_of(alice.organization)[0].status == "sent"

    def test_once_they_wrote_on_the_real_one_nothing_leaves_by_the_simulator(self, alice, simulated, whatsapp):
        thread_on(whatsapp, simulated.customer, heard=timedelta(minutes=1))
        assert not self.heard(alice, simulated)
        answer = self.post(alice, f"conversations/{simulated.pk}/messages", body="An answer")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "simulator")
        page = alice.client.get(alice.url(f"inbox/{simulated.pk}/")).content.decode()
        assert "Write there" in page

    def heard(self, alice: Any, thread: Conversation) -> bool:
        with organization_scope(alice.organization):
            return is_last_used(thread)

    @pytest.mark.parametrize("what", ["template", "text template", "workflow", "sequence", "never heard"])
    def test_what_is_no_answer_is_refused_in_a_thread_of_the_simulator(
        self, alice, simulated, whatsapp, approved, what
    ):
        given: dict[str, Any] = {"body": "Hello", "actor": alice.actor}
        if what == "template":
            given = {"template": approved, "actor": alice.actor}
        elif what == "text template":
            with organization_scope(alice.organization):
                plain = templates.create(
                    organization=alice.organization, actor=alice.actor, name="Plain", channel="whatsapp", body="Hi"
                )
            given = {"template": plain, "actor": alice.actor}
        elif what == "never heard":
            with organization_scope(alice.organization):
                Conversation.objects.update(last_inbound_at=None)
        else:
            given = {"body": "Hello", "actor": Actor(ActorKind.WORKFLOW), "origin": what}
        with organization_scope(alice.organization), pytest.raises(checks.OnSimulator):
            simulated.refresh_from_db()
            outbound.queue_message(conversation=simulated, **given)

    def test_what_was_scheduled_before_the_real_one_came_does_not_leave(self, alice, simulated):
        with organization_scope(alice.organization):
            later = timezone.now() + timedelta(hours=2)
            queued = outbound.queue_message(
                conversation=simulated, body="Hello", actor=alice.actor, not_before_at=later
            )
        real = make_channel(alice.organization)
        thread_on(real, simulated.customer, heard=timedelta(seconds=5))
        make_due()
        sending.deliver_due()
        message = current(queued)
        assert (message.status, message.error_code) == ("failed", "simulator")
        assert real.name in message.error_message
        with organization_scope(alice.organization), pytest.raises(checks.OnSimulator):
            outbound.retry(message=message, actor=alice.actor)

    def test_no_fallback_leaves_by_the_simulator(self, alice, simulated, approved):
        with organization_scope(alice.organization):
            queued = outbound.queue_message(
                conversation=simulated, body="Hello", actor=alice.actor, fallback_template=approved,
                not_before_at=timezone.now() + timedelta(hours=30),
            )  # fmt: skip
            Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(days=2))
        make_channel(alice.organization)
        make_due()
        sending.deliver_due()
        assert (current(queued).status, current(queued).error_code) == ("failed", "simulator")


class TestDefault:
    def test_there_is_one_of_a_kind(self, alice, whatsapp, sms):
        second = make_channel(alice.organization, address=SECOND_NUMBER)
        for one in (whatsapp, second, sms):
            answer = alice.api.patch(f"/api/v1/channels/{one.pk}", {"is_default": True}, format="json")
            assert (answer.status_code, answer.data["is_default"]) == (200, True)
        with organization_scope(alice.organization):
            assert set(Channel.objects.filter(is_default=True)) == {second, sms}

    def test_a_simulator_is_none(self, alice):
        simulator = simulator_of(alice.organization)
        answer = alice.api.patch(f"/api/v1/channels/{simulator.pk}", {"is_default": True}, format="json")
        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "is_default")

    def test_the_channels_page_sets_it(self, alice, bob, whatsapp):
        second = make_channel(alice.organization, address=SECOND_NUMBER)
        address = alice.url(f"channels/{second.pk}/")
        assert "Use it for first messages" in alice.client.get(address).content.decode()
        assert bob.client.post(f"{address}default/").status_code == 403
        alice.client.post(f"{address}default/")
        assert "First messages leave by this channel" in alice.client.get(address).content.decode()
        second.refresh_from_db()
        assert second.is_default


class TestSwitchingOff:
    def test_it_is_offered_beside_a_real_one_and_done_by_one_click(self, alice, bob, whatsapp):
        offer = alice.url("channels/simulators-off/")
        for page in (alice.url("channels/"), alice.url(f"channels/{whatsapp.pk}/")):
            assert offer in alice.client.get(page).content.decode()
        assert bob.client.post(offer).status_code == 403
        alice.client.post(offer, {"kind": "whatsapp"})
        with organization_scope(alice.organization):
            on = set(Channel.objects.filter(provider="simulator", is_enabled=True).values_list("kind", flat=True))
        assert on == {"sms", "email"}
        assert offer not in alice.client.get(alice.url("channels/")).content.decode()

    def test_it_is_not_offered_where_the_simulator_is_all_there_is(self, alice):
        assert alice.url("channels/simulators-off/") not in alice.client.get(alice.url("channels/")).content.decode()
        alice.client.post(alice.url("channels/simulators-off/"))
        with organization_scope(alice.organization):
            assert Channel.objects.filter(provider="simulator", is_enabled=True).count() == 3
