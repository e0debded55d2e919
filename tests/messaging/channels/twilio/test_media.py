"""Files of inbound messages, fetched from Twilio and from nowhere else."""

from __future__ import annotations

import gzip
import io
import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.abilities import FetchedMedia, FetchError, FetchesMedia
from messaging.channels.registry import provider
from messaging.channels.twilio import media
from messaging.channels.twilio.http import NoAnswer, https_host, pooled_client
from tests.fakes.twilio import File
from tests.fakes.twilio.answers import Answer
from tests.messaging.channels.conftest import OUR_NUMBER, THEIR_NUMBER

twilio_provider = provider("twilio")
PNG = b"\x89PNG" + bytes(range(256)) * 40


def fetched(account: Any, url: str, most: int = 100_000) -> tuple[FetchedMedia, bytes]:
    assert isinstance(twilio_provider, FetchesMedia)
    into = io.BytesIO()
    return twilio_provider.fetch_media(account, url, into=into, max_bytes=most), into.getvalue()


def failure(account: Any, url: str, most: int = 100_000) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetched(account, url, most)
    assert caught.value.message.endswith(".")
    return caught.value


@pytest.fixture
def picture(twilio) -> File:
    return File(PNG, "image/png", "visit card.png")


@pytest.fixture
def url(twilio, picture) -> str:
    message = twilio.receive(sender=f"whatsapp:{THEIR_NUMBER}", to=f"whatsapp:{OUR_NUMBER}", files=[picture])
    return picture.url(message)


def test_a_file_is_fetched_with_the_accounts_credentials(whatsapp_account, url, picture):
    result, content = fetched(whatsapp_account, url)
    assert (result, content) == (FetchedMedia("image/png", len(PNG), "visit card.png"), PNG)
    assert picture.asked_with_credentials == [True]


def test_a_type_is_reported_without_its_parameters_and_only_when_it_is_one(whatsapp_account, url, picture):
    for stated, told in (("Text/Plain; charset=utf-8", "text/plain"), ("nonsense", ""), ("a/b/c", ""), ("", "")):
        picture.content_type = stated
        assert fetched(whatsapp_account, url)[0].content_type == told


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\y.pdf"', "y.pdf"),
        ("attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("attachment; filename*=nonsense''x", "x"),
        ("attachment", ""),
        ('attachment; filename="' + "a" * 3000, ""),
    ],
)
def test_a_name_is_reported_without_a_folder(whatsapp_account, url, picture, stated, name):
    picture.filename = ""
    picture.headers = [("Content-Disposition", stated)]
    told = fetched(whatsapp_account, url)[0].filename
    assert told == name or (not name and len(told) <= 255)


def test_a_redirect_is_followed_without_the_credentials(whatsapp_account, url, picture):
    picture.steps = [307]
    assert fetched(whatsapp_account, url)[1] == PNG
    assert picture.asked_with_credentials == [True, False]


