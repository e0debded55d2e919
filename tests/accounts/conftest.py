from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.models import SignInProvider
from tests.accounts.providers import set_up
from tests.conftest import Person
from tests.fakes.openid import Provider, serving


@pytest.fixture
def fake() -> Iterator[Provider]:
    """A provider on loopback, where Bob's account has the subject 1001."""
    with serving(Provider()) as provider:
        yield provider


@pytest.fixture
def provider(alice: Person, fake: Provider) -> SignInProvider:
    """The same, set up for the Harbour Clinic."""
    made = set_up(alice, fake)
    fake.redirects = {made.callback_address}
    return made
