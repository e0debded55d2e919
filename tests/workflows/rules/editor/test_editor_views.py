"""Writing a rule: rows added, moved and taken away, errors at their row, nobody's change overwritten unseen."""

from __future__ import annotations

import re
from typing import Any

import pytest

from activity.rules import ACTIONS
from customers.models import CustomField
from customers.people.custom_fields import services as custom_fields
from tests.pages import form_of, save
from tests.workflows.rules.editor.conftest import NEW, RULES, TAGGED, edit, editor, opened, page_of, press
from workflows.models import Workflow
from workflows.rules import reading, services
from workflows.rules.catalog import catalog
from workflows.rules.parameters import PARAMETER_WORDS, words_for

pytestmark = pytest.mark.django_db
DEEP = {
    "any": [
        {"message_body__icontains": "price"},
        {"all": [{"is_new_customer": True}, {"any": [{"customer_source": "web"}, {"customer_stage": "new"}]}]},
    ]
}


def stored(rule: Workflow) -> dict[str, Any]:
    names = ("name", "trigger_event", "conditions", "actions", "hours", "is_once", "version")
    return dict(Workflow.objects.values(*names).get(pk=rule.pk))


def test_a_rule_is_written_row_by_row_without_a_script(alice, inside):
    data = opened(alice, NEW)
    answer = press(alice, NEW, "add:conditions.rows", data)
    data = editor(answer).data() | {"conditions.rows.0.field": ["message_body"]}
    data = editor(press(alice, NEW, "show:conditions.rows.0", data)).data()
    assert "conditions.rows.0.value" in data
    data |= {"conditions.rows.0.op": ["icontains"], "conditions.rows.0.value": ["price"]}
    data = editor(press(alice, NEW, "add:actions", data)).data() | {"actions.0.action": ["add_tag"]}
    data = editor(press(alice, NEW, "show", data)).data() | {"actions.0.params.tag": ["price"], "name": ["Prices"]}
    answer = alice.client.post(alice.url(NEW), data)
    rule = Workflow.objects.get(name="Prices")
    assert answer.url == alice.url(f"{RULES}{rule.pk}/")
    assert (rule.trigger_event, rule.conditions, rule.actions, rule.is_enabled) == (
        "message.received", {"message_body__icontains": "price"}, TAGGED, False,
    )  # fmt: skip
    assert rule.versions.get().author_label == "Alice Hart"


def test_htmx_gets_only_the_part_that_changed_with_the_focus_in_it(alice, inside):
    data = opened(alice, NEW)
    for target, do, focus in (
        ("rule-if", "add:conditions.rows", "conditions.rows.0.field"), ("rule-then", "add:actions", "actions.0.action"),
    ):  # fmt: skip
        url = f"{alice.url(NEW)}?do={do}"
        answer = alice.htmx.post(url, data, headers={"HX-Target": target})
        text = answer.content.decode()
        assert "<html" not in text
        assert f'id="{target}"' in text
        (focused,) = re.findall(r"<select[^>]*autofocus", text)
        assert focus in focused


def test_rows_are_moved_and_taken_away(alice, make_rule):
    actions = [{"action": "add_tag", "tag": tag} for tag in ("a", "b", "c")]
    conditions = {"all": [{"is_new_customer": True}, {"customer_source": "web"}, {"customer_status": "lead"}]}
    rule = make_rule("message.received", conditions, actions)
    data = opened(alice, edit(rule))
    for do, tags in (("up:actions.2", "acb"), ("down:actions.0", "cab"), ("remove:actions.1", "cb")):
        data = editor(press(alice, edit(rule), do, data)).data()
        assert [data[f"actions.{n}.params.tag"] for n in range(len(tags))] == [[tag] for tag in tags]
    for do in ("up:actions.0", "down:actions.1", "remove:actions.9", "add:nowhere", "remove:", "x", "up:actions.-1"):
        assert editor(press(alice, edit(rule), do, data)).data()["actions.1.params.tag"] == ["b"]
    data = editor(press(alice, edit(rule), "remove:conditions.rows.0", data)).data()
    assert alice.client.post(alice.url(edit(rule)), data).status_code == 302
    assert stored(rule)["actions"] == [{"action": "add_tag", "tag": "c"}, {"action": "add_tag", "tag": "b"}]
    # In the order of the rows, whatever the database does with the keys of an object.
    assert [one["field"] for one in stored(rule)["conditions"]["all"]] == ["customer_source", "customer_status"]
    assert stored(rule)["version"] == 2


