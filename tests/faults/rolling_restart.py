"""`make rolling-restart`: servers behind HAProxy stopped and started in turn while six people send requests.

Nobody notices: no refusal, no broken connection, no "try again", nothing lost.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from conftest import Installation, make_installation
from faults.kept import judge
from faults.rig import Outcome, databases_for, faults_of, run
from faults.traffic import Server, Traffic

from screener.settings import ROOT, Settings
from screener.web.demo_mail import free_port

EXAMPLE: Final = ROOT / "docs" / "examples" / "haproxy.cfg"
NAMES: Final = ("one", "two", "three")
DRAIN: Final = 5
# Until HAProxy looks again whether a server is there.
_SEEN_SECONDS: Final = 2.0


@dataclass
class Balancer(Server):
    """HAProxy with our example, but for certificate, ports and what people from one place may do."""

    servers: list[Server] = field(default_factory=list)
    file: Path = Path()

    def command(self) -> list[str]:
        self.file.write_text(here(EXAMPLE.read_text(), self.port, [server.port for server in self.servers]))
        return ["haproxy", "-db", "-f", str(self.file)]


def here(example: str, port: int, ports: list[int]) -> str:
    changes = {
        "bind :80\n": f"bind 127.0.0.1:{free_port()}\n",
        "bind :443 ssl crt /etc/ssl/screener/screener.pem ssl-min-ver TLSv1.2 alpn h2,http/1.1": (
            f"bind 127.0.0.1:{port}"
        ),
        "sc0_http_req_rate gt 300": "sc0_http_req_rate gt 1000000",
        "hdr Host screen.example.org": "hdr Host localhost",
    } | {f"127.0.0.1:800{number}": f"127.0.0.1:{port}" for number, port in enumerate(ports, start=1)}
    for theirs, ours in changes.items():
        if theirs not in example:
            raise LookupError(f"the example says no more: {theirs}")
        example = example.replace(theirs, ours)
    return example


def play(kind: str, cycles: int) -> Outcome:
    with (
        databases_for(kind, is_durable=True) as databases,
        _balanced(make_installation(databases.create())) as (settings, balancer),
    ):
        traffic = Traffic(balancer, breath=0.05)
        with traffic.flowing():
            for _ in range(cycles):
                for server in balancer.servers:
                    traffic.wait_for(1)
                    server.stop()
                    server.start()
                    time.sleep(_SEEN_SECONDS)
        broken = judge(settings, traffic)
    broken |= {"requests unanswered": traffic.unanswered, "times told to try again": traffic.put_off}
    failed = traffic.unanswered + traffic.put_off + len(traffic.wrong)
    restarts, pages, acked = cycles * len(NAMES), len(traffic.times), len(traffic.acked)
    told = (
        f"{restarts} restarts of {len(NAMES)} servers; {pages} pages came, {failed} did not;"
        f" {acked} acknowledged, {broken['lost']} lost"
    )
    return Outcome(told, faults_of(broken))


@contextmanager
def _balanced(installation: Installation) -> Iterator[tuple[Settings, Balancer]]:
    installation.app.extensions["screener.database"].dispose()
    settings = replace(installation.settings, proxies=1)
    servers = [Server(settings, workers=1, drain=DRAIN) for _ in NAMES]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        balancer = Balancer(settings, workers=1, servers=servers, file=Path(folder) / "haproxy.cfg")
        for each in (*servers, balancer):
            running.callback(each.kill)
            each.start()
        yield settings, balancer


def main() -> int:
    return run("rolling-restart", play, cycles=3, only="postgres")


if __name__ == "__main__":
    sys.exit(main())
