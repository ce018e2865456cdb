"""What Schemathesis has to know of the API: how an archive is written. It is loaded by its command line."""

import schemathesis

from dashlight.wire import MEDIA_TYPE


@schemathesis.serializer(MEDIA_TYPE)
def archive(_context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
