"""Viewing as a person, and as a role that is not saved: never more than the viewer sees, and nothing private."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts.access import viewing
from accounts.explanations.subjects import SUBJECTS
from accounts.models import Member, Role, Team
from accounts.permissions import Reach
from activity.models import Event
from core.tenancy import organization_scope
from customers.models import CustomerImport, Segment
from messaging.models import Draft, Template
from tests.accounts.explanations.test_reasons import make_world
from tests.accounts.hiring import hire
from tests.pages import form_of

pytestmark = pytest.mark.django_db


def view_as(person, by, browser=None):
    browser = browser or by.client
    assert browser.post(by.url(f"settings/people/{person.member.pk}/view/")).status_code == 302
    return browser


def bar(browser, person):
    page = browser.get(person.url("")).content.decode()
    return page.split('class="view-bar', 1)[1].split("</div>", 1)[0] if 'class="view-bar' in page else ""


def recorded(person, *types):
    with organization_scope(person.organization):
        return [(row.type, row.payload) for row in Event.objects.filter(type__in=types).order_by("pk")]


def test_the_pages_are_those_of_the_person(alice, bob, make_customer):
    make_customer(bob, name="Bobs Person")
    hidden = make_customer(alice, name="Hidden Person")
    browser = view_as(bob, alice)
    shown = browser.get(alice.url("customers/")).content.decode()
    assert "Bobs Person" in shown
    assert "Hidden Person" not in shown
    assert "Bob Reyes" in bar(browser, alice)
    assert browser.get(alice.url(f"customers/{hidden.pk}/")).status_code == 404
    assert browser.get(alice.url("settings/people/")).status_code == 403
    assert browser.get("/api/v1/customers").json()["count"] == 1
    assert browser.get("/api/v1/auth/me").json()["user"]["email"] == alice.user.email, "she is who she was"
    assert browser.post(alice.url("customers/new/"), {"name": "x"}).status_code == 403
    assert browser.post(alice.url("viewing/stop/")).headers["Location"].endswith(f"people/{bob.member.pk}/")
    assert bar(browser, alice) == ""
    assert recorded(alice, "member.view_began", "member.view_ended") == [
        ("member.view_began", {}), ("member.view_ended", {"how": "button"})
    ]  # fmt: skip


def test_what_is_private_to_the_person_stays_so(alice, bob, make_conversation):
    conversation = make_conversation(bob, kind="sms")
    with organization_scope(alice.organization):
        base = {"organization": alice.organization}
        Draft.objects.create(
            **base, conversation=conversation, member=bob.member, mode="reply", body="A secret draft of his"
        )
        Segment.objects.create(**base, owner=bob.user, name="His private view")
        Template.objects.create(
            **base, name="His private template", body="x", sharing="author", created_by=bob.user, channel="sms"
        )
        CustomerImport.objects.create(**base, created_by=bob.user, name="his-private.csv")
    pages = {
        f"inbox/{conversation.pk}/": "A secret draft of his",
        "customers/": "His private view",
        "templates/": "His private template",
    }
    with organization_scope(alice.organization):
        counselor = bob.member.role
        permissions = sorted({*counselor.permissions, "customers.import"})
        own = Role.objects.create(
            organization=alice.organization,
            key="own",
            name="Own",
            stored_permissions=permissions,
            stored_reach="assigned",
        )
        Member.objects.filter(pk=bob.member.pk).update(role=own)
    pages["customers/import/"] = "his-private.csv"
    browser = view_as(bob, alice)
    for path, words in pages.items():
        assert words in bob.client.get(bob.url(path)).content.decode(), f"{path}: the test would see nothing"
        answer = browser.get(alice.url(path))
        assert answer.status_code == 200
        assert words not in answer.content.decode(), path
    for path in (
        "account/",
        "account/security/",
        "account/devices/",
        "account/password/",
        "tasks/feed/",
        "settings/api-keys/",
    ):
        assert browser.get(alice.url(path)).status_code == 403, path


def test_nobody_sees_further_by_another(alice, bob, mona, tom, tara):
    for person in (tom, tara, alice, mona):
        browser = mona.client
        browser.post(mona.url(f"settings/people/{person.member.pk}/view/"))
        assert bar(browser, mona) == "", person.user.name
    browser = view_as(bob, mona)
    assert "Bob Reyes" in bar(browser, mona)
    with organization_scope(alice.organization):
        bob.member.teams.add(*tom.member.teams.all())
    assert bar(browser, mona) == "", "he belongs to a team by now that is not hers"
    assert bob.client.post(bob.url(f"settings/people/{tom.member.pk}/view/")).status_code == 403
    wide = hire(alice, {"customers.view", "settings.view", "users.view"}, name="Wim")
    browser = view_as(alice, wide, wide.client)
    assert browser.get(wide.url("customers/")).status_code == 200
    assert browser.get(wide.url("settings/audit/")).status_code == 403, "what Wim may not is left out"


def test_the_viewed_see_no_record_that_the_viewer_does_not(inside, make_customer, alice):
    """In organizations of any roles, teams and records, for every two of their members."""
    make_customer(alice)
    compared = dict.fromkeys(Reach, 0)
    for seed in range(8):
        with transaction.atomic():
            make_world(inside, Random(seed))
            lead = Member.objects.get(user__email="u0@world.example")
            lead.teams.set(Team.objects.filter(name__startswith="Team "))
            Member.objects.filter(pk=lead.pk).update(role=Role.objects.get(key="team-1"), is_active=True)
            for viewer in Member.objects.active().with_access():
                # Whatever they may do, it is about whose records they reach.
                viewer.role.stored_permissions = ["users.view", *(f"{one.resource}.view" for one in SUBJECTS)]
                for person in Member.objects.active().with_access():
                    if viewing.can_view_person(viewer, person):
                        compared[viewer.reach] += 1
                        compare(viewer, person)
            transaction.set_rollback(True)
    assert compared[Reach.ALL] > 30
    assert compared[Reach.TEAM] > 6
    assert compared[Reach.ASSIGNED] == 0, "nobody who sees their own records alone"


def compare(viewer, person):
    person.looked_through_by, person.scopes = viewer, viewer.permissions
    for subject in SUBJECTS:
        seen, own = (set(subject.visible(one).values_list("pk", flat=True)) for one in (person, viewer))
        assert seen <= own, (subject.name, viewer.reach, person.reach)


@pytest.mark.parametrize("how", ["time", "sign_out", "changed"])
def test_it_ends(alice, bob, how):
    browser = view_as(bob, alice)
    if how == "time":
        with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=False):
            assert bar(browser, alice) == ""
    elif how == "sign_out":
        browser.post("/sign-out/")
    else:
        with organization_scope(alice.organization):
            Member.objects.filter(pk=bob.member.pk).update(is_active=False)
        assert bar(browser, alice) == ""
    assert recorded(alice, "member.view_ended") == [("member.view_ended", {"how": how})]


def own_role(alice, permissions=("customers.view", "users.view")):
    with organization_scope(alice.organization):
        return Role.objects.create(
            organization=alice.organization, key="desk", name="Desk", stored_permissions=sorted(permissions),
            stored_reach="all",
        )  # fmt: skip


def test_a_change_of_a_role_is_seen_before_it_is_saved(alice, bob, make_customer):
    make_customer(alice, name="Own Person")
    make_customer(bob, name="Bobs Person")
    role = own_role(alice)
    browser, path = alice.client, alice.url(f"settings/roles/{role.pk}/edit/")
    data = form_of(browser, path).data(name="Front desk", reach="assigned", may_users=[], may_tasks=["tasks.view"])
    shown = browser.post(path, data).content.decode()
    assert 'name="preview"' in shown
    assert browser.post(path, {**data, "preview": "1"}).headers["Location"] == alice.url("")
    assert "Front desk" in bar(browser, alice)
    assert "not saved" in bar(browser, alice)
    listed = browser.get(alice.url("customers/")).content.decode()
    assert "Own Person" in listed
    assert "Bobs Person" not in listed
    assert browser.get(alice.url("tasks/")).status_code == 200
    assert browser.get(alice.url("settings/people/")).status_code == 403
    assert browser.post(alice.url("tasks/new/"), {"title": "x"}).status_code == 403
    back = browser.post(alice.url("viewing/stop/"))
    assert back.headers["Location"] == path
    form = form_of(browser, path)
    pairs = set(form.pairs)
    assert {("name", "Front desk"), ("reach", "assigned"), ("may_tasks", "tasks.view")} <= pairs
    assert ("may_users", "users.view") not in pairs
    role.refresh_from_db()
    assert (role.name, role.permissions) == ("Desk", {"customers.view", "users.view"}), "nothing was saved"
    assert ("name", "Desk") in form_of(browser, path).pairs, "what was entered comes back once"
    saved = browser.post(path, form.data())
    assert "confirmed" in saved.content.decode()
    began, ended = recorded(alice, "role.preview_began", "role.preview_ended")
    assert began[1] == {"name": "Front desk", "permissions": ["customers.view", "tasks.view"], "reach": "assigned"}
    assert ended[1] == {"how": "button"}


def test_a_new_role_is_previewed_as_well(alice):
    browser, path = alice.client, alice.url("settings/roles/new/")
    data = {"name": "Brand new", "reach": "all", "may_customers": ["customers.view"], "preview": "1"}
    assert browser.post(path, {**data, "name": ""}).status_code == 422
    assert browser.post(path, data).status_code == 302
    assert "Brand new" in bar(browser, alice)
    assert browser.post(alice.url("viewing/stop/")).headers["Location"] == path
    assert 'value="Brand new"' in browser.get(path).content.decode()
    with organization_scope(alice.organization):
        assert not Role.objects.filter(name="Brand new").exists()


def test_a_preview_gives_nobody_more(alice, mona):
    own = {"roles.view", "roles.edit", "roles.create", "customers.view"}
    editor = hire(alice, own, reach=Reach.ASSIGNED, name="Edna")
    browser = editor.client
    data = {"name": "Wide", "reach": "all", "may_customers": ["customers.view", "customers.export"], "preview": "1"}
    assert browser.post(editor.url("settings/roles/new/"), data).status_code == 422
    assert bar(browser, editor) == ""
    assert mona.client.post(mona.url("settings/roles/new/"), data).status_code == 403
