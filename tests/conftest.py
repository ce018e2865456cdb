"""For every test: no network but loopback, and examples that a slow machine does not fail on."""

import errno
import ipaddress
import os
import socket
import sys

import hypothesis

hypothesis.settings.register_profile(
    "dashlight", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("dashlight")


def is_here(host):
    """Return whether a host is this machine; names other than its own are looked up nowhere."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def offline(event, arguments):
    """Answer as a machine without network does; an audit hook sees what C code opens as well."""
    if event == "socket.getaddrinfo" and not is_here(arguments[0]):
        raise socket.gaierror(socket.EAI_NONAME, f"tests have no network: {arguments[0]!r}")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not is_here(arguments[1][0]):
        raise OSError(errno.ENETUNREACH, f"{os.strerror(errno.ENETUNREACH)}: tests have no network: {arguments[1]!r}")


sys.addaudithook(offline)
