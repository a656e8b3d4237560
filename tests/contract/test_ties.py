"""Contracts say which services are tied to others, so that nobody looks through all of them."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestr8.contract.grant import Circumstances, grant
from orchestr8.isolation import features
from orchestr8.isolation.features import Features
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Fleet, Source
from orchestr8.names import ServiceName

MANIFEST = """\
orchestr8: 1
owner: me
services:
  alone: {image: x:1, accepts: [caller:80]}
  beside:
    image: x:1
    relax: [{ns.net.share: {with: alone}, why: "reads what it sends", until: 2027-01-31}]
  caller: {image: x:1, connects: [alone:80]}
  data: {image: x:1, volumes: {/data: data}}
  memory:
    image: x:1
    relax: [{ns.ipc.share: {with: caller}, why: "hands pages over", until: 2027-01-31}]
  seen:
    image: x:1
    relax: [{ns.pid.share: {with: caller}, why: "watches it", until: 2027-01-31}]
volumes:
  data: {}
"""


def test_those_with_a_shared_network_or_memory_or_a_volume_are_tied() -> None:
    fleet = Fleet({"default": load([Source("me.yaml", MANIFEST)])})
    around = Circumstances(
        fleet,
        "",
        Features("crun", features.ALL),
        datetime(2026, 12, 1, tzinfo=UTC),
    )
    contracts = grant(fleet, around)
    assert contracts.tied == tuple(ServiceName("me", one) for one in ("beside", "data", "memory"))
    assert {name for name, one in contracts.services.items() if one.is_tied} == {*contracts.tied}
