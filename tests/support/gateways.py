"""A gateway before a bucket, that checks signed addresses as Amazon publishes it and ranges as RFC 9110 has them.

It shares no code with what signs, and can be told to leave out a check, as a cache or a careless store would. The bytes
come from the real bucket behind it.
"""

import hashlib
import hmac
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote

import s3

# What a gateway may leave undone:
FLAWS = {
    "everything": "it has rights of its own and looks at no signature",
    "cache": "it asks for a signature once and then serves any range of what it keeps under that address",
    "time": "addresses never end",
    "first range": "it checks the first Range and serves the last",
    "version": "it does not know If-Match, and sends the whole object when If-Range does not fit",
    "unsigned": "who asks without a signature is served",
    "headers": "it takes away from the signed headers what does not fit",
}


class Gateway:
    """The server; `flaw` is one of `FLAWS` or None."""

    def __init__(self, objects, prefix, flaw=None):
        self.objects, self.prefix, self.flaw = objects, prefix, flaw
        self.kept = set()
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                outer.answer(self)

            def log_message(self, *_arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request):
        path, _, query = request.path.partition("?")
        if not self.may(request, path, query):
            return reply(request, 403, b"<Error/>")
        self.kept.add(request.path)
        key = unquote(path).removeprefix(f"/dashlight/{self.prefix}/")
        version = self.objects.version(key)
        content = bytes(self.objects._store.get(key).bytes())
        if self.flaw != "version" and request.headers.get("If-Match", version) != version:
            return reply(request, 412, b"<Error/>")
        ranges = request.headers.get_all("Range") or []
        if not ranges or request.headers.get("If-Range", version) != version:
            return reply(request, 200, content)
        first, last = ranges[-1].removeprefix("bytes=").split(",")[0].split("-")
        return reply(request, 206, content[int(first) : int(last) + 1 if last else None])

    def may(self, request, path, query):
        if self.flaw == "everything" or (self.flaw == "cache" and request.path in self.kept):
            return True
        if not query:
            return self.flaw == "unsigned"
        said = dict(parse_qsl(query, keep_blank_values=True))
        signed_at = datetime.strptime(said["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        ends = signed_at + timedelta(seconds=int(said["X-Amz-Expires"]))
        if datetime.now(UTC) >= ends and self.flaw != "time":
            return False
        expected = signature(request, path, query, said, every=self.flaw != "first range")
        return hmac.compare_digest(expected, said["X-Amz-Signature"]) or (
            self.flaw == "headers" and "range" not in said["X-Amz-SignedHeaders"].split(";")
        )


def signature(request, path, query, said, *, every):
    """Return the signature that the request should have, by the published steps."""
    names = said["X-Amz-SignedHeaders"].split(";")
    values = {name: request.headers.get_all(name) or [] for name in names}
    if not every:
        values = {name: found[:1] for name, found in values.items()}
    canonical = "GET\n" + path + "\n"
    canonical += "&".join(sorted(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))) + "\n"
    for name in names:
        canonical += name + ":" + ",".join(value.strip() for value in values[name]) + "\n"
    canonical += "\n" + ";".join(names) + "\nUNSIGNED-PAYLOAD"
    key_id, day, region, service, end = said["X-Amz-Credential"].split("/")
    assert (key_id, service, end) == (s3.KEY_ID, "s3", "aws4_request")
    scope = f"{day}/{region}/{service}/{end}"
    text = f"AWS4-HMAC-SHA256\n{said['X-Amz-Date']}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + s3.SECRET).encode()
    for part in (day, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def reply(request, status, content):
    request.send_response(status)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


@contextmanager
def gateway(objects, prefix, flaw=None):
    """Run a gateway."""
    running = Gateway(objects, prefix, flaw)
    thread = threading.Thread(target=running.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.server.shutdown()
        running.server.server_close()
        thread.join()
