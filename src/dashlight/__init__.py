"""dashlight: a public, living library of street-level pictures from ordinary dashcams."""

__version__ = "0.1.0"
