"""Every parameter and every member of a body that the OpenAPI names, made wrong in turn: 400, and which and why.

What is wrong follows from the schema; where that allows any text, from what the parameter is for. A new parameter that
takes any text has to be named in `ANY_TEXT`, or refuse what is none of its texts.
"""

import json
import re
import socket
from contextlib import closing

import httpx
import made_bundles
import pytest
from servers import personal_archive, served

from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy
from dashlight.wire import MEDIA_TYPE

NONSENSE = "!wrong?"
METHODS = ("get", "post", "put", "patch", "delete")
ANY_TEXT = {
    *("comment", "reporter_comments", "q", "invite", "license", "reason", "reporter_email"),
    *("ids", "collections", "fields"),  # Names of which none need be known.
    *("if-none-match", "if-modified-since"),  # What they do not name is sent.
}
# Names of things: of what is not there the reply is 404, and whose word it is, 401.
NAMES = {"collection_id", "item_id", "feature_id", "account_id", "export_format", "path", "key", "sequence_id"}
CREDENTIALS = {"authorization", "dashlight-signature", "dashlight-deletion-secret"}
OPERATOR = ("/operator", "/v1/operator")  # Asked without the operator's key, whatever is asked is 401 or 404.


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("server")) as running:
        receipt = running.publish(made_bundles.archive(10, bundle_number=1))
        running.publish(personal_archive(3, 3), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        collections = running.client.get("/api/collections").json()["collections"]
        running.known = {
            "picture_id": receipt.picture_ids[0],
            "item_id": receipt.picture_ids[0],
            "collection_id": collections[0]["id"],
            "sha256": "0" * 64,
            "z": "3",
            "x": "1",
            "y": "1",
        }
        running.api = running.client.get("/v1/openapi.json").json()
        yield running


def operations(api):
    """Yield method, path and operation of everything that is named."""
    for path, named in api["paths"].items():
        for method in METHODS:
            if method in named:
                yield method, path, named[method]


def resolved(api, schema):
    """Return a schema without references, and of alternatives the one that is not null."""
    while "$ref" in schema:
        found = api
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    for alternatives in ("anyOf", "oneOf", "allOf"):
        if alternatives in schema:
            given = [each for each in schema[alternatives] if each.get("type") != "null"]
            return resolved(api, given[0])
    return schema


def wrong_texts(schema, name):
    """Yield texts that a parameter of a schema does not take."""
    kind = schema.get("type")
    if kind in ("integer", "number"):
        yield from (NONSENSE, "")
        if "minimum" in schema:
            yield str(schema["minimum"] - 1)
        for bound, step in (("maximum", 1), ("exclusiveMaximum", 0)):
            if bound in schema:
                yield str(schema[bound] + step)
        yield "9" * 30 if "maximum" in schema else "-" + "9" * 30
    elif kind == "boolean":
        yield NONSENSE
    elif "maxLength" in schema:
        yield "a" * (schema["maxLength"] + 1)
    if kind == "string" and (name not in ANY_TEXT or {"enum", "format", "pattern"} & schema.keys()):
        yield NONSENSE


def filled(path, known, others=None):
    """Return a path with its parameters; unknown ones get a text that none is named."""
    if path.startswith("/ogc/"):
        known = {**known, "collection_id": "pictures"}  # There, a collection is a table.
    return re.sub(r"\{(\w+)(?::path)?\}", lambda m: (others or {}).get(m[1], known.get(m[1], "nothing")), path)


def status_due(name, path):
    """Return which statuses refuse a wrong value of that name."""
    if path.startswith(OPERATOR):
        return {400, 401, 403, 404}
    if name in CREDENTIALS:
        return {400, 401}
    return {400, 404} if name in NAMES else {400}


def is_named(name, detail):
    """Return whether the words of a problem name a parameter, or say what it is in words of their own."""
    words = {"from": "from", "z": "z", "x": "x", "y": "y"}.get(name, name)
    return words.lower().replace("-", "").replace("_", "") in detail.lower().replace("-", "").replace("_", "")


def refused(reply, name, path, value):
    """Return what is wrong with a refusal, or None."""
    what = f"{name}={value[:60]!r} of {path}: {reply.status_code} {reply.text[:200]}"
    if reply.status_code not in status_due(name, path):
        return what
    if reply.headers["content-type"] != "application/problem+json":
        return what
    problem = reply.json()
    if problem["status"] != reply.status_code or not problem["detail"]:
        return what
    if reply.status_code == 400 and not is_named(name, problem["detail"]):
        return f"does not say which: {what}"
    return None


def asked(server, method, path, *, query=None, headers=None, body=None):
    """Return the head and body of a reply; a stream that should have been refused is not read."""
    with server.client.stream(method, path, params=query, headers=headers, json=body) as reply:
        if reply.headers.get("content-type", "").startswith("text/event-stream"):
            return httpx.Response(reply.status_code, headers=reply.headers, text="a stream")
        reply.read()
        return reply


def test_every_wrong_parameter_is_refused_by_name(server):
    found, count = [], 0
    for method, path, operation in operations(server.api):
        content = operation.get("requestBody", {}).get("content", {})
        body = right_value(server.api, content["application/json"]["schema"]) if "application/json" in content else None
        typed = {"Content-Type": MEDIA_TYPE} if MEDIA_TYPE in content else {}
        for parameter in operation.get("parameters", []):
            name, where = parameter["name"], parameter["in"]
            for value in wrong_texts(resolved(server.api, parameter["schema"]), name):
                count += 1
                if where == "path":
                    if not value or "/" in value:
                        continue
                    url = filled(path, server.known, {name: value.replace("?", "%3F")})
                    reply = asked(server, method, url, body=body, headers=typed)
                elif where == "query":
                    reply = asked(server, method, filled(path, server.known), query={name: value}, body=body)
                else:
                    reply = asked(
                        server, method, filled(path, server.known), headers={name: value or " ", **typed}, body=body
                    )
                found.append(refused(reply, name, path, value))

    assert count > 50
    assert [each for each in found if each] == []


def wrong_values(schema):
    """Yield JSON values that a member of a schema does not take."""
    kind = schema.get("type")
    by_kind = {
        "string": (5, ["a"], {"a": 1}),
        "integer": ("a", 1.5, [1], {}),
        "number": ("a", [1], {}),
        "array": ("a", 5, {"a": 1}),
        "object": ("a", 5, ["a"]),
        "boolean": ("a", 5, {}),
    }
    yield from by_kind.get(kind, ())
    if "enum" in schema:
        yield NONSENSE
    if "maxLength" in schema:
        yield "a" * (schema["maxLength"] + 1)
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maximum" in schema:
        yield schema["maximum"] + 1


def right_value(api, schema):
    """Return a JSON value that a schema takes."""
    schema = resolved(api, schema)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {n: right_value(api, schema["properties"][n]) for n in schema.get("required", [])}
    by_kind = {"string": "a", "integer": schema.get("minimum", 1), "number": 1.0, "boolean": True, "array": []}
    if schema.get("format") == "uuid":
        return "8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c"
    return by_kind.get(schema.get("type"))


def bodies(api):
    """Yield method, path and schema of every JSON body."""
    for method, path, operation in operations(api):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            yield method, path, resolved(api, content["schema"])


def test_every_wrong_member_of_a_body_is_refused_by_name(server):
    found, count = [], 0
    for method, path, schema in bodies(server.api):
        right = right_value(server.api, schema)
        url = filled(path, server.known)
        for name, member in schema.get("properties", {}).items():
            for value in wrong_values(resolved(server.api, member)):
                if "oneOf" in member and not isinstance(value, list | int):
                    continue
                count += 1
                reply = asked(server, method, url, body={**right, name: value})
                found.append(refused(reply, name, path, json.dumps(value)))
        for name in schema.get("required", []):
            reply = asked(server, method, url, body={n: v for n, v in right.items() if n != name})
            found.append(refused(reply, name, path, "(left out)"))
        if schema.get("additionalProperties") is False:
            reply = asked(server, method, url, body={**right, "stranger": 1})
            found.append(refused(reply, "stranger", path, "1"))

    assert count > 10
    assert [each for each in found if each] == []


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b'"a"', b"\xff\xfe", b"[" * 5_000, b'{"a":NaN}'])
def test_a_body_that_is_no_json_object_is_refused(server, content):
    found = []
    for method, path, _ in bodies(server.api):
        reply = server.client.request(
            method, filled(path, server.known), content=content, headers={"Content-Type": "application/json"}
        )
        if reply.status_code not in status_due("", path) or not reply.json()["detail"]:
            found.append((path, reply.status_code, reply.text[:100]))

    assert found == []