@pytest.mark.parametrize(
    "conditions",
    [
        {}, {"is_new_customer": True}, {"customer_stage__in": ["new", "lost"], "customer_tags__isnull": False},
        {"any": [{"customer_tags": "vip"}, {"field": "customer_tags", "op": "contains", "value": "gold"}]},
        {"not": {"field": "message_body", "op": "icontains", "value": "x"}},
        {"customer_source": None, "language__neq": None}, {"customer_tags": ["a", "b"]},
        {"all": [{"any": [{"channel": "x"}, {"not": {"customer_source__in": ["b\nc", "d"]}}]}, {"channel": "sms"}]},
        {"customer_stage": "gone", "assigned_to": "no-uuid"}, {"custom.gone__in": ["a"], "nothing": 5}, DEEP,
        {"not": DEEP}, {"unheard": {"of": 1}}, {"any": []}, {"waiting_since__gt": "2026-01-01T10:00:00Z"},
        {"customer_phone__contains": " 5 ", "message_body": "a\nb"},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "actions",
    [
        TAGGED, [{"action": "send_text", "body": "a\r\nb", "delay_minutes": 4321, "cancel_on_inbound": False}],
        [{"action": "send_template", "template": "gone", "channel": "fax"}, {"action": "wait", "minutes": 60},
         {"action": "wait", "until": "open"}, {"action": "wait", "until": "noon"}, {"action": "wait", "minutes": "x"},
         {"action": "wait", "quiet_minutes": 1440, "timeout_minutes": 10080, "then": "continue"},
         {"action": "wait", "conditions": {"customer_tags": "x"}, "timeout_minutes": 90, "then": "stop"},
         {"action": "wait", "conditions": DEEP}, {"action": "wait"}, {"action": "dance"}],
        [{"action": "split", "branches": [{"share": 70, "actions": TAGGED}, {"share": 30, "actions": []}]},
         {"action": "branch", "branches": [{"conditions": {}, "actions": [{"action": "split", "branches": [
             {"share": 100, "actions": [{"action": "wait", "until": "open"}, *TAGGED]}]}]}], "otherwise": TAGGED}],
        [{"action": "branch", "branches": [{"conditions": DEEP, "actions": TAGGED}], "otherwise": []}, {"action": 5}],
        [{"action": "set_follow_up", "days": 0, "minutes": 2880},
         {"action": "create_task", "title": "t", "description": ""}],
    ],
)  # fmt: skip
def test_what_nobody_touches_stays_as_it_is(conditions, actions, alice, make_rule):
    """Also what the editor has no row for, and what could not be saved today."""
    rule = make_rule("message.received", {}, TAGGED)
    Workflow.objects.filter(pk=rule.pk).update(conditions=conditions, actions=actions)
    before = stored(rule)
    assert save(alice.client, alice.url(edit(rule))).status_code == 302
    assert stored(rule) == before
    assert save(alice.client, alice.url(edit(rule)), name="Other").status_code == 302
    assert stored(rule) == {**before, "name": "Other", "version": 2}


def test_a_deeper_tree_is_kept_in_words_beside_what_is_edited(alice, make_rule):
    rule = make_rule("message.received", DEEP, TAGGED)
    page = page_of(alice.client.get(alice.url(edit(rule))))
    assert "New customer is yes; Source is “web” or Stage is “New”" in page
    answer = save(alice.client, alice.url(edit(rule)), **{"conditions.rows.0.value": "cost"})
    assert answer.status_code == 302
    first, second = stored(rule)["conditions"]["any"]
    assert first == {"field": "message_body", "op": "icontains", "value": "cost"}
    assert services.reading.conditions.parse(second) == services.reading.conditions.parse(DEEP["any"][1])


@pytest.mark.parametrize(
    "text",
    ["{", '{"tag": "x"}', "[1]", "5", "NaN", '{"a": 1e999}', '{"a": "\\u0000"}', "[" * 9000, '{"tag\\ud800": 1}'],
)
def test_json_that_no_rule_can_be_made_of_is_an_error_at_its_row(text, alice, make_rule):
    rule = make_rule("message.received", DEEP, TAGGED)
    answer = save(alice.client, alice.url(edit(rule)), **{"conditions.rows.1.json": text})
    assert answer.status_code == 422
    assert stored(rule)["version"] == 1


@pytest.mark.parametrize(
    "text",
    ['{"action": "branch", "branches": 5}', '{"action": "branch", "branches": [5]}', '{"action": "split"}', "{}", "5",
     '{"action": "branch", "branches": [{"conditions": {}, "actions": [7]}]}', '{"action": ["x"]}', "[]", '"x"',
     '{"action": "branch", "branches": [{"conditions": {}, "actions": []}], "otherwise": 5}'],
)  # fmt: skip
def test_a_step_as_json_that_is_none_is_an_error_at_its_row(text, alice, make_rule):
    rule = make_rule("message.received", {}, TAGGED)
    data = opened(alice, edit(rule)) | {"actions.0.json": [text]}
    assert alice.client.post(alice.url(edit(rule)), data).status_code == 422
    assert alice.client.post(alice.url(f"{RULES}{rule.pk}/matches/"), data).status_code == 200
    assert stored(rule)["version"] == 1


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"name": ""}, "This field is required."),
        ({"conditions.rows.0.field": ""}, "Choose what to ask for, or take the condition away."),
        ({"conditions.rows.0.op": "icontains", "conditions.rows.0.value": ""}, "A text is needed"),
        ({"conditions.rows.0.field": "waiting_since"}, "This can’t be asked for here."),
        ({"conditions.rows.0.field": "customer_stage", "conditions.rows.0.value": "x"}, "“x” is none of: new"),
        ({"conditions.rows.1.how": "any"}, "Add a condition, or take the group away."),
        ({"actions.0.params.tag": ""}, "This is needed."),
        ({"actions.0.action": ""}, "Choose what the rule does here"),
        ({"actions.0.action": "nonsense"}, "“nonsense” is no action."),
        ({"actions.0.action": "send_text", "actions.0.params.body": "{{ x"}, "closed"),
        ({"actions.0.action": None, "actions.0.params.tag": None}, "Add what the rule does."),
        ({"actions.0.action": "create_task", "actions.0.params.title": "t",
          "actions.0.params.due_in_minutes": ["x", "60"]}, "A whole number from 0"),
        ({"trigger_event": "nonsense"}, "not one of the available choices"),
    ],
)  # fmt: skip
def test_an_error_stands_at_its_row(data, error, alice, make_rule):
    rule = make_rule("message.received", {"message_body": "x"}, TAGGED)
    answer = save(alice.client, alice.url(edit(rule)), **data)
    assert answer.status_code == 422
    assert error in page_of(answer)
    assert stored(rule)["version"] == 1


