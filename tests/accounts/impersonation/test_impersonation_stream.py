"""The stream of who acts as a member: theirs, without their being here, and over with the impersonation."""

from __future__ import annotations

import pytest

from accounts.access.pages import _signed_in
from accounts.impersonation import services as impersonation
from accounts.models import Impersonation
from core.tenancy import organization_scope
from messaging.inbox.live_updates import Credentials, look
from tests.accounts.impersonation.conftest import rows
from tests.messaging.inbox.test_live_views import signal

pytestmark = pytest.mark.django_db


def test_it_tells_what_the_member_sees_until_it_ends(alice, bob, acting, make_conversation):
    his, hers = make_conversation(bob), make_conversation(alice)
    [row] = rows(alice)
    credentials = Credentials(
        bob.member.pk, bob.member.organization_id, acting.session.session_key, bob.user.get_session_auth_hash(),
        impersonation_id=row.pk,
    )  # fmt: skip

    def told():
        [text] = look(bob.member.organization_id, [credentials], [signal(his), signal(hers)])
        return text

    assert str(his.pk) in told()
    assert str(hers.pk) not in told()
    with organization_scope(alice.organization):
        impersonation.end(Impersonation.objects.with_both().get(pk=row.pk), how=Impersonation.How.PERSON)
    assert told() is None


def test_the_door_knows_who_acts(alice, bob, acting, rf):
    [row] = rows(alice)
    request = rf.get(alice.url("live/"))
    request.session = acting.session
    request.impersonation, request.user = impersonation.find(row.pk), bob.user
    signed_in = _signed_in(request, alice.organization.slug)
    assert (signed_in.member.pk, signed_in.impersonation_id) == (bob.member.pk, row.pk)
    assert not bob.user.browser_sessions.exists()
