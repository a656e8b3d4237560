"""What the engine was asked for a box of ours, for clients that know nothing of us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_STAGED = ("hosts", "resolv.conf")


def plain(container: dict[str, Any], scratch: Path, label: str) -> dict[str, Any]:
    """The body of its creation from an inspected container: one label, and plain files in `scratch`
    instead of those that were staged."""
    config, host = dict(container["Config"]), dict(container["HostConfig"])
    for name in _STAGED:
        (scratch / name).write_text("127.0.0.1 localhost\n" if name == "hosts" else "")
    for mount in host.get("Mounts") or []:
        if Path(mount.get("Source", "")).name in _STAGED:
            mount["Source"] = str(scratch / Path(mount["Source"]).name)
    host["Binds"] = [_without_staged(bind, scratch) for bind in host.get("Binds") or []]
    config["Labels"] = {label: "yes"}
    network = host["NetworkMode"]
    return {
        **config,
        "HostConfig": host,
        "NetworkingConfig": {"EndpointsConfig": {network: {}}},
    }


def _without_staged(bind: str, scratch: Path) -> str:
    source, _, rest = bind.partition(":")
    name = Path(source).name
    return f"{scratch / name}:{rest}" if name in _STAGED else bind
