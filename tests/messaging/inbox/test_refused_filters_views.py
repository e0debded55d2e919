"""A filter of the inbox or of the templates that means nothing shows nothing and says so; never everything."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.tenancy import organization_scope
from messaging.texts.templates import services as templates

pytestmark = pytest.mark.django_db

REFUSAL = "is not here any more, so nothing is shown"
NOWHERE = ["nonsense", "OPEN", "closed", "mine,open", "<b>x</b>", "x" * 300, "__class__", "Δ"]


@pytest.fixture
def conversation(alice, make_conversation):
    return make_conversation(alice)


@pytest.mark.parametrize("asked", NOWHERE)
def test_an_inbox_of_no_known_filter_shows_nobody_and_leads_to_all_of_it(alice, conversation, asked):
    answer = alice.client.get(alice.url("inbox/"), {"filter": asked})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert REFUSAL in text
    assert list(answer.context["conversations"]) == []
    assert str(conversation.pk) not in text
    assert "<b>x</b>" not in text
    assert f'href="{alice.url("inbox/")}?filter=all"' in text
    assert not any(one["is_current"] for one in answer.context["filters"])


@pytest.mark.parametrize("asked", NOWHERE)
@pytest.mark.parametrize("rows", ["all", "asked"])
def test_its_live_updates_show_nobody_either(alice, conversation, asked, rows):
    more = {"all": "1"} if rows == "all" else {"conversations": str(conversation.pk)}
    answer = alice.client.get(alice.url("inbox/changes/"), {"filter": asked, **more})
    assert answer.status_code == 200
    assert list(answer.context["conversations"]) == []
    good = alice.client.get(alice.url("inbox/changes/"), {"filter": "open", **more})
    assert [row.pk for row in good.context["conversations"]] == [conversation.pk]


def test_what_is_opened_or_searched_from_it_keeps_the_refusal(alice, conversation):
    answer = alice.client.get(alice.url(f"inbox/{conversation.pk}/"), {"filter": "nonsense"})
    assert answer.status_code == 200
    assert REFUSAL in answer.content.decode()
    assert answer.context["list_query"] == "?filter=nonsense"
    found = alice.client.get(alice.url("inbox/"), {"filter": "nonsense", "q": conversation.customer.name})
    assert REFUSAL in found.content.decode()
    assert list(found.context["conversations"]) == []


@pytest.mark.parametrize("query", ["", "?filter=", "?filter=open", "?filter=all"])
def test_an_inbox_of_a_known_filter_is_as_it_was(alice, conversation, query):
    answer = alice.client.get(alice.url(f"inbox/{query}"))
    assert [row.pk for row in answer.context["conversations"]] == [conversation.pk]
    assert REFUSAL not in answer.content.decode()


def test_a_refused_inbox_takes_no_more_queries(alice, conversation):
    client = alice.client

    def queries(asked):
        with CaptureQueriesContext(connection) as captured:
            client.get(alice.url("inbox/"), {"filter": asked})
        return len(captured)

    queries("open")
    assert queries("nonsense") <= queries("open")


@pytest.fixture
def template(alice):
    with organization_scope(alice.organization):
        return templates.create(
            organization=alice.organization, actor=alice.actor, name="Opening hours", channel="sms", language="und",
            body="We open at nine.", category="desk",
        )  # fmt: skip


@pytest.mark.parametrize("asked", [
    {"channel": "pigeon"}, {"channel": "SMS"}, {"category": "gone"}, {"category": "des"},
    {"channel": "sms", "category": "gone"}, {"channel": "fax", "category": "desk", "q": "nine"},
])  # fmt: skip
@pytest.mark.parametrize("way", ["client", "htmx"])
def test_templates_of_no_known_channel_or_category_are_none(alice, template, asked, way):
    headers = {"HX-Target": "template-list"} if way == "htmx" else {}
    answer = getattr(alice, way).get(alice.url("templates/"), asked, headers=headers)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Opening hours" not in text
    assert REFUSAL in text
    assert f'href="{alice.url("templates/")}"' in text


def test_the_form_of_the_templates_shows_what_was_asked_for(alice, template):
    text = alice.client.get(alice.url("templates/"), {"channel": "pigeon", "category": "gone"}).content.decode()
    assert '<option value="pigeon" selected>' in text
    assert '<option value="gone" selected>' in text


@pytest.mark.parametrize("asked", [{}, {"channel": "sms"}, {"category": "desk"}, {"q": "nine"}])
def test_templates_of_a_known_filter_are_as_they_were(alice, template, asked):
    text = alice.client.get(alice.url("templates/"), asked).content.decode()
    assert "Opening hours" in text
    assert REFUSAL not in text
