"""The server as the edge sees it, and how an edge enrols with it."""

from dashlight.edge.server.client import NOT_ENROLLED, Server
from dashlight.edge.server.enrolling import enroll, license_of

__all__ = ["NOT_ENROLLED", "Server", "enroll", "license_of"]
