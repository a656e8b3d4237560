"""Whose boxes, volumes and networks this engine carries, by the label that all of them have."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from orchestr8.boxes.world import Installation
from orchestr8.engines.docker.carried import is_staged_for
from orchestr8.engines.docker.client import Client, patient
from orchestr8.engines.docker.labels import INSTALLATION, STATE

_DOING = "looking for installations"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FILTER = json.dumps({"label": [INSTALLATION]})


class _Traces(Struct):
    """What was found of one installation so far."""

    boxes: int = 0
    running: int = 0
    volumes: int = 0
    homes: set[str] = field(default_factory=set)
    subnet: str = ""


class DockerInstallations:
    """Every installation that left a trace on one engine."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @patient
    def found(self) -> tuple[Installation, ...]:
        """All of them, sorted by id."""
        traces: dict[str, _Traces] = defaultdict(_Traces)
        for item in self._client.get("/containers/json", _DOING, all="1", filters=_FILTER):
            labels = item.get("Labels") or {}
            if not is_staged_for(labels, item.get("Mounts") or ()):
                continue
            one = traces[labels[INSTALLATION]]
            one.boxes += 1
            one.running += item["State"] == "running"
            one.homes.add(labels.get(STATE, ""))
        for item in self._client.get("/volumes", _DOING, filters=_FILTER).get("Volumes") or []:
            traces[item["Labels"][INSTALLATION]].volumes += 1
        for item in self._client.get("/networks", _DOING, filters=_FILTER):
            traces[item["Labels"][INSTALLATION]].subnet = _subnet(item)
        return tuple(
            Installation(
                found, one.boxes, one.running, one.volumes,
                tuple(sorted(one.homes - {""})), one.subnet,
            )
            for found, one in sorted(traces.items())
            if _ID.fullmatch(found)
        )  # fmt: skip


def _subnet(network: Mapping[str, Any]) -> str:
    ranges = (network.get("IPAM") or {}).get("Config") or []
    return str(ranges[0].get("Subnet", "")) if ranges else ""
