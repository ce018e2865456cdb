"""What of a client's address a client cannot change, and whether it is of this machine."""

from __future__ import annotations

import ipaddress

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _parsed(address: str) -> _Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def network_of(address: str) -> str:
    """Return what one sender cannot change of its address: all of IPv4, the first 64 bits of IPv6."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)


def wider_network_of(address: str) -> str:
    """Return what one sender that has many addresses cannot change: the first 24 bits of IPv4, 48 of IPv6."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, 48), strict=False))
    return address if parsed is None else str(ipaddress.IPv4Network((parsed, 24), strict=False))


def is_this_machine(address: str) -> bool:
    """Return whether an address is of this machine, or none: a proxy that is not believed, or the operator."""
    parsed = _parsed(address)
    return not address or (parsed is not None and parsed.is_loopback)
