"""What a WSGI server loads: `granian --interface wsgi wsgi:app`."""

from screener import create_app

app = create_app()
