"""A second factor: each code is good once, guesses are slowed, nobody goes around it."""

from __future__ import annotations

import pytest
from django.core import mail

from accounts.credentials import notices, passwords, recovery_codes, second_factor, sign_in, throttle, tokens
from accounts.credentials.devices import Device, label_of
from accounts.members import services as members
from accounts.models import AuthenticatorApp, Member, RecoveryCode, SecurityNotice, TrustedBrowser
from accounts.organizations import services as organizations
from activity.models import Event
from core.tenancy import organization_scope
from tests.accounts.factors import code_of, set_up
from tests.conftest import PASSWORD, join

pytestmark = pytest.mark.django_db
HERE = Device("Firefox/140 (X11; Linux x86_64)", "192.0.2.1")


def events_of(person):
    with organization_scope(person.organization):
        rows = Event.objects.filter(subject_id=str(person.member.pk), type__startswith="user.").order_by("pk")
        return list(rows.values_list("type", flat=True))


def test_a_code_is_good_once_and_none_before_it(bob):
    set_up(bob)
    code, earlier = code_of(bob), code_of(bob, ago=30)
    second_factor.check(user=bob.user, code=f" {code[:3]} {code[3:]} ", device=HERE)
    for spent in (code, earlier):
        with pytest.raises(second_factor.WrongCode):
            second_factor.check(user=bob.user, code=spent, device=HERE)


