"""Connections to host names that users enter: never into the network that Parley runs in.

A name that an organization's administrator enters, or that stands in a message, must not lead into the network that
Parley runs in. The addresses behind the name are looked at, and the connection goes to those very addresses: a name
that leads elsewhere a moment later leads nowhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from typing import Final

MAX_ADDRESSES: Final = 6
_MIN_TRY_SECONDS: Final = 1.0

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")  # RFC 4291: all that is assigned for the world
# RFC 9637: documentation, which Python does not know everywhere yet.
_DOCUMENTATION: Final = ipaddress.IPv6Network("3fff::/20")
_TEREDO: Final = ipaddress.IPv6Network("2001::/32")  # RFC 4380: a tunnel to an IPv4 address behind its server
_NOT_IN_USE: Final = (
    ipaddress.IPv4Network("192.88.99.0/24"),  # RFC 7526: withdrawn
    ipaddress.IPv4Network("192.0.0.0/24"),  # RFC 6890: protocol assignments
)
# RFC 5214: an IPv4 address in the interface's half of the address.
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


class NotPublic(Exception):
    """The name resolves to an address that is neither public nor allowed."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name; nothing is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_public(text: str) -> bool:
    """Whether an IP address belongs to a machine in the public network, also by the IPv4 address inside of it."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public_v4(address)
    inside = _embedded(address)
    if inside is not None and not _is_public_v4(inside):
        return False
    if address in _NAT64 or address.ipv4_mapped is not None:
        return True
    is_special = address in _TEREDO or address in _DOCUMENTATION or address.is_multicast
    return address in _UNICAST and address.is_global and not is_special


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in one for one in _NOT_IN_USE)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to this one are for in the end; None where there is none."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def connect(host: str, port: int, *, seconds: float, allowed: Collection[str] = ()) -> socket.socket:
    """A TCP connection whose every step takes `seconds` at most.

    Raises NotPublic for a name with an address that is not public, unless `allowed` has the name (or `*`), and OSError
    or UnicodeError as sockets do.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    is_allowed = "*" in allowed or host.lower() in allowed
    if not is_allowed and not all(is_public(str(address[0])) for *_, address in addresses):
        raise NotPublic(host)
    addresses = addresses[:MAX_ADDRESSES]
    failure = OSError("the name has no address")
    for family, kind, protocol, _, address in addresses:
        connection = socket.socket(family, kind, protocol)
        try:
            # One address that swallows everything must not use up the time of the next.
            connection.settimeout(max(min(seconds, _MIN_TRY_SECONDS), seconds / len(addresses)))
            connection.connect(address)
            connection.settimeout(seconds)
            # Short steps of a conversation: each would wait for the other side's delayed acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure
