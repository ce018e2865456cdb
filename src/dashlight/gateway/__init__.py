"""Footage requests: ask, consent, release, expire. Not built yet; there is no interface for partners until then."""