@pytest.mark.parametrize("ago", [-90, 90])
def test_a_code_counts_one_step_to_both_sides_and_no_further(bob, ago):
    set_up(bob)
    with pytest.raises(second_factor.WrongCode):
        second_factor.check(user=bob.user, code=code_of(bob, ago=ago), device=HERE)
    second_factor.check(user=bob.user, code=code_of(bob, ago=ago // 3), device=HERE)


def test_the_secret_is_encrypted_and_recovery_codes_are_hashed(bob):
    codes = set_up(bob)
    assert len(codes) == recovery_codes.COUNT == len(set(codes))
    row = AuthenticatorApp.objects.filter(user=bob.user).values("secret").get()
    bob.user.authenticator_app.refresh_from_db()
    assert bob.user.authenticator_app.secret not in str(row["secret"].token)
    assert not set(codes) & set(RecoveryCode.objects.values_list("code_hash", flat=True))


def test_a_recovery_code_is_used_once_recorded_and_reported(bob):
    codes = set_up(bob)
    second_factor.check(user=bob.user, code=codes[3].upper().replace("-", " "), device=HERE)
    with pytest.raises(second_factor.WrongCode):
        second_factor.check(user=bob.user, code=codes[3], device=HERE)
    assert "user.recovery_code_used" in events_of(bob)
    assert SecurityNotice.objects.get(kind="code_used").details == {"left": "9"}


def test_renewed_codes_end_those_of_before(bob):
    old = set_up(bob)
    new = second_factor.renew_codes(user=bob.user)
    with pytest.raises(second_factor.WrongCode):
        second_factor.check(user=bob.user, code=old[0], device=HERE)
    second_factor.check(user=bob.user, code=new[0], device=HERE)


def test_an_app_counts_when_it_has_shown_a_code(bob):
    second_factor.begin_app(user=bob.user)
    with pytest.raises(second_factor.WrongFirstCode):
        second_factor.confirm_app(user=bob.user, code="000000")
    bob.user.refresh_from_db()
    assert not bob.user.has_second_factor


def test_another_phone_takes_the_place_of_the_first_when_it_has_shown_a_code(bob):
    set_up(bob)
    before = bob.user.authenticator_app.secret
    second_factor.begin_app(user=bob.user)
    second_factor.check(user=bob.user, code=code_of(bob), device=HERE)
    assert set_up(bob) == []  # the recovery codes stay
    bob.user.authenticator_app.refresh_from_db()
    assert bob.user.authenticator_app.secret != before


def test_guesses_at_codes_are_slowed_and_a_right_password_does_not_forget_them(bob, rf):
    set_up(bob)
    request = rf.post("/", REMOTE_ADDR=HERE.address)
    for _ in range(throttle.PAIR.failures):
        sign_in.verify_password(request=request, email=bob.user.email, password=PASSWORD)
        with pytest.raises(second_factor.WrongCode):
            second_factor.check(user=bob.user, code="123456", device=HERE)
    with pytest.raises(throttle.TooManyAttempts):
        second_factor.check(user=bob.user, code=code_of(bob), device=HERE)


def test_a_new_password_forgets_no_guesses_and_trusts_no_browser(bob):
    set_up(bob)
    TrustedBrowser.objects.create(user=bob.user, token_hash="x", expires_at="2099-01-01T00:00Z")
    for number in range(throttle.ACCOUNT.failures):
        throttle.count_failure(email=bob.user.email, address=f"203.0.113.{number}")
    passwords.set_own(user=bob.user, password="another calm day")
    assert not TrustedBrowser.objects.exists()
    with pytest.raises(throttle.TooManyAttempts):
        second_factor.check(user=bob.user, code=code_of(bob), device=HERE)


def test_the_last_factor_stays_where_the_organization_requires_one(alice, bob):
    for person in (alice, bob):
        set_up(person)
    with organization_scope(alice.organization):
        organizations.require_second_factor(organization=alice.organization, is_required=True, actor=alice.actor)
    with pytest.raises(second_factor.FactorNeeded):
        second_factor.remove_app(user=bob.user)
    with organization_scope(alice.organization):
        organizations.require_second_factor(organization=alice.organization, is_required=False, actor=alice.actor)
    second_factor.remove_app(user=bob.user)
    assert not bob.user.has_second_factor
    assert not RecoveryCode.objects.filter(user=bob.user).exists()
    assert events_of(bob)[-1] == "user.second_factor_removed"


def test_only_who_has_one_and_may_edit_settings_requires_one_of_others(alice, bob):
    with organization_scope(alice.organization):
        with pytest.raises(organizations.OwnFactorMissing):
            organizations.require_second_factor(organization=alice.organization, is_required=True, actor=alice.actor)
        set_up(bob)
        with pytest.raises(organizations.grants.NotPermitted):
            organizations.require_second_factor(organization=alice.organization, is_required=True, actor=bob.actor)


def test_a_reset_takes_everything_away_and_the_person_is_notified(alice, bob, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    set_up(bob)
    with organization_scope(alice.organization):
        members.reset_second_factor(member=bob.member, actor=alice.actor)
        with pytest.raises(members.NoSecondFactor):
            members.reset_second_factor(member=bob.member, actor=alice.actor)
    assert not AuthenticatorApp.objects.filter(user=bob.user).exists()
    assert not RecoveryCode.objects.filter(user=bob.user).exists()
    with organization_scope(alice.organization):
        event = Event.objects.get(type="user.second_factor_reset")
    assert (event.subject_id, event.actor_label) == (str(bob.member.pk), "Alice Hart")
    notices.send_due()
    told = [message for message in mail.outbox if "reset" in message.subject]
    assert [message.to for message in told] == [[bob.user.email]]
    assert "Alice Hart reset your second factor" in told[0].body
    assert not SecurityNotice.objects.exists()


def test_nobody_resets_their_own_one_above_or_one_that_is_another_organizations_as_well(alice, bob, mona, charlie):
    set_up(alice)
    set_up(bob)
    with organization_scope(alice.organization):
        with pytest.raises(members.OwnFactor):
            members.reset_second_factor(member=alice.member, actor=alice.actor)
        with pytest.raises(members.grants.NotPermitted):
            members.reset_second_factor(member=bob.member, actor=mona.actor)
    with organization_scope(charlie.organization):
        Member.objects.create(organization=charlie.organization, user=bob.user, role=charlie.member.role)
    with organization_scope(alice.organization), pytest.raises(members.OtherOrganizations):
        members.reset_second_factor(member=bob.member, actor=alice.actor)
    bob.user.refresh_from_db()
    assert bob.user.has_second_factor


def test_a_mail_that_can_not_be_sent_stays_and_says_why(alice, settings):
    settings.EMAIL_BACKEND = "tests.accounts.factors.NoSuchBackend"
    set_up(alice)
    notices.send_due()
    row = SecurityNotice.objects.get()
    assert row.last_error
    assert row.due_at is not None


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Safari/605",
            "Safari on macOS",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140 Safari/537 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140 Safari/604", "Chrome on iPhone"),
        ("python-requests/2.34", "python-requests/2.34"),
        ("", "Unknown device"),
    ],
)
def test_a_device_is_called_by_what_people_know(agent, label):
    assert label_of(agent) == label


def test_tokens_are_ended_one_by_one_and_only_ones_own(bob, alice):
    one, other = tokens.begin(member=bob.member, device=HERE), tokens.begin(member=bob.member)
    families = tokens.open_of(bob.user)
    mine = next(family for family in families if family.user_agent == HERE.user_agent)
    assert tokens.end(user=alice.user, pk=mine.pk) == 0
    assert tokens.end(user=bob.user, pk=mine.pk) == 1
    with pytest.raises(tokens.InvalidToken):
        tokens.member_of(one.access_token)
    assert tokens.member_of(other.access_token) == bob.member


def test_who_joins_later_is_asked_as_well(alice):
    set_up(alice)
    with organization_scope(alice.organization):
        organizations.require_second_factor(organization=alice.organization, is_required=True, actor=alice.actor)
    late = join(alice, "late@harbour.example", "Late", "counselor")
    assert late.client.get(late.url("inbox/")).url.startswith("/account/authenticator-app/")
