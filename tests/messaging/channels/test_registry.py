from __future__ import annotations

from datetime import timedelta

import pytest

from messaging.channels.base import Kind, Retry
from messaging.channels.registry import UnknownProvider, capabilities, provider, providers, simulators


def test_the_providers_are_found_by_their_keys():
    assert list(providers()) == ["twilio", "smtp", "simulator", "website"]
    assert all(provider(key).key == key for key in providers())


def test_the_simulator_is_the_one_that_reaches_nobody():
    assert list(simulators()) == ["simulator"]
    assert set(simulators()["simulator"].starting_channels) == set(provider("simulator").kinds)


def test_an_unknown_provider_is_named_with_those_there_are():
    with pytest.raises(UnknownProvider, match=r"pigeon.*twilio, smtp, simulator"):
        provider("pigeon")


@pytest.mark.parametrize(
    ("key", "kinds"),
    [
        ("twilio", {Kind.WHATSAPP, Kind.SMS}),
        ("smtp", {Kind.EMAIL}),
        ("simulator", {Kind.WHATSAPP, Kind.SMS, Kind.EMAIL}),
        ("website", {Kind.WEB}),
    ],
)
def test_a_provider_carries_its_kinds_and_no_other(key, kinds):
    assert set(provider(key).kinds) == kinds
    for kind in kinds:
        assert capabilities(key, kind).kind is kind
    for kind in set(Kind) - kinds:
        with pytest.raises(UnknownProvider, match="does not carry"):
            capabilities(key, kind)


def test_a_kind_that_does_not_exist_is_not_carried():
    with pytest.raises(UnknownProvider, match="'pigeon'"):
        capabilities("twilio", "pigeon")


def test_only_whatsapp_has_a_reply_window():
    assert capabilities("twilio", "whatsapp").reply_window == timedelta(hours=24)
    assert capabilities("twilio", "sms").reply_window is None
    assert capabilities("smtp", "email").reply_window is None


def test_secret_credentials_are_marked_and_every_field_is_unique():
    for one in providers().values():
        for kind in one.kinds:
            fields = one.credential_fields(kind)
            assert len({field.key for field in fields}) == len(fields)
            for field in fields:
                assert field.is_secret == (field.key in {"auth_token", "password", "imap_password", "oauth_token"})


@pytest.mark.parametrize(
    ("key", "retry"),
    [("twilio", Retry.LATER), ("smtp", Retry.LATER), ("simulator", Retry.LATER), ("website", Retry.NEVER)],
)
def test_every_provider_explains_codes_it_has_never_seen(key, retry):
    for code in ("", "99999", "nonsense"):
        meaning = provider(key).explain(code)
        assert meaning.retry is retry
        assert meaning.message.endswith(".")
