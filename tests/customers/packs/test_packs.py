"""A pack in an organization: whole when it is new, added to when it changes, and nothing lost."""

from __future__ import annotations

import pytest

from accounts.models import Organization, User
from accounts.organizations import services as organizations
from activity import jobs
from activity.models import Event
from core.tenancy import organization_scope
from customers import events
from customers.models import Customer, CustomerSettings, CustomField, OutcomeType, Segment, Stage, Tag
from customers.packs import packs
from customers.packs import services as service
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import stage_moves
from customers.people.tags import services as tags
from customers.pipeline.deals import services as deals
from customers.pipeline.outcomes import services as outcomes
from customers.pipeline.stages import services as stages
from tests.messaging.conftest import in_threads


def keys(model, **more):
    return [row.key for row in model.objects.filter(**more)]


def change(person, key, **homes):
    return service.change(
        organization=Organization.objects.get(pk=person.organization.pk),
        member=person.member, actor=person.actor, pack=packs()[key], homes=homes,
    )  # fmt: skip


@pytest.mark.parametrize("key", ["clinic", "school", "general"])
def test_a_new_organization_has_all_of_its_pack(db, key):
    member = organizations.sign_up(email="x@x.example", password="a calm harbour", organization="X", pack=key)
    pack = packs()[key]
    with organization_scope(member.organization):
        assert keys(Stage) == [row["key"] for row in pack.stages]
        assert [kind.stage.key if kind.stage else "" for kind in OutcomeType.objects.all()] == [
            row["stage"] for row in pack.outcome_types
        ]
        fields = set(CustomField.objects.values_list("entity", "key", "type"))
        assert fields == {(row["entity"], row["key"], row["type"]) for row in pack.custom_fields}
        assert set(Tag.objects.values_list("name", "color")) == {(row["name"], row["color"]) for row in pack.tags}
        assert all(view.is_shared and view.owner == member.user for view in Segment.objects.all())
        assert Segment.objects.count() == len(pack.segments)
        decided = CustomerSettings.objects.get()
        assert decided.relationships == list(pack.relationships)
        assert (decided.won_deal_stage.key if decided.won_deal_stage else "") == pack.won_deal_stage


def test_it_takes_few_queries(alice, django_assert_max_num_queries):
    user = User.objects.create_user("second@x.example", "a calm harbour at dawn")
    organization = Organization.objects.create(name="Third", slug="third", pack="school")
    with organization_scope(organization), django_assert_max_num_queries(9):
        service.install(organization=organization, pack=packs()["school"], owner_id=user.pk)


def test_a_field_of_the_pack_is_filled_in_like_any_other(alice, make_customer):
    customer = make_customer(own_fields={"treatment_interest": ["Implants"]})
    assert customer.custom_fields == {"treatment_interest": ["Implants"]}


