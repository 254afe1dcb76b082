"""A small web server on this machine that answers as a test wishes, however badly."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One request; what answers it belongs to the server."""

    answer: Answer

    def do_GET(self) -> None:
        """Answer as the test wishes; a client that went away is no fault."""
        with contextlib.suppress(ConnectionError):
            type(self).answer(self)

    do_POST = do_GET  # noqa: N815 - the name that the server looks for

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def give(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer completely."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serve while the block runs; yields the address, without a slash at the end."""

    class Answering(Handler):
        pass

    Answering.answer = staticmethod(answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
