"""Everything that an installation has on a machine, in words that two runs can be compared by.

What counts up by itself is left out or named after what it belongs to: a box is its slot, its
address and its container's id are the box's. So what is doubled or left over differs.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.scenarios.fleet import Fleet

_BOX_ID = re.compile(r"([a-z0-9-]+?)--([a-z0-9-]+?)--\d+")
_DERIVED = (
    (re.compile(r"\b(o8|orchestr8)-[0-9a-f]{8}\b"), r"\1-ours"),
    (re.compile(r"\blayout_[0-9a-f]{12}_[0-9a-f]{12}\b"), "our layout"),
    (re.compile(r"(binds/[^/]+)/[0-9a-f]{16}\b"), r"\1/one"),
)
"""Names that are made of the installation's, which differs from one first apply to the next."""
_CGROUPS = Path("/sys/fs/cgroup")
_TABLES = {
    "boxes": "SELECT id, slot, address, stop_signal, stop_grace_ms FROM boxes",
    "failures": "SELECT owner, service, slot, count FROM failures",
    "held back": "SELECT owner, service FROM services WHERE held_revision>0",
    "images": "SELECT reference FROM images",
    "in force": "SELECT set_name, count(*) FROM revisions WHERE live=1 GROUP BY set_name",
    "keys": "SELECT key FROM meta",
    "intents under way": "SELECT kind, subject FROM journal AS made WHERE intent=0 AND result='' "
    "AND NOT EXISTS (SELECT 1 FROM journal WHERE intent=made.number)",
    "services": "SELECT owner, service, uid_base, address, key<>'' FROM services",
    "sets": "SELECT name, down FROM sets",
}

Remains = Mapping[str, tuple[str, ...]]


def remains(fleet: Fleet) -> Remains:
    """Place by place, what is there."""
    containers = fleet.containers()
    words = _Words(containers, fleet.installation)
    label = {"label": f"orchestr8.installation={fleet.installation}"}
    volumes = fleet.client.volumes(filters=label)["Volumes"] or []
    found = {
        "boxes": (_box(one, fleet) for one in containers),
        "networks": (str(one["Name"]) for one in fleet.client.networks(filters=label)),
        "volumes": (str(one["Name"]) for one in volumes),
        "volume folders": _below(Path(one["Options"]["device"]).parent for one in volumes),
        "packet filter": _table(fleet.installation),
        "bridge ports": _ports(fleet, label),
        "cgroups": _cgroups(fleet.installation),
        "mounts": _mounts(fleet.installation),
        "run folder": _below([fleet.run_folder], but=("/slot",)),
        "state folder": _below([fleet.base / "state"], but=("-shm", "-wal")),
        "temporary files": _below([fleet.base / "tmp"]),
        **{f"store: {name}": _rows(fleet, query) for name, query in _TABLES.items()},
    }
    return {place: tuple(sorted(map(words.of, there))) for place, there in found.items()}


def differences(expected: Remains, found: Remains) -> tuple[str, ...]:
    """One line for each thing that is there and should not be, or the reverse."""
    lines = []
    for place in expected:
        wanted, there = list(expected[place]), list(found[place])
        for thing in expected[place]:
            if thing in there:
                there.remove(thing)
                wanted.remove(thing)
        lines += [f"{place}: too much: {thing}" for thing in there]
        lines += [f"{place}: missing: {thing}" for thing in wanted]
    return tuple(lines)


class _Words:
    """Names for what counts up: boxes by slot, their addresses and their containers' ids; and for
    the installation."""

    def __init__(self, containers: Sequence[dict[str, Any]], installation: str) -> None:
        self._names = {installation: "ours"} if installation else {}
        for one in containers:
            box = str(one["Name"]).lstrip("/")
            self._names[one["Id"]] = f"container of {box}"
            self._names[one["Config"]["Labels"].get("orchestr8.address") or one["Id"]] = box
        listed = "|".join(map(re.escape, sorted(self._names, key=len, reverse=True)))
        self._counted = re.compile(rf"(?<![0-9.])(?:{listed})(?![0-9.])") if listed else None

    def of(self, text: str) -> str:
        for derived, name in _DERIVED:
            text = derived.sub(name, text)
        if self._counted:
            text = self._counted.sub(lambda match: self._names[match[0]], text)
        return _BOX_ID.sub(r"\2.\1", text)


def _box(one: dict[str, Any], fleet: Fleet) -> str:
    """A box by its slot; a standby that took one has it in a file of its own."""
    labels, limits = one["Config"]["Labels"], one["HostConfig"]["Memory"]
    taken = fleet.run_folder / fleet.installation / "boxes" / one["Name"].lstrip("/") / "slot"
    slot = taken.read_text() if taken.exists() else labels["orchestr8.slot"]
    place = f"slot {slot} of {labels['orchestr8.set']}"
    return f"{one['Name']}: {one['State']['Status']}, {place}, {limits} bytes"


def _below(folders: Iterator[Path] | Sequence[Path], but: tuple[str, ...] = ()) -> Iterator[str]:
    """What lies below the folders; `but` are ends of paths that come and go."""
    for folder in set(folders):
        for path in folder.rglob("*"):
            if but and str(path).endswith(but):
                continue
            yield f"{path.relative_to(folder)}{'/' if path.is_dir() else ''}"


def _table(installation: str) -> Iterator[str]:
    """The table part by part, a set or map element by element."""
    listed = subprocess.run(
        ["nft", "-j", "list", "table", "inet", f"orchestr8_{installation}"],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    for part in json.loads(listed.stdout)["nftables"]:
        for kind, body in part.items():
            if kind == "metainfo":
                continue
            body.pop("handle", None)
            elements = body.pop("elem", ()) if kind in ("set", "map") else ()
            yield f"{kind} {json.dumps(body, sort_keys=True)}"
            for element in elements:
                yield f"{kind} {body['name']} has {json.dumps(element, sort_keys=True)}"


def _ports(fleet: Fleet, label: dict[str, str]) -> Iterator[str]:
    for network in fleet.client.networks(filters=label):
        bridge = (network.get("Options") or {}).get("com.docker.network.bridge.name", "")
        for _ in Path("/sys/class/net", bridge, "brif").glob("*"):
            yield "a port"


def _cgroups(installation: str) -> Iterator[str]:
    for tree in [_CGROUPS, *_CGROUPS.iterdir()]:
        top = tree / f"orchestr8-{installation}"
        for path in top.rglob("*"):
            if path.is_dir():
                yield f"{tree.name}: {path.relative_to(top)}"


def _mounts(installation: str) -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if installation in fields[4]:
            place = fields[4].partition(installation)[2]
            yield f"{place or '/'} {fields[5]} from {fields[3]}"


def _rows(fleet: Fleet, query: str) -> Iterator[str]:
    with sqlite3.connect(fleet.base / "state" / "orchestr8.db") as connection:
        for row in connection.execute(query):
            yield " ".join(map(str, row))
