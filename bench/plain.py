"""What the server loads for the plain-text twin of the desk: nothing is sealed, all else is the same."""

from __future__ import annotations

import sys

from screener.store import vault

_TAG = b"\0" * 16


class _Open:
    """Takes and gives what AESGCM does, and hides nothing."""

    def __init__(self, key: bytes) -> None:
        _ = key

    def encrypt(self, nonce: bytes, data: bytes, aad: bytes | None) -> bytes:
        _ = nonce, aad
        return data + _TAG

    def decrypt(self, nonce: bytes, data: bytes, aad: bytes | None) -> bytes:
        _ = nonce, aad
        return data[: -len(_TAG)]


vault.AESGCM = _Open  # type: ignore[misc,assignment]

if __name__ == "__main__":
    from screener.web.cli import main

    main(sys.argv[1:])
else:
    from screener import create_app

    app = create_app()
