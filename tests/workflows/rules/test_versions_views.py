"""The versions of a rule: what each changed, in words, and going back to one."""

from __future__ import annotations

from typing import Any

import pytest

from activity.models import Event
from customers.models import Stage
from workflows.models import Workflow
from workflows.rules import services

pytestmark = pytest.mark.django_db

RULES = "settings/rules/"


@pytest.fixture
def rule(alice: Any, make_rule: Any) -> Workflow:
    made: Workflow = make_rule("message.received", {"customer_source": "web"}, [{"action": "add_tag", "tag": "a"}])
    changes: Any = {"name": "Better", "actions": [{"action": "add_tag", "tag": "b"}], "stop_after": True}
    services.update(workflow=made, actor=alice.actor, changes=changes)
    made.refresh_from_db()
    return made


def text(person: Any, path: str) -> str:
    answer = person.client.get(person.url(path))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def back(person: Any, rule: Workflow, number: object, version: object) -> Any:
    data = {"number": str(number), "version": str(version)}
    return person.client.post(person.url(f"{RULES}{rule.pk}/go-back/"), data, follow=True)


def test_each_says_who_changed_what(alice, rule):
    for path in (f"{RULES}{rule.pk}/", f"{RULES}{rule.pk}/versions/"):
        page = text(alice, path)
        for words in (
            "<del><bdi>“A rule”</bdi></del>", "<ins><bdi>“Better”</bdi></ins>",
            "<del><bdi>1. Add a tag: “a”</bdi></del>", "<ins><bdi>1. Add a tag: “b”</bdi></ins>",
            "<ins><bdi>2. the rules after it do nothing</bdi></ins>", "The rule was made.", "Alice Hart",
        ):  # fmt: skip
            assert words in page, words
        assert "if Source" not in page.split("What was changed")[1], "it was the same before"


def test_going_back_is_a_new_version(alice, rule):
    assert "as version 1 again" in back(alice, rule, 1, 2).content.decode()
    rule.refresh_from_db()
    assert (rule.name, rule.actions, rule.stop_after) == ("A rule", [{"action": "add_tag", "tag": "a"}], False)
    assert list(rule.versions.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    assert Event.objects.filter(type="workflow.changed").count() == 2
    assert rule.is_enabled


def test_nobodys_change_is_overwritten_unseen(alice, rule):
    services.update(workflow=rule, actor=alice.actor, changes={"name": "Newer"})
    page = back(alice, rule, 1, 2).content.decode()
    assert "Somebody changed the rule meanwhile." in page
    rule.refresh_from_db()
    assert (rule.name, rule.version) == ("Newer", 3)


@pytest.mark.parametrize("number", ["7", "0", "-1", "x", "", "9" * 40, "²"])
def test_what_is_no_version_is_refused(number, alice, rule):
    assert "no such version" in back(alice, rule, number, 2).content.decode()


def test_what_a_version_names_may_be_gone(alice, rule, inside):
    actions = [{"action": "set_stage", "stage": "contacted"}]
    services.update(workflow=rule, actor=alice.actor, changes={"actions": actions})
    services.update(workflow=rule, actor=alice.actor, changes={"actions": [{"action": "add_tag", "tag": "x"}]})
    Stage.objects.filter(key="contacted").update(key="other")
    assert "“contacted” is none of" in back(alice, rule, 3, 4).content.decode()
    rule.refresh_from_db()
    assert rule.version == 4


def test_a_version_of_before_a_field_was_there_has_it_as_new_rules_do(alice, rule):
    version = rule.versions.get(number=1)
    del version.content["stop_after"]
    version.save()
    back(alice, rule, 1, 2)
    rule.refresh_from_db()
    assert (rule.version, rule.stop_after) == (3, False)
    assert "The rule was made." in text(alice, f"{RULES}{rule.pk}/versions/")


def test_they_go_on_page_by_page(alice, rule):
    for number in range(25):
        services.update(workflow=rule, actor=alice.actor, changes={"name": f"Name {number}"})
    first = text(alice, f"{RULES}{rule.pk}/versions/")
    assert "?before=8" in first
    assert "Version 27" in first
    second = text(alice, f"{RULES}{rule.pk}/versions/?before=8")
    assert "Version 7" in second
    assert "Version 8 " not in second
    assert "The rule was made." in second
    text(alice, f"{RULES}{rule.pk}/versions/?before=x")


def test_who_may_look_and_who_may_go_back(alice, bob, mona, charlie, rule):
    assert "Go back" in text(alice, f"{RULES}{rule.pk}/")
    assert "Go back" not in text(mona, f"{RULES}{rule.pk}/versions/")
    for person, status in ((mona, 403), (bob, 403), (charlie, 404)):
        assert back(person, rule, 1, 2).status_code == status
    assert bob.client.get(bob.url(f"{RULES}{rule.pk}/versions/")).status_code == 403
    assert charlie.client.get(charlie.url(f"{RULES}{rule.pk}/versions/")).status_code == 404
    rule.refresh_from_db()
    assert rule.version == 2


@pytest.mark.parametrize("count", [1, 15])
def test_the_same_number_of_queries_for_any_number(count, alice, rule, django_assert_num_queries):
    for number in range(count):
        services.update(workflow=rule, actor=alice.actor, changes={"name": f"Name {number}"})
    client = alice.client
    client.get(alice.url(f"{RULES}{rule.pk}/versions/"))
    with django_assert_num_queries(15):
        client.get(alice.url(f"{RULES}{rule.pk}/versions/"))