def test_three_redirects_are_followed_and_no_fourth(whatsapp_account, url, picture):
    picture.steps = [302, 301, 308]
    assert fetched(whatsapp_account, url)[1] == PNG
    picture.steps = [302] * 4
    assert (failure(whatsapp_account, url).code, len(picture.steps)) == ("redirects", 0)


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example.com/x",
        "http://mms.twiliocdn.com/x",
        "https://mms.twiliocdn.com.evil.example/x",
        "https://mms.twiliocdn.com:8443/x",
        "https://evil.example\\.twiliocdn.com/x",
        "https://user@mms.twiliocdn.com/x",
        "//evil.example.com/x",
        "file:///etc/passwd",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[oops/",
    ],
)
def test_a_redirect_elsewhere_is_the_end(whatsapp_account, url, picture, location):
    picture.steps, picture.location = [307], location
    error = failure(whatsapp_account, url)
    assert (error.code, error.is_final) == ("host", True)
    assert len(picture.asked_with_credentials) == 1


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://",
        "http://api.twilio.com/x",
        "https://twilio.com.evil.example/x",
        "https://api.twilio.com@evil.example/x",
        "https://evil.example\\.twilio.com/x",
        "https://evil.example#.twilio.com/",
        "https://mms.twiliocdn.com/x",
        "https://bucket.s3.amazonaws.com/x",
        "https://api.twilio.com:99999/x",
        "https://api.twilio.com/" + "x" * 5000,
        "https://api.twilio.com/a b",
        "https://api.twilio.com/\r\nHost: evil",
        "https://ａpi.twilio.com/x",
        "https://api.twilio.com/2010-04-01/Accounts.json",
        "https://api.twilio.com/2010-04-01/Accounts/AC1.json?x=/Messages/MM1/Media/ME1",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/../../../../Accounts.json",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1/%2e%2e",
        "javascript:alert(1)",
    ],
)
def test_nothing_is_fetched_from_anywhere_else(twilio, whatsapp_account, address):
    error = failure(whatsapp_account, address)
    assert (error.code, error.is_final) == ("host", True)


@given(st.text(max_size=60))
def test_no_text_is_an_address_of_twilio_by_accident(text):
    host = https_host(f"https://{text}.twilio.com/x")
    assert host == "" or set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")


@pytest.mark.parametrize(
    ("status", "code", "is_final"),
    [
        (404, "not_found", False),
        (403, "not_found", False),
        (401, "credentials", False),
        (410, "gone", True),
        (429, "busy", False),
        (500, "server", False),
        (503, "server", False),
        (400, "refused", True),
        (304, "host", True),
    ],
)
def test_what_an_answer_means(whatsapp_account, url, picture, status, code, is_final):
    picture.steps = [status]
    if status == 304:
        picture.location, code = "https://evil.example.com/", "refused"
    error = failure(whatsapp_account, url)
    assert (error.code, error.is_final) == (code, is_final)


def test_a_file_that_is_not_there_at_first_is_there_a_little_later(whatsapp_account, url, picture):
    picture.steps = [404, 404]
    assert [failure(whatsapp_account, url).is_final for _ in range(2)] == [False, False]
    assert fetched(whatsapp_account, url)[1] == PNG


def test_going_too_fast_is_reported_with_the_time_to_wait(whatsapp_account, url, picture):
    picture.steps, picture.retry_after = [429], "7"
    assert failure(whatsapp_account, url).retry_after == timedelta(seconds=7)


def test_a_file_that_is_too_large_is_reported_with_its_size(whatsapp_account, url, picture):
    picture.content = b"x" * 2_500_000
    error = failure(whatsapp_account, url, 1_000_000)
    assert (error.code, error.is_final) == ("too_large", True)
    assert "2.5 MB" in error.message
    assert "1.0 MB" in error.message


def test_no_more_than_the_limit_is_kept_of_a_file_that_does_not_tell_its_size(whatsapp_account, url, picture):
    """An answer in pieces has no length, and one that is packed tells the length of the packet."""
    picture.content = gzip.compress(b"x" * 5_000_000)
    picture.headers = [("Content-Encoding", "gzip")]
    into = io.BytesIO()
    with pytest.raises(FetchError) as caught:
        twilio_provider.fetch_media(whatsapp_account, url, into=into, max_bytes=1_000_000)
    assert caught.value.code == "too_large"
    assert len(into.getvalue()) <= 1_000_000


def test_a_file_at_the_limit_is_taken(whatsapp_account, url):
    assert fetched(whatsapp_account, url, len(PNG))[0].size == len(PNG)
    assert failure(whatsapp_account, url, len(PNG) - 1).code == "too_large"


def test_a_file_that_breaks_off_is_asked_for_again(whatsapp_account, url, picture):
    picture.is_cut = True
    error = failure(whatsapp_account, url)
    assert (error.code, error.is_final) == ("connection", False)


