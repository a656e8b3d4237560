"""A registry with one small image in it, on a port of this machine's loopback."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TYPE = "application/vnd.docker"
MANIFEST = f"{TYPE}.distribution.manifest.v2+json"


def image(architecture: str) -> dict[str, tuple[str, bytes]]:
    """Paths below /v2/tiny/, each with its type and content."""
    layer = _layer()
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Cmd": ["/nothing"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created_by": "the tests"}],
    }
    described = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _named(f"{TYPE}.container.image.v1+json", described),
        "layers": [_named(f"{TYPE}.image.rootfs.diff.tar", layer)],
    }
    content = json.dumps(manifest).encode()
    return {
        "manifests/1": (MANIFEST, content),
        f"manifests/{_digest(content)}": (MANIFEST, content),
        f"blobs/{_digest(described)}": ("application/octet-stream", described),
        f"blobs/{_digest(layer)}": ("application/octet-stream", layer),
    }


@contextlib.contextmanager
def registry(architecture: str) -> Iterator[str]:
    """A registry that answers; its name. It has `tiny:1` and nothing else."""
    held = {f"/v2/tiny/{path}": found for path, found in image(architecture).items()}
    held["/v2/"] = ("application/json", b"{}")

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = held.get(self.path, ("application/json", _UNKNOWN))
            self.send_response(200 if self.path in held else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            if kind == MANIFEST:
                self.send_header("Docker-Content-Digest", _digest(content))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815, the library's own spelling

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"localhost:{server.server_port}"
        finally:
            server.shutdown()


_UNKNOWN = json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]}).encode()


def _layer() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("nothing"))
    return content.getvalue()


def _named(kind: str, content: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(content), "digest": _digest(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
