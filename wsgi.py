"""What a WSGI server loads: `granian --interface wsgi wsgi:app`."""

from screener import create_app
from screener.web.logs import start_logging

start_logging()
app = create_app()
