"""What holds for every request before its route is known: headers, sizes, times, rates, counts, traces, the stop.

Plain ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html), one layer inside the other:

    dress, HEAD as GET ─ measure ─ stop ─ rates ─ bodies ─ the application

Nothing here knows a place or a person: addresses of clients are looked at for a minute under a key of that minute, and
what is counted or traced of a request is its method, the template of its route, its status and how long it took.
"""
