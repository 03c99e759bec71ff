"""Lets Selenium drive Firefox ESR by Firefox's own protocol: Debian ships no geckodriver."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

# What Selenium calls otherwise than Firefox does; the rest differs in its first letter alone.
_COMMANDS: Final = {
    "get": "Navigate",
    "goBack": "Back",
    "goForward": "Forward",
    "getCurrentUrl": "GetCurrentURL",
    "w3cGetActiveElement": "GetActiveElement",
    "clickElement": "ElementClick",
    "clearElement": "ElementClear",
    "sendKeysToElement": "ElementSendKeys",
    "w3cExecuteScript": "ExecuteScript",
    "actions": "PerformActions",
    "screenshot": "TakeScreenshot",
}
_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"


class Firefox:
    """A Firefox of its own, with a profile of its own; what Selenium calls a command executor."""

    def __init__(self, program: str, preferences: dict[str, bool | int | str]) -> None:
        self._profile = tempfile.mkdtemp(prefix="firefox-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in ({"marionette.port": port} | preferences).items()
        ]
        (Path(self._profile) / "user.js").write_text("".join(lines))
        self._process = subprocess.Popen(
            [program, "--headless", "--marionette", "--no-remote", "--profile", self._profile],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._socket = _connect(port)
        self._read = self._socket.makefile("rb")
        self._hear()
        self._asked = 0

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """One command and its answer, in the shapes Selenium's own executor has."""
        if command == "quit":
            return {"value": None}
        self._asked += 1
        if command == "switchToFrame":
            params = {"element": (params["id"] or {}).get(_ELEMENT)}
        said = {key: value for key, value in params.items() if key != "sessionId"}
        name = _COMMANDS.get(command, command[0].upper() + command[1:])
        message = json.dumps([0, self._asked, f"WebDriver:{name}", said]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._hear()
        if error:
            return {"status": 500, "value": json.dumps(error)}
        is_wrapped = isinstance(result, dict) and set(result) == {"value"}
        return {"value": result["value"] if is_wrapped else result}

    def close(self) -> None:
        self._read.close()
        self._socket.close()
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _hear(self) -> Any:
        """A message is its length in bytes, a colon, and JSON."""
        length = b""
        while (byte := self._read.read(1)) != b":":
            if not byte:
                raise ConnectionError("Firefox hung up")
            length += byte
        return json.loads(self._read.read(int(length)))


def _connect(port: int) -> socket.socket:
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except OSError:
            time.sleep(0.1)
    raise ConnectionError("Firefox did not start")
