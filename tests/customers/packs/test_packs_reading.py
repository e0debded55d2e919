"""The packs' files: what is in them, and what a mistake in one says."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from activity import registry, rules
from activity.payloads import Kind
from customers.packs import FOLDER, InvalidPack, contents, packs, read_file, words
from customers.packs.reading import read
from customers.packs.words import COLORS
from customers.people.tags import services as tags


def data_of(key: str = "clinic") -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{key}.toml").read_text(encoding="utf-8"))


def test_every_pack_is_offered_and_whole():
    assert list(packs()) == ["clinic", "school", "general"]
    for pack in packs().values():
        for part in (
            "stages",
            "outcome_types",
            "custom_fields",
            "tags",
            "segments",
            "templates",
            "workflows",
            "reports",
        ):
            assert getattr(pack, part), f"{pack.key} has no {part}"
        assert pack.relationships


def test_the_schools_stages_have_the_agreed_hours():
    hours = [stage["sla_hours"] for stage in packs()["school"].stages]
    assert hours == [24, 48, 72, 168, 72, None, None]
    prepares = {stage["key"]: stage["entry_task"] for stage in packs()["school"].stages if stage["entry_task"]}
    assert prepares == {"visit_scheduled": "Prepare for visit"}


@pytest.mark.parametrize(
    ("pack", "keys"),
    [
        ("clinic", "new engaged contacted consult_booked deposit_paid treatment_done lost"),
        ("school", "new attempted_contact connected visit_scheduled application_submitted enrolled lost"),
        ("general", "new contacted qualified proposal won lost"),
    ],
)
def test_the_stages_are_the_agreed_ones(pack, keys):
    assert [stage["key"] for stage in packs()[pack].stages] == keys.split()


def test_the_clinics_outcomes_lead_to_the_stages_of_their_name():
    kinds = {kind["key"]: kind["stage"] for kind in packs()["clinic"].outcome_types}
    # Who did not come stays where they stand.
    assert kinds == {key: key for key in ("consult_booked", "deposit_paid", "treatment_done", "lost")} | {"no_show": ""}


def test_the_colours_are_those_of_the_application():
    assert COLORS == tags.COLORS


def test_what_is_in_a_pack_is_reported_in_words():
    told = dict(contents.in_words(packs()["clinic"]))
    assert told["Stages"].startswith("New, Engaged, Contacted")
    assert "Deposit paid" in told["Outcomes"]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The clinic's data with one place changed; `DROP` takes it away."""
    data = copy.deepcopy(data_of())
    place: Any = data
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in way:
        place = place[part]
    if value == "DROP":
        del place[last]
    elif isinstance(last, int) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("name", "DROP", "name: This is needed"),
        ("colour", "red", "colour: Nothing of this name"),
        ("stages", [], "stages: A list"),
        ("stages/0/key", "New One", "stages[0].key"),
        ("stages/0/kind", "won", "stages[0].kind: The first stage"),
        ("stages/1/sla_hours", "24", "stages[1].sla_hours: A whole number"),
        ("stages/5/sla_hours", 24, "stages[5].sla_hours: Only an open stage"),
        ("stages/2/color", "pink", "stages[2].color: “pink”"),
        ("stages/1/key", "new", "stages[1]: “new” is there twice"),
        ("stages/6/kind", "open", "stages: A lost stage is missing"),
        ("stages/0/probability", True, "stages[0].probability"),
        ("outcome_types/0/stage", "nowhere", "outcome_types[0].stage: There is no stage “nowhere”"),
        ("outcome_types/0/has_amount", "yes", "outcome_types[0].has_amount: true or false"),
        ("won_deal_stage", "lost", "won_deal_stage: “lost” is a lost stage"),
        ("custom_fields/0/type", "list", "custom_fields[0].type"),
        ("custom_fields/0/choices", "DROP", "custom_fields[0].choices"),
        ("custom_fields/2/choices", ["a", "b"], "custom_fields[2].choices"),
        ("segments/0/filter", {"sex": "f"}, "segments[0].filter.sex"),
        ("segments/0/filter", {"stage": "nowhere"}, "segments[0].filter.stage"),
        ("segments/0/filter", {"tag": ["gold"]}, "segments[0].filter.tag: There is no tag “gold”"),
        ("segments/0/filter", {"custom.shoe": "1"}, "segments[0].filter.custom.shoe"),
        ("segments/0/ordering", "age", "segments[0].ordering"),
        ("templates/0/body", "Hello {{ customer.shoe }}", "templates[0].body: “customer.shoe”"),
        ("templates/0/body", "Hello {{ customer.name", "templates[0].body: A placeholder is not closed"),
        ("templates/0/subject", "Hi", "templates[0].subject"),
        ("templates/0/channel", "fax", "templates[0].channel"),
        ("templates/0/language", "English", "templates[0].language"),
        ("workflows/0/trigger_event", "moon.full", "workflows[0].trigger_event"),
        ("workflows/0/conditions", {"moon": "full"}, "workflows[0].conditions: “moon”"),
        ("workflows/0/conditions", {"channel__like": "x"}, "workflows[0].conditions: “like”"),
        ("workflows/0/conditions", {"channel__in": "x"}, "workflows[0].conditions: “channel__in” needs a list"),
        ("workflows/0/conditions", {"customer_stage": "nowhere"}, "workflows[0].conditions.customer_stage"),
        ("workflows/0/actions", [], "workflows[0].actions: A list of at least 1"),
        ("workflows/0/actions/0", {"action": "dance"}, "workflows[0].actions: “dance” is not an action"),
        ("workflows/0/actions/0", {"action": "add_tag"}, "add_tag needs tag"),
        ("workflows/0/actions/0", {"action": "add_tag", "tag": "price", "x": 1}, "add_tag knows no x"),
        ("workflows/0/actions/0", {"action": "add_tag", "tag": "gold"}, "workflows[0].actions[0].tag: There is no tag"),
        ("workflows/0/actions/0", {"action": "send_template", "template": "x"}, "There is no template “x”"),
        ("reports/0/source", "weather", "reports[0].source"),
        ("reports/0/aggregations/0", {"function": "sum"}, "reports[0].aggregations: sum needs a field"),
        ("reports/0/aggregations/0", {"function": "guess"}, "reports[0].aggregations: “guess”"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_file_and_place(path, value, told):
    with pytest.raises(InvalidPack) as refused:
        read("clinic.toml", "clinic", changed(path, value))
    assert str(refused.value).startswith("clinic.toml: ")
    assert told in str(refused.value)


def test_a_file_that_is_no_toml_is_named(tmp_path):
    path = tmp_path / "odd.toml"
    path.write_text("name = ", encoding="utf-8")
    with pytest.raises(InvalidPack, match=r"odd\.toml: the file"):
        read_file(path)


def test_what_an_app_above_declares_later_a_pack_may_use(monkeypatch: pytest.MonkeyPatch):
    """The registries are asked when a pack is read, not when this app is imported."""
    for owner, name in ((registry, "EVENTS"), (rules, "CONDITION_FIELDS"), (words, "ACTIONS")):
        monkeypatch.setattr(owner, name, getattr(owner, name).copy())
    field = rules.CONDITION_FIELDS.register(rules.ConditionField("phase", "Phase", Kind.KEY))
    registry.declare("moon.full", "The moon is full", conditions=[field])
    words.ACTIONS.register(rules.Action("dance", "Dance", {"to": Kind.TEXT}))
    data = data_of()
    data["workflows"][0] |= {"trigger_event": "moon.full", "conditions": {"phase__in": ["full"]}}
    data["workflows"][0]["actions"] = [{"action": "dance", "to": "the sea"}]
    assert read("clinic.toml", "clinic", data).workflows[0]["trigger_event"] == "moon.full"


def test_an_event_that_offers_nothing_to_ask_begins_no_rule():
    with pytest.raises(InvalidPack, match=r"“message\.read” is not one of"):
        read("clinic.toml", "clinic", changed("workflows/0/trigger_event", "message.read"))
