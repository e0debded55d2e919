from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.public_address import webhook_url
from messaging.channels.twilio.signature import OVERRIDES, verify
from tests.fakes.documents import document
from tests.fakes.twilio import signature

TOKEN = "12345"
URL = "https://crm.example.com/webhooks/twilio/whatsapp"
PARAMS = {"MessageSid": "SM1", "From": "whatsapp:+15005550101", "Body": "Grüße, \n日本 🙂", "Empty": ""}


def is_valid(
    *, url: str = URL, body: bytes | None = None, header: str | None = None, token: str | None = TOKEN
) -> bool:
    return verify(urls=[url], body=urlencode(PARAMS).encode() if body is None else body, signature=header, token=token)


def test_twilios_own_vectors():
    vectors = document("payloads/signature-vectors.json")
    for vector in vectors["vectors"]:
        body = (vector.get("form") or urlencode(vector["params"])).encode()
        given = {"urls": [vector["url"]], "signature": vector["signature"], "token": vectors["auth_token"]}
        assert verify(body=body, **given)
        assert not verify(body=body + b"&More=1", **given)


def test_repeated_values_count_once_and_sorted():
    """Twilio's published example of a form with the same field three times, two of them equal."""
    body = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert is_valid(url=url, body=body, header="IK+Dwps556ElfBT0I3Rgjkr1wJU=")
    assert not is_valid(url=url, body=b"Sid=CA123&SidAccount=AC123&Digits=1234", header="IK+Dwps556ElfBT0I3Rgjkr1wJU=")


def test_letters_of_every_script_and_blank_values_are_signed():
    header = signature(TOKEN, URL, PARAMS)
    assert is_valid(header=header)
    without_blank = urlencode({key: value for key, value in PARAMS.items() if value}).encode()
    assert not is_valid(header=header, body=without_blank)


@pytest.mark.parametrize("told", [URL, URL + OVERRIDES, URL.replace(".com/", ".com:443/") + OVERRIDES])
def test_the_retry_options_behind_an_address_may_be_signed_or_not(told):
    assert is_valid(header=signature(TOKEN, told, PARAMS))
    assert not is_valid(header=signature(TOKEN, told + "&x=1", PARAMS))


@pytest.mark.parametrize("changed", [{"Body": "other"}, {"From": "whatsapp:+1"}, {"New": "x"}])
def test_a_changed_form_is_refused(changed):
    body = urlencode({**PARAMS, **changed}).encode()
    assert not is_valid(header=signature(TOKEN, URL, PARAMS), body=body)


@pytest.mark.parametrize("header", [None, "", "nonsense", "ä", "\udcff", "a" * 10_000])
def test_a_missing_or_strange_header_is_refused(header):
    assert not is_valid(header=header)


@pytest.mark.parametrize("token", [None, ""])
def test_an_empty_token_verifies_nothing(token):
    assert not is_valid(header=signature("", URL, PARAMS), token=token)


def test_another_accounts_token_is_refused():
    assert not is_valid(header=signature("67890", URL, PARAMS))


@pytest.mark.parametrize(
    ("signed", "called"),
    [
        ("https://crm.example.com/in?a=b", "https://crm.example.com/in?a=b"),
        ("https://crm.example.com:443/in", "https://crm.example.com/in"),
        ("https://crm.example.com/in", "https://crm.example.com:443/in"),
        ("http://crm.example.com:80/in", "http://crm.example.com/in"),
        ("https://crm.example.com:8443/in", "https://crm.example.com:8443/in"),
        ("https://crm.example.com/in", "https://crm.example.com:8443/in"),
        ("https://me:word@crm.example.com/in", "https://me:word@crm.example.com:443/in"),
        ("https://[2001:db8::1]/in", "https://[2001:db8::1]:443/in"),
        ("https://[2001:db8::1]:443/in", "https://[2001:db8::1]/in"),
        ("https://crm.example.com", "https://crm.example.com:443"),
    ],
)
def test_a_port_may_stand_there_or_not(signed, called):
    assert is_valid(url=called, header=signature(TOKEN, signed, PARAMS))


@pytest.mark.parametrize(
    "called",
    [
        "http://crm.example.com/in",
        "https://crm.example.com/in?x=1",
        "https://crm.example.com/other",
        "https://evil.example.com/in",
    ],
)
def test_another_url_is_refused(called):
    assert not is_valid(url=called, header=signature(TOKEN, "https://crm.example.com/in", PARAMS))


def test_the_settings_know_the_public_side_of_a_proxy(settings):
    settings.TWILIO_WEBHOOK_BASE_URL = "https://crm.example.com/"
    url = webhook_url("/webhooks/twilio/status?message=1&t=a%20b")
    assert url == "https://crm.example.com/webhooks/twilio/status?message=1&t=a%20b"
    assert is_valid(url=url, header=signature(TOKEN, url, PARAMS))


def test_one_of_several_urls_is_enough():
    body, header = urlencode(PARAMS).encode(), signature(TOKEN, URL, PARAMS)
    inside = "http://inside:8000/webhooks/twilio/whatsapp"
    assert verify(urls=[inside, URL], body=body, signature=header, token=TOKEN)
    assert not verify(urls=[inside], body=body, signature=header, token=TOKEN)
    assert not verify(urls=[], body=body, signature=header, token=TOKEN)


def test_a_call_without_a_body_is_signed_by_its_url():
    url = f"{URL}?MessageSid=SM1&Body="
    assert is_valid(url=url, body=b"", header=signature(TOKEN, url, {}))
    assert not is_valid(url=f"{url}x", body=b"", header=signature(TOKEN, url, {}))


class TestJson:
    BODY = '{"text": "grüß"}'.encode()

    def verify(self, url: str, body: bytes, header: str) -> bool:
        return verify(urls=[url], body=body, content_type="application/json", signature=header, token=TOKEN)

    def test_the_url_carries_the_hash_of_the_body(self):
        url = f"{URL}?bodySHA256={hashlib.sha256(self.BODY).hexdigest()}"
        assert self.verify(url, self.BODY, signature(TOKEN, url, {}))
        assert not self.verify(url, self.BODY + b" ", signature(TOKEN, url, {}))

    def test_a_body_that_nothing_speaks_for_is_refused(self):
        assert not self.verify(URL, self.BODY, signature(TOKEN, URL, {}))

    def test_a_strange_hash_is_refused(self):
        url = f"{URL}?bodySHA256=%ff%fe"
        assert not self.verify(url, self.BODY, signature(TOKEN, url, {}))


@given(st.binary(), st.text(), st.text(), st.text())
def test_nothing_from_outside_raises(body, url, header, content_type):
    assert not verify(urls=[url], body=body, content_type=content_type, signature=header, token=TOKEN)
    assert not verify(urls=[url], body=body, signature=header, token=TOKEN)


def test_a_form_with_too_many_fields_is_refused():
    body = "&".join(f"f{number}=1" for number in range(2000)).encode()
    mac = hmac.new(TOKEN.encode(), URL.encode(), hashlib.sha1).digest()
    assert not is_valid(body=body, header=base64.b64encode(mac).decode())
