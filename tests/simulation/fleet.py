"""Fleets for the stories: what a service is stays, what may change of it while it lives changes."""

from __future__ import annotations

import random
from typing import Any

Brief = dict[str, Any]

NAMES = ("api.one", "db.one", "web.one", "api.two", "web.two")
WITH_CORES = {"web.one": ((1, 1), (1, 2), (2, 1)), "api.two": ((1, 1),)}
"""The services that have cores of their own in some stories: how many boxes there are, and how many
cores each has. All together leave one of four to everybody else."""


def fixed_parts(chance: random.Random) -> dict[str, Brief]:
    """What each service keeps through a whole story, such as how its boxes follow one another."""
    parts: dict[str, Brief] = {}
    for number, name in enumerate(NAMES):
        words: Brief = {"health": {"tcp": 5000 + number, "every": "2s", "within": "30s"}}
        if name == "db.one":
            words["volumes"] = {"/data": "data"}
        elif name in WITH_CORES and chance.random() < 0.5:
            words["limits"] = {"cpu": {"dedicated": 1}}
        else:
            words["update"] = {"order": chance.choice(("start-first", "start-first", "stop-first"))}
        parts[name] = words
    return parts


def fleet(chance: random.Random, parts: dict[str, Brief]) -> Brief:
    """Some of the services, with what may differ from one declaration to the next."""
    names = [name for name in NAMES if chance.random() < 0.8] or [NAMES[0]]
    return {"services": {name: _service(chance, parts[name], name, names) for name in names}}


def with_owner_of(brief: Brief, other: Brief, owner: str) -> Brief:
    """A fleet in which what is one owner's is as in another."""
    services = {
        name: words
        for one, is_theirs in ((brief, False), (other, True))
        for name, words in one["services"].items()
        if name.endswith(f".{owner}") is is_theirs
    }
    for words in services.values():
        links = words.get("connects", ())
        if any(link.partition(":")[0] not in services for link in links):
            del words["connects"]
    return {"services": services}


def has_cores(words: Brief) -> bool:
    """Whether the boxes of a service have cores of their own."""
    return "cpu" in words.get("limits", {})


def _service(chance: random.Random, part: Brief, name: str, names: list[str]) -> Brief:
    words: Brief = {"image": chance.choice(("x:1", "x:2", "x:3")), **part}
    words["replicas"] = 1 if "volumes" in part else chance.choice((1, 1, 2))
    if has_cores(part):
        words["replicas"], count = chance.choice(WITH_CORES[name])
        words["limits"] = {"cpu": {"dedicated": count}}
    peers = [other for other in names if other != name]
    if peers and chance.random() < 0.5:
        peer = chance.choice(peers)
        words["connects"] = [f"{peer}:{5000 + NAMES.index(peer)}"]
    if chance.random() < 0.3:
        words["publish"] = {f"127.0.0.1:{8000 + NAMES.index(name)}": 80}
    if chance.random() < 0.5:
        memory = chance.choice(("64MiB", "256MiB"))
        words["limits"] = {**words.get("limits", {}), "memory": memory}
    if chance.random() < 0.4:
        words["standby"] = 1
    return words
