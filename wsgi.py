"""What a WSGI server loads: `granian --interface wsgi wsgi:app`."""

from screener.web.served import app

__all__ = ["app"]
