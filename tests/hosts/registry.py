"""Debian's own registry of images, on a port of this machine's loopback."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hosts import unpacked

CACHE = unpacked.CACHE / "registry"
NAME, PASSWORD = "ann", "right"
_LOGINS = "ann:$2b$04$K8Xu8qjyXnGLOlVcd8EmUuPJ9NFFH4zkI/jvLw8jQkloc1TeMPpYW\n"
"""The password by bcrypt, as the registry wants it."""
_ANSWER_SECONDS = 60.0


@dataclass
class Registry:
    """One registry; what it holds outlives its process. With TLS it asks for a login as well."""

    folder: Path
    port: int
    tls: bool = False
    _process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"localhost:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Returns once it answers."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "registry.yaml"
        file.write_text(self._configuration())
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "serve", str(file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        deadline = time.monotonic() + _ANSWER_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the registry does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends it in the midst of whatever it does."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def put(self, source: str, name: str) -> str:
        """Copies an image into it; its digest there."""
        digest = self.folder / "digest"
        login = ["--dest-creds", f"{NAME}:{PASSWORD}"] if self.tls else []
        subprocess.run(
            [
                "skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false", *login,
                "--multi-arch", "all", "--digestfile", str(digest),
                source, f"docker://{self.name}/{name}",
            ],
            check=True,
        )  # fmt: skip
        return digest.read_text().strip()

    def blob(self, digest: str) -> Path:
        """The file of a part that it holds."""
        blobs = self.folder / "data/docker/registry/v2/blobs/sha256"
        hexadecimal = digest.removeprefix("sha256:")
        return blobs / hexadecimal[:2] / hexadecimal / "data"

    def _configuration(self) -> str:
        lines = [
            "version: 0.1",
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}}}}",
            "log: {level: warn}",
        ]
        if not self.tls:
            return "\n".join([*lines, f"http: {{addr: '127.0.0.1:{self.port}'}}"])
        key, logins = self.folder / "key.pem", self.folder / "logins"
        if not key.exists():
            _make_certificate(self.certificate, key)
        logins.write_text(_LOGINS)
        tls = f"{{certificate: {self.certificate}, key: {key}}}"
        return "\n".join(
            [
                *lines,
                f"http: {{addr: '127.0.0.1:{self.port}', tls: {tls}}}",
                f"auth: {{htpasswd: {{realm: here, path: {logins}}}}}",
            ]
        )

    def _answers(self) -> bool:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain:
                if self.tls:
                    context.wrap_socket(plain).close()
                return True
        except OSError:
            return False


@contextlib.contextmanager
def registry(folder: Path, *, tls: bool = False) -> Iterator[Registry]:
    """A registry that holds nothing yet."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = int(held.getsockname()[1])
    made = Registry(folder, port, tls)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def program() -> str:
    """The machine's, or the one that `prepare` unpacked."""
    found = shutil.which("docker-registry") or str(CACHE / "usr/bin/docker-registry")
    assert Path(found).exists(), "run `python3 -m tests.hosts prepare`"
    return found


def prepare() -> None:
    """Unpacks the package where the machine has no such program."""
    if shutil.which("docker-registry") or (CACHE / "usr/bin/docker-registry").exists():
        return
    unpacked.unpack(CACHE, ["docker-registry"])


def _make_certificate(certificate: Path, key: Path) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
