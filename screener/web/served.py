"""What a server loads, as `screener serve` does: the app, in a process that logs and ends with its server."""

from screener import create_app
from screener.web.logs import start_logging
from screener.web.orphans import leave_with_server
from screener.web.readiness import hear_of_leaving

start_logging()
leave_with_server()
hear_of_leaving()
app = create_app()
