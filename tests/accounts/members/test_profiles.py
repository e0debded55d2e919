"""Name, phone, signature and photo: one's own, and others' for who may edit members."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from accounts import grants
from accounts.members import authority, profiles
from accounts.members import services as members
from accounts.models import Member, User
from activity.models import Event
from core import pictures
from core.phones import InvalidPhone
from core.refused import Invalid
from core.tenancy import organization_scope
from messaging.delivery.outgoing import signature_of
from messaging.models import Channel, Message

pytestmark = pytest.mark.django_db


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 400), **more) -> BytesIO:
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **more)
    out.seek(0)
    return out


def now(person) -> Member:
    return Member.objects.select_related("user").get(pk=person.member.pk)


def put(person, actor, content: BytesIO) -> None:
    profiles.set_photo(member=person.member, actor=actor.actor, content=content, size=len(content.getvalue()))


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def test_what_is_given_is_kept_and_recorded_and_what_is_so_already_is_not(bob, inside):
    given = {"name": " Bob  R. ", "phone": "07700 900123", "signature": "Best,\r\nBob\n"}
    profiles.change(member=bob.member, actor=bob.actor, changes=given)
    row = now(bob)
    assert (row.user.name, row.phone, row.signature) == ("Bob R.", "+447700900123", "Best,\nBob")
    profiles.change(member=bob.member, actor=bob.actor, changes=given)
    event = Event.objects.get(type="member.profile_changed")
    assert event.payload == {"fields": ["name", "phone", "signature"]}
    profiles.change(member=bob.member, actor=bob.actor, changes={"phone": ""})
    assert now(bob).phone == ""


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"name": " "}, Invalid), ({"phone": "call me"}, InvalidPhone), ({"signature": "x" * 2001}, Invalid)],
)
def test_what_can_not_be_taken_names_its_field(bob, inside, changes, error):
    with pytest.raises(error) as caught:
        profiles.change(member=bob.member, actor=bob.actor, changes=changes)
    assert caught.value.field == next(iter(changes))


def test_somebody_elses_is_for_who_may_edit_and_is_not_below(alice, bob, mona, charlie, inside):
    profiles.change(member=bob.member, actor=alice.actor, changes={"name": "Bobby"})
    assert now(bob).user.name == "Bobby"
    with pytest.raises(grants.NotPermitted):
        profiles.change(member=bob.member, actor=mona.actor, changes={"name": "X"})
    with pytest.raises(authority.NotYours):
        profiles.change(member=bob.member, actor=charlie.actor, changes={"name": "X"})
    with organization_scope(charlie.organization):
        Member.objects.create(organization=charlie.organization, user=bob.user, role=charlie.member.role)
    with pytest.raises(members.OtherOrganizations):
        profiles.change(member=bob.member, actor=alice.actor, changes={"name": "X"})
    profiles.change(member=bob.member, actor=alice.actor, changes={"phone": "+447700900124"})
    assert now(bob).phone == "+447700900124"


def test_a_photo_is_made_again_and_the_old_one_goes(bob, inside, tmp_path, django_capture_on_commit_callbacks):
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    with django_capture_on_commit_callbacks(execute=True):
        put(bob, bob, picture("JPEG", exif=exif))
    user = User.objects.get(pk=bob.user.pk)
    with Image.open(user.photo.path) as kept:
        assert (kept.format, kept.size) == ("WEBP", (256, 256))
    assert b"where I live" not in Path(user.photo.path).read_bytes()
    with django_capture_on_commit_callbacks(execute=True):
        put(bob, bob, picture("GIF"))
    assert len(list((tmp_path / "photos").iterdir())) == 1
    with django_capture_on_commit_callbacks(execute=True):
        profiles.remove_photo(member=bob.member, actor=bob.actor)
    assert list((tmp_path / "photos").iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"<svg onload='x'/>",
        b"",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        picture("BMP").getvalue(),
        picture().getvalue()[:200],
    ],
)
def test_what_is_no_picture_is_refused(bob, inside, content):
    with pytest.raises(Invalid) as caught:
        put(bob, bob, BytesIO(content))
    assert caught.value.field == "photo"


def test_a_picture_that_is_too_large_is_refused_before_it_is_unpacked(bob, inside, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1000)
    with pytest.raises(Invalid):
        put(bob, bob, picture())
    with pytest.raises(Invalid):
        profiles.set_photo(member=bob.member, actor=bob.actor, content=picture(), size=pictures.MAX_BYTES + 1)


def test_photos_are_shown_to_colleagues_only(alice, bob, charlie):
    with organization_scope(alice.organization):
        put(bob, bob, picture())
    page = f"people/{bob.user.pk}/photo/"
    answer = alice.client.get(alice.url(page))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert charlie.client.get(charlie.url(page)).status_code == 404
    assert charlie.client.get(alice.url(page)).status_code == 404
    assert alice.client.get(alice.url(f"people/{alice.user.pk}/photo/")).status_code == 404
    assert page in alice.client.get(alice.url("settings/people/")).content.decode()


def test_ones_own_signature_stands_in_place_of_the_channels(bob, alice, make_conversation):
    conversation = make_conversation(owner=bob, kind="email", email="maya@example.com")
    with organization_scope(alice.organization):
        Channel.objects.filter(pk=conversation.channel_id).update(settings={"signature": "The clinic"})
        profiles.change(member=bob.member, actor=bob.actor, changes={"signature": "Bob, reception"})
        message = Message(
            organization=alice.organization, conversation=conversation, author=bob.user,
            channel=Channel.objects.get(pk=conversation.channel_id), origin=Message.Origin.PERSON,
        )  # fmt: skip
        assert signature_of(message) == "Bob, reception"
        message.author = alice.user
        assert signature_of(message) == "The clinic"
        message.author, message.origin = bob.user, Message.Origin.WORKFLOW
        assert signature_of(message) == "The clinic"