@pytest.mark.parametrize("ending", [b"0\r\n\r\n", b"", b"zz\r\n"], ids=["whole", "cut", "broken"])
def test_a_file_that_comes_in_pieces(settings, whatsapp_account, ending):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.TWILIO_API_BASE_URL = f"http://127.0.0.1:{server.getsockname()[1]}"

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(head + b"3\r\nabc\r\n2\r\nde\r\n" + ending)

        threading.Thread(target=serve, daemon=True).start()
        address = "https://api.twilio.com/2010-04-01/Accounts/AC/Messages/MM/Media/ME"
        if ending.startswith(b"0"):
            assert fetched(whatsapp_account, address) == (FetchedMedia("image/png", 5), b"abcde")
        else:
            assert failure(whatsapp_account, address).code == "connection"


def test_a_redirect_to_nowhere_is_the_end(twilio, whatsapp_account, url, monkeypatch):
    monkeypatch.setattr(twilio, "answer", lambda *_: Answer(302, b""))
    assert failure(whatsapp_account, url).code == "refused"


def test_an_empty_file_is_a_file(whatsapp_account, url, picture):
    picture.content = b""
    assert fetched(whatsapp_account, url) == (FetchedMedia("image/png", 0, "visit card.png"), b"")


@pytest.mark.parametrize("page", ["text/html", "text/html; charset=utf-8", "Application/XHTML+xml"])
def test_a_page_of_a_proxy_is_no_file(whatsapp_account, url, picture, page):
    picture.content, picture.content_type = b"<title>Sign in to the network</title>", page
    error = failure(whatsapp_account, url)
    assert (error.code, error.is_final) == ("unreadable", False)
    picture.content, picture.content_type = b"x", "image/png"
    assert fetched(whatsapp_account, url)[1] == b"x"


def test_a_drip_of_bytes_ends_in_time(whatsapp_account, url, picture, monkeypatch):
    monkeypatch.setattr(media, "MAX_SECONDS", -1.0)
    error = failure(whatsapp_account, url)
    assert (error.code, error.is_final) == ("timeout", False)


def test_a_disk_that_is_full_is_reported_as_such(whatsapp_account, url):
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(FetchError) as caught:
        twilio_provider.fetch_media(whatsapp_account, url, into=Full(), max_bytes=100_000)
    assert (caught.value.code, caught.value.is_final) == ("storage", False)


def test_credentials_that_are_wrong_can_be_put_right(whatsapp_account, url):
    for credentials in ({}, {**whatsapp_account.credentials, "auth_token": "old"}):
        error = failure(replace(whatsapp_account, credentials=credentials), url)
        assert (error.code, error.is_final) == ("credentials", False)


def test_a_twilio_out_of_reach_is_asked_again(twilio, whatsapp_account, url):
    twilio.stop()
    error = failure(whatsapp_account, url)
    assert (error.code, error.is_final) == ("connection", False)


def test_a_twilio_that_is_silent_is_given_up_in_time(twilio, whatsapp_account, url, settings):
    settings.PROVIDER_TIMEOUT_SECONDS = 0.3
    twilio.delay = 1.5
    started = time.monotonic()
    assert failure(whatsapp_account, url).code == "connection"
    assert time.monotonic() - started < 1.2


def test_an_address_of_the_stand_in_itself_is_fetched(twilio, whatsapp_account, url):
    own = url.replace("https://api.twilio.com", twilio.url)
    assert fetched(whatsapp_account, own)[1] == PNG


def test_the_users_own_passwords_are_not_looked_for(twilio, tmp_path, monkeypatch, settings):
    """The library reads ~/.netrc for a host that is asked without credentials."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[str] = []
    monkeypatch.setattr(
        twilio, "answer", lambda _method, _target, authorization, *_: seen.append(authorization) or 1 / 0
    )
    client = pooled_client()
    monkeypatch.setattr(client._session, "trust_env", True)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(NoAnswer), client.download("https://mms.twiliocdn.com/x", auth=None):
        pass
    assert seen == [""]
