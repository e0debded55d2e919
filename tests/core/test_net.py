"""The guard of addresses: what leads into a network of ours is refused, in whatever notation it hides."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from core import net

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "192.88.99.1", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd12::1", "fec0::1", "feff::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::127.0.0.1", "::10.0.0.1", "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254",
    "64:ff9b:1::1", "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "2a00:1450:4001::5efe:10.0.0.1", "2a00:1450:4001::200:5efe:192.168.0.1",
    "100::1", "3fff::1", "192.0.0.8", "::ffff:192.0.0.8", "5f00::1", "4000::1", "no address", "", "127.1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "2a00:1450:4001:829::200e", "2606:4700:4700::1111", "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8", "2a00:1450:4001::5efe:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_refused(address: str):
    assert not net.is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_reached(address: str):
    assert net.is_public(address)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in a], socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_one_address_that_is_not_public_refuses_the_name(monkeypatch: pytest.MonkeyPatch):
    resolving(monkeypatch, "8.8.8.8", "64:ff9b::7f00:1")
    with pytest.raises(net.NotPublic):
        net.connect("mail.example", 25, seconds=1)


def test_a_name_that_is_allowed_is_reached_wherever_it_is():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for allowed in (["localhost"], ["*"]):
            net.connect("localhost", port, seconds=5, allowed=allowed).close()
        with pytest.raises(net.NotPublic):
            net.connect("localhost", port, seconds=5, allowed=["other.example"])


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch):
    """A name that is public when it is asked and leads home when it is used is asked once."""
    asked = []
    resolving(monkeypatch, "192.0.2.1")
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: asked.append(a) or real(*a, **k))
    connected = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: connected.append(address))
    monkeypatch.setattr(net, "is_public", lambda text: True)
    net.connect("mail.example", 25, seconds=1).close()
    assert connected == [("192.0.2.1", 25)]
    assert len(asked) == 1