def test_every_body_over_the_bound_is_refused(server):
    found = []
    for method, path, operation in operations(server.api):
        if "requestBody" in operation:
            size = (64 << 20) + 1 if MEDIA_TYPE in operation["requestBody"]["content"] else (64 << 10) + 1
            url = server.client.build_request(method, filled(path, server.known)).url
            found.append((path, announced(server, method.upper(), url.raw_path, size)))

    assert len(found) >= 4
    assert {status for path, status in found if not path.startswith("/v1/bundles")} == {413}
    assert dict(found)["/v1/bundles/{sha256}"] in (401, 413)


def announced(server, method, path, size):
    """Return the status of a request that announces a body of that size and sends none of it."""
    host, port = server.url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), timeout=10)) as connection:
        head = f"{method} {path.decode()} HTTP/1.1\r\nHost: x\r\nContent-Type: {MEDIA_TYPE}\r\n"
        head += f"Authorization: Bearer {'A' * 43}\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode())
        return int(connection.recv(100).split(b" ")[1])


@pytest.mark.parametrize(
    "query",
    [
        "bbox=1,2,3",
        "bbox=181,0,182,1",
        "bbox=0,10,1,5",
        "bbox=0,0,1,nan",
        "bbox=1,2,3,4,5,6",
        "bbox=",
        "bbox=" + "1" * 300,
    ],
)
def test_a_wrong_box_of_a_live_stream_is_refused(server, query):
    reply = asked(server, "GET", "/live?" + query)

    assert reply.status_code == 400
    assert "bbox" in reply.json()["detail"]