def test_another_trigger_shows_what_it_does_not_offer(alice, make_rule):
    rule = make_rule("message.received", {"message_body__icontains": "x"}, TAGGED)
    answer = save(alice.client, alice.url(edit(rule)), trigger_event="customer.created")
    assert answer.status_code == 422
    assert "This can’t be asked for here." in page_of(answer)


def test_nobodys_change_is_overwritten_unseen(alice, make_rule):
    rule = make_rule("message.received", {"customer_source": "web"}, TAGGED)
    url = alice.url(edit(rule))
    data = form_of(alice.client, url).data() | {"actions.0.params.tag": ["mine"], "conditions.rows.0.value": ["mine"]}
    theirs = [{"action": "add_tag", "tag": "theirs"}]
    services.update(workflow=rule, actor=alice.actor, changes={"actions": theirs, "name": "Theirs"})
    answer = alice.client.post(url, data)
    page = page_of(answer)
    assert answer.status_code == 422
    assert "Actions was changed by somebody else meanwhile" in page
    assert "Add a tag: “mine”" in page
    assert "Add a tag: “theirs”" in page
    assert stored(rule)["actions"] == theirs
    # What only one of them changed is no question: theirs stays, ours is taken.
    asked = editor(answer).data(**{"keep-actions": "theirs"})
    assert alice.client.post(url, asked).status_code == 302
    assert (stored(rule)["actions"], stored(rule)["name"]) == (theirs, "Theirs")
    assert stored(rule)["conditions"] == {"customer_source": "mine"}


def test_adding_a_row_does_not_forget_what_the_page_had_shown(alice, make_rule):
    rule = make_rule("message.received", {}, TAGGED)
    data = opened(alice, edit(rule)) | {"actions.0.params.tag": ["mine"]}
    services.update(workflow=rule, actor=alice.actor, changes={"actions": [{"action": "add_tag", "tag": "theirs"}]})
    data = editor(press(alice, edit(rule), "add:conditions.rows", data)).data()
    data = editor(press(alice, edit(rule), "remove:conditions.rows.0", data)).data()
    assert "somebody else" in page_of(alice.client.post(alice.url(edit(rule)), data))


