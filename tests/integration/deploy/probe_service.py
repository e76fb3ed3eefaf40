"""A service of three lines, to see what the supervisor does to services: run it with `python -m`."""

from __future__ import annotations

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SETTINGS = {
    name.removeprefix("LIANDONG_PROBE_"): value
    for name, value in os.environ.items()
    if name.startswith("LIANDONG_PROBE_")
}


class Door(BaseHTTPRequestHandler):
    """Answers 200 to everything and shows the settings (passwords of a throw-away stack)."""

    def do_GET(self) -> None:
        body = json.dumps(SETTINGS).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def main() -> None:
    """Serve until SIGTERM; MODE=stubborn ignores it, MODE=broken ends at once."""
    mode = SETTINGS.get("MODE", "")
    if mode == "broken":
        sys.exit("the probe was told to break")
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = ThreadingHTTPServer((SETTINGS["HOST"], int(SETTINGS["PORT"])), Door)
    address = f"http://127.0.0.1:{server.server_port}"
    endpoint = Path(SETTINGS["ENDPOINT_FILE"])
    endpoint.write_text(json.dumps({"http": address}), "utf-8")
    server.serve_forever()


if __name__ == "__main__":
    main()
