"""What the OpenAPI of the application says of every operation alike: whatever goes wrong is a problem document.

The framework would announce its own error, 422, which this server never sends for a wrong parameter: it sends 400 with
a problem (RFC 9457).
"""

from __future__ import annotations

from typing import Any

from dashlight.border.asgi import PROBLEM_TYPE

_REF = {"$ref": "#/components/schemas/Problem"}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457)",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable; docs/reference/errors.md lists them"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What was wrong, with the value and the bound"},
        "hint": {"type": "string", "description": "What to do next"},
    },
}
_SAID = {"400": "A parameter or the body is wrong; `detail` says which and why"}
_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI document whose operations announce problems; it is changed in place, once or more."""
    document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for path in document.get("paths", {}).values():
        for operation in (path[method] for method in _METHODS if method in path):
            _announce(operation.setdefault("responses", {}))
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
    return document


def _announce(responses: dict[str, Any]) -> None:
    responses.pop("422", None)
    for status, description in (*_SAID.items(), ("default", "A problem")):
        responses.setdefault(status, {"description": description})
    for status, response in responses.items():
        if status == "default" or status.startswith(("4", "5")):
            response["content"] = {PROBLEM_TYPE: {"schema": _REF}}
