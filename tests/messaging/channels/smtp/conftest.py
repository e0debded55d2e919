from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.dovecot import Dovecot, dovecot


@pytest.fixture(autouse=True)
def short_time_outs(settings):
    settings.PROVIDER_TIMEOUT_SECONDS = 2


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The test's certificate is one that everybody vouches for."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture(scope="session")
def real_mailbox(certificate) -> Iterator[Dovecot]:
    """One Dovecot for all tests, with TLS; each takes a user of its own."""
    with dovecot(certificate) as server:
        yield server