def test_every_trigger_field_and_action_has_its_control_and_a_label(alice, make_rule):
    """A new one needs no line in the editor."""
    for kind in CustomField.Type.values:
        choices = ["Gold", "Tin"] if "choice" in kind else []
        custom_fields.create(
            organization=alice.organization, actor=alice.actor, key=f"own_{kind}", label=f"Own {kind}", type=kind,
            choices=choices,
        )  # fmt: skip
    everything = catalog()
    data = opened(alice, NEW)
    for trigger in everything.triggers:
        rows = {f"conditions.rows.{n}.field": [name] for n, name in enumerate(trigger.condition_fields)}
        answer = press(alice, NEW, "show", {**data, **rows, "trigger_event": [trigger.event_type]})
        names = editor(answer).names()
        for number, name in enumerate(trigger.condition_fields):
            assert f"conditions.rows.{number}.op" in names, (trigger.event_type, name)
            assert f">{name}</option>" not in answer.content.decode(), (trigger.event_type, name)
    rows = {f"actions.{n}.action": [action.name] for n, action in enumerate(everything.actions)}
    page = press(alice, NEW, "show", {**data, **rows}).content.decode()
    for number, action in enumerate(everything.actions):
        assert str(ACTIONS[action.name].label) in page
        for one in action.parameters:
            assert f'name="actions.{number}.params.{one.name}"' in page, one


def test_every_parameter_has_words(alice, inside):
    steps = catalog().control_steps
    between = {parameter.name for step in steps for parameter in step.parameters}
    assert {*reading.PARAMETERS, *between, "share"} == set(PARAMETER_WORDS)
    assert words_for("of_another_app").label == "Of another app"


def test_choices_of_own_fields_are_chosen(alice, make_rule):
    custom_fields.create(
        organization=alice.organization, actor=alice.actor, key="plan", label="Plan", type="choice",
        choices=["Gold", "Tin"],
    )  # fmt: skip
    rule = make_rule("customer.created", {"custom.plan__in": ["Gold"]}, TAGGED)
    answer = save(alice.client, alice.url(edit(rule)), **{"conditions.rows.0.value": ["Gold", "Tin"]})
    assert answer.status_code == 302
    assert stored(rule)["conditions"] == {"custom.plan__in": ["Gold", "Tin"]}


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("not:icontains", {"not": {"field": "message_body", "op": "icontains", "value": "x"}}),
        ("neq", {"message_body__neq": "x"}), ("isnull", {"message_body__isnull": True}),
        ("not:isnull", {"message_body__isnull": False}), ("eq", {"message_body": "x"}),
    ],
)  # fmt: skip
def test_not_is_an_operator(operator, expected, alice, make_rule):
    rule = make_rule("message.received", {"message_body__icontains": "x"}, TAGGED)
    answer = save(alice.client, alice.url(edit(rule)), **{"conditions.rows.0.op": operator})
    assert answer.status_code == 302
    assert stored(rule)["conditions"] == expected


def test_a_length_is_given_in_days(alice, make_rule):
    rule = make_rule("customer.created", {}, [{"action": "create_task", "title": "t", "due_in_minutes": 2880}])
    data = form_of(alice.client, alice.url(edit(rule))).data()
    assert data["actions.0.params.due_in_minutes"] == ["2", "1440"]
    data["actions.0.params.due_in_minutes"] = ["3", "60"]
    alice.client.post(alice.url(edit(rule)), data)
    assert stored(rule)["actions"][0]["due_in_minutes"] == 180


def test_who_may_write(bob, mona, charlie, alice, make_rule):
    rule = make_rule("message.received", {}, TAGGED)
    for person in (bob, mona):
        for path in (NEW, edit(rule)):
            assert person.client.get(person.url(path)).status_code == 403
        for path in (f"{NEW}matches/", f"{RULES}{rule.pk}/matches/"):
            assert person.client.post(person.url(path)).status_code == 403
    assert charlie.client.get(charlie.url(edit(rule))).status_code == 404
    assert charlie.client.post(charlie.url(edit(rule)), {"name": "x"}).status_code == 404
    assert charlie.client.post(charlie.url(f"{RULES}{rule.pk}/matches/")).status_code == 404
    assert "New rule" not in page_of(mona.client.get(mona.url(RULES)))
    assert "New rule" in page_of(alice.client.get(alice.url(RULES)))


@pytest.mark.parametrize("count", [1, 12])
def test_the_same_number_of_queries_for_any_number(count, alice, make_rule, receive, django_assert_num_queries):
    parts = [{"field": "message_body", "op": "icontains", "value": f"x{n}"} for n in range(count)]
    actions = [{"action": "add_tag", "tag": f"t{n}"} for n in range(count)]
    rule = make_rule("message.received", {"any": parts} if count > 1 else parts[0], actions)
    for number in range(count):
        receive(f"Message {number}", sender=f"+4477009008{number:02d}")
    client = alice.client
    client.get(alice.url(edit(rule)))
    with django_assert_num_queries(23):
        client.get(alice.url(edit(rule)))
