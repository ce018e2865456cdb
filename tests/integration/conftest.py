from stores import backends

__all__ = ["backends"]
