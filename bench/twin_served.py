"""What the server loads for the twin."""

from bench.twin import from_environment

app = from_environment()
