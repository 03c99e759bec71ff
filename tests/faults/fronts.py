"""HAProxy and nginx by our examples for operators, but for ports, certificates and what one place may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trustme
from faults.traffic import Server

from screener.settings import ROOT
from screener.web.ports import free_port

HOST: Final = "screen.example.org"
_EXAMPLES: Final = ROOT / "docs" / "examples"
# What nginx would else make where root alone may.
_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_FROM_BALANCER: Final = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;"


def _changed(example: str, changes: Mapping[str, str]) -> str:
    for theirs, ours in changes.items():
        if theirs not in example:
            raise LookupError(f"the example says no more: {theirs}")
        example = example.replace(theirs, ours)
    return example


@dataclass
class Nginx(Server):
    """Before a server, as on a machine of its own."""

    behind: int = 0
    folder: Path = Path()

    def command(self) -> list[str]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.folder / "ca.pem"))
        made = authority.issue_cert(HOST)
        made.private_key_pem.write_to_path(str(self.folder / "privkey.pem"))
        for part in made.cert_chain_pems:
            part.write_to_path(str(self.folder / "fullchain.pem"), append=True)
        example = _changed(
            (_EXAMPLES / "nginx.conf").read_text(),
            {
                "listen 80;": f"listen 127.0.0.1:{free_port()};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2; {_FROM_BALANCER}",
                "server 127.0.0.1:8000;": f"server 127.0.0.1:{self.behind};",
                "rate=20r/s": "rate=10000r/s",
                "/etc/ssl/screener": str(self.folder),
                "/var/log/nginx": str(self.folder),
            },
        )
        temporary = "".join(f"{name}_temp_path {self.folder}/{name};\n" for name in _TEMPORARY)
        whole = self.folder / "nginx.conf"
        whole.write_text(
            f"daemon off;\npid {self.folder}/pid;\nevents {{}}\nhttp {{\n{temporary}{example}\n}}\n"
        )
        return ["nginx", "-e", "stderr", "-c", str(whole)]

    def wait_for(self, path: str) -> float:
        """Whoever is before it sees when it is there."""
        _ = path
        return 0


@dataclass
class Balancer(Server):
    """Before servers on its machine, and one on another."""

    near: list[Server] = field(default_factory=list)
    far: Server | None = None
    folder: Path = Path()

    def command(self) -> list[str]:
        assert self.far
        near = {f"127.0.0.1:800{number}": server.port for number, server in enumerate(self.near, start=1)}
        changes = {
            "bind :80\n": f"bind 127.0.0.1:{free_port()}\n",
            "bind :443 ssl crt /etc/ssl/screener/screener.pem ssl-min-ver TLSv1.2 alpn h2,http/1.1": (
                f"bind 127.0.0.1:{self.port}"
            ),
            "sc0_http_req_rate gt 300": "sc0_http_req_rate gt 1000000",
            "# server four 10.0.0.12:443": f"server four 127.0.0.1:{self.far.port}",
            "@system-ca": str(self.folder / "ca.pem"),
        }
        example = _changed((_EXAMPLES / "haproxy.cfg").read_text(), changes)
        file = self.folder / "haproxy.cfg"
        file.write_text(_changed(example, {theirs: f"127.0.0.1:{ours}" for theirs, ours in near.items()}))
        return ["haproxy", "-db", "-f", str(file)]
