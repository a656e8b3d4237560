"""A git server on loopback: git's own http-backend behind TLS and a password."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BACKEND = Path("/usr/lib/git-core/git-http-backend")


@dataclass
class Served:
    """What runs: its address, the authority that vouches for it, and how it answers."""

    address: str
    authority: Path
    asked: list[str] = field(default_factory=list)
    redirects_to: str = ""
    page: str = ""
    """What it answers to everything, as whoever wants a person to log in does."""
    cuts_after: int = 0
    """Bytes of a pack after which the connection ends; 0 for a server that keeps its word."""
    floods: bool = False
    """Whether its list of branches has no end."""


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key in the same file."""
    path = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", folder / "authority.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + (folder / "authority.pem").read_text())
    return path


class Answers(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes
    server: Server

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002
        """What was asked is kept, and not printed."""
        self.server.served.asked.append(self.path)

    def do_GET(self) -> None:
        """Asks what there is."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Asks for a pack."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _answer(self, body: bytes) -> None:
        wanted = self.server.credentials
        if self.server.served.floods:
            self._flood()
        elif self.server.served.page:
            self._send(200, ["Content-Type: text/html"], self.server.served.page.encode())
        elif self.server.served.redirects_to:
            self._send(302, [f"Location: {self.server.served.redirects_to}{self.path}"], b"")
        elif wanted and self.headers.get("Authorization") != wanted:
            self._send(401, ['WWW-Authenticate: Basic realm="git"'], b"")
        else:
            self._of_git(body)

    def _flood(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            self.wfile.write(b"001e# service=git-upload-pack\n0000")
            while True:
                self.wfile.write(b"0" * (1 << 16))

    def _of_git(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "HOME": str(self.server.folder),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }  # fmt: skip
        done = subprocess.run(
            [BACKEND], input=body, env=environment, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        status = next((int(one.split()[1]) for one in lines if one.startswith("Status")), 200)
        self._send(status, [one for one in lines if not one.startswith("Status")], content)

    def _send(self, status: int, headers: list[str], content: bytes) -> None:
        self.send_response(status)
        for line in headers:
            name, _, value = line.partition(": ")
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = self.server.served.cuts_after if b"PACK" in content else 0
        self.wfile.write(content[:cut] if cut else content)
        self.close_connection = self.close_connection or bool(cut)


class Server(ThreadingHTTPServer):
    """Repositories below a folder."""

    daemon_threads = True

    def __init__(self, folder: Path, credentials: str) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.folder = folder
        told = base64.b64encode(credentials.encode()).decode()
        self.credentials = f"Basic {told}" if credentials else ""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(folder))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        address = f"https://127.0.0.1:{self.server_port}"
        self.served = Served(address, folder / "authority.pem")


@contextmanager
def serving(folder: Path, credentials: str = "") -> Iterator[Served]:
    """Serves the repositories below a folder; `credentials` are USER:PASSWORD."""
    server = Server(folder, credentials)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