class TestChanging:
    def test_what_is_missing_is_added_in_order_and_reported(self, alice, inside):
        changed = change(alice, "school")
        assert [row["key"] for row in changed.plan.stages][:2] == ["attempted_contact", "connected"]
        assert keys(Stage) == [
            "new", "attempted_contact", "connected", "visit_scheduled", "application_submitted",
            "engaged", "contacted", "consult_booked", "deposit_paid", "enrolled", "treatment_done", "lost",
        ]  # fmt: skip
        assert {"enrolled", "treatment_done"} <= set(keys(OutcomeType))
        assert CustomField.objects.filter(entity="contact", key="grade").exists()
        assert Tag.objects.filter(name="boarding", color="indigo").exists()
        assert {"patient", "student"} <= set(CustomerSettings.objects.get().relationships)
        told = Event.objects.get(type=events.PACK_CHANGED)
        assert (told.payload["from"], told.payload["to"]) == ("clinic", "school")
        assert told.payload["added"]["stages"] == [row["key"] for row in changed.plan.stages]
        assert Organization.objects.get(pk=inside.pk).pack == "school"

    def test_what_the_organization_made_of_it_stays(self, alice, inside, make_customer):
        first = Stage.objects.get(key="new")
        stages.update(stage=first, actor=alice.actor, changes={"name": "Fresh", "color": "teal", "sla_hours": 5})
        tags.create(organization=inside, name="Scholarship", actor=alice.actor, color="rose")
        customer = make_customer(alice, tags=["price"], own_fields={"referred_by": "Ada"})
        outcomes.record_outcome(
            customer=customer, actor=alice.actor, type=OutcomeType.objects.get(key="consult_booked")
        )
        change(alice, "school")
        first.refresh_from_db()
        assert (first.name, first.color, first.sla_hours) == ("Fresh", "teal", 5)
        assert list(Tag.objects.filter(name__iexact="scholarship").values_list("name", "color")) == [
            ("Scholarship", "rose")
        ]
        customer.refresh_from_db()
        assert customer.stage.key == "consult_booked"
        assert customer.custom_fields == {"referred_by": "Ada"}
        assert [tag.name for tag in customer.tags.all()] == ["price"]
        assert customer.outcomes.count() == 1

    def test_twice_is_once(self, alice, inside):
        change(alice, "school")
        counts = [model.objects.count() for model in (Stage, OutcomeType, CustomField, Tag, Segment)]
        again = change(alice, "school")
        assert again.plan.adds_nothing
        assert counts == [model.objects.count() for model in (Stage, OutcomeType, CustomField, Tag, Segment)]
        assert Event.objects.filter(type=events.PACK_CHANGED).count() == 1

    def test_there_and_back_ends_where_it_began(self, alice, inside):
        homes = {"engaged": "take_away", "contacted": "take_away", "consult_booked": "take_away",
                 "deposit_paid": "take_away", "treatment_done": "take_away"}  # fmt: skip
        assert sorted(change(alice, "school", **homes).removed) == sorted(homes)
        assert keys(Stage) == [row["key"] for row in packs()["school"].stages]
        back = {key: "take_away" for key in keys(Stage) if key not in {row["key"] for row in packs()["clinic"].stages}}
        change(alice, "clinic", **back)
        assert keys(Stage) == [row["key"] for row in packs()["clinic"].stages]

    def test_who_stands_in_a_stage_that_goes_is_moved_by_a_job(self, alice, inside, make_customer):
        engaged = stage_moves.find_stage(organization=inside, key="engaged")
        customer = make_customer(alice, stage=engaged)
        deal = deals.create(customer=customer, actor=alice.actor, title="Crown", amount=100)
        changed = change(alice, "school", engaged="connected")
        assert len(changed.jobs) == 1
        jobs.run_due()
        customer.refresh_from_db()
        deal.refresh_from_db()
        assert (customer.stage.key, deal.stage.key) == ("connected", "connected")
        assert not Stage.objects.filter(key="engaged").exists()
        assert customer.stage_changes.get().from_name == "Engaged"

    @pytest.mark.parametrize("home", ["take_away", "nowhere", "engaged", "contacted"])
    def test_a_home_that_is_none_is_refused_and_nothing_written(self, alice, inside, make_customer, home):
        make_customer(alice, stage=stage_moves.find_stage(organization=inside, key="engaged"))
        before = keys(Stage)
        with pytest.raises(service.InvalidHome) as refused:
            change(alice, "school", engaged=home)
        assert refused.value.stage == "engaged"
        assert keys(Stage) == before
        assert Organization.objects.get(pk=inside.pk).pack == "clinic"

    def test_the_plan_counts_who_stands_where(self, alice, inside, make_customer, django_assert_max_num_queries):
        make_customer(alice, stage=stage_moves.find_stage(organization=inside, key="engaged"))
        with django_assert_max_num_queries(9):
            plan = service.plan(organization=inside, pack=packs()["school"])
        by_key = {other.stage.key: other for other in plan.others}
        assert (by_key["engaged"].customers, by_key["engaged"].proposed) == (1, service.KEEP)
        assert (by_key["contacted"].customers, by_key["contacted"].proposed) == (0, service.TAKE_AWAY)

    def test_a_stage_of_their_own_is_kept_unless_they_say_otherwise(self, alice, inside):
        stages.create(organization=inside, actor=alice.actor, name="Waiting room")
        plan = service.plan(organization=inside, pack=packs()["school"])
        own = next(other for other in plan.others if other.stage.key == "waiting_room")
        assert own.proposed == service.KEEP

    def test_a_field_of_the_same_key_stays_theirs(self, alice, inside):
        custom_fields.create(
            organization=inside, actor=alice.actor, entity="contact", key="grade", label="Mark", type="number"
        )
        change(alice, "school")
        assert CustomField.objects.get(entity="contact", key="grade").label == "Mark"

    def test_another_organizations_pack_is_untouched(self, alice, charlie, inside):
        change(alice, "general")
        with organization_scope(charlie.organization):
            assert keys(Stage) == [row["key"] for row in packs()["school"].stages]
            assert Customer.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_add_everything_once(alice):
    def one(_: int) -> list[str]:
        with organization_scope(alice.organization):
            return [row["key"] for row in change(alice, "school").plan.stages]

    added = in_threads(one, 4)
    assert sorted(len(keys) for keys in added) == [0, 0, 0, 5]
    with organization_scope(alice.organization):
        assert Stage.objects.count() == 12
        assert Event.objects.filter(type=events.PACK_CHANGED).count() == 1
