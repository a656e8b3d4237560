"""Cases as data: a fleet, what surrounds it, and its grants or its refusals word for word.

A case is a YAML file with a `title` and

- `manifest`, a text, or `files`, texts by name: the set that is applied, named by `set`
  (`default`); without any the fleet in force is looked at, as the loop does;
- `values`, if the text stands for several: each takes the place of VALUE in it;
- `stored`, the texts of the sets in force before, by set and file; `platform_once` says that
  a platform part was stored at some time;
- `engine`, its features in brief: docker (the usual), crun, or any, which is a check without an
  engine and without facts about images; `lacks`, `has`, `cpu` and `architecture` change it;
- `images`, facts by reference; `now`, a day (2026-06-01);
- `expect`, the last key: contracts in brief, or what is printed instead of them.

`python -m tests.contract.cases` writes what is said now into every case, to be read in a review.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestr8 import units
from orchestr8.contract.asked import labelled
from orchestr8.contract.grant import Circumstances, grant
from orchestr8.contract.model import Contract, Contracts, Grant, ImageFacts
from orchestr8.controller.fleet import with_set
from orchestr8.controller.request import without_set
from orchestr8.errors import ManifestError, Problem, RefusedError
from orchestr8.isolation import features
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Quota
from orchestr8.isolation.profile import Profile
from orchestr8.isolation.relaxations import RELAXATIONS
from orchestr8.manifest.load import load, load_stored
from orchestr8.manifest.model import Fleet, Source
from orchestr8.manifest.problems import escaped, render, with_sources
from orchestr8.names import ServiceName
from tests.expected import read as read
from tests.expected import rewrite

FOLDER = Path(__file__).parent.parent / "cases" / "grant"
NAME = "m.yaml"
_DOCKER = frozenset(
    {
        features.DEVICES,
        features.HOST_PATHS,
        features.NETWORK,
        features.OWNER_IDMAP,
        features.QUOTA,
        features.SHARED_NAMESPACES,
    }
)
_ENGINES = {"docker": _DOCKER, "crun": features.ALL, "any": features.ALL}


def case_files() -> list[Path]:
    """Every case."""
    return sorted(FOLDER.glob("*.yaml"))


def outcome(case: Mapping[str, Any]) -> str:
    """What is said about a case's input."""
    if "values" not in case:
        return "\n".join(_whole(case))
    return "\n".join(line for value in case["values"] for line in _one_value(case, str(value)))


def _one_value(case: Mapping[str, Any], value: str) -> Iterator[str]:
    try:
        contracts = _granted(case, value)
    except (ManifestError, RefusedError) as error:
        for problem in error.problems:
            yield escaped(f"{value}  ->  {_line(problem)}")
        return
    for contract in contracts.services.values():
        named = [one for one in contract.grants if not one.implied] or contract.grants
        for one in named:
            yield f"{value}  ->  {_grant(one)}"


def _line(problem: Problem) -> str:
    return f"{problem.what} | {problem.remedy}" if problem.remedy else problem.what


def _whole(case: Mapping[str, Any]) -> Iterator[str]:
    try:
        contracts = _granted(case, None)
    except (ManifestError, RefusedError) as error:
        problems = with_sources(error.problems, _sources(case, None))
        yield f"{type(error).__name__}, exit {error.exit.value}"
        yield from render(problems).split("\n")
        return
    yield from brief(contracts)


def _granted(case: Mapping[str, Any], value: str | None) -> Contracts:
    stored = Fleet(
        {name: load_stored(_texts(files)) for name, files in case.get("stored", {}).items()}
    )
    once = bool(case.get("platform_once")) or any(part.platform for part in stored.sets.values())
    stored = replace(stored, platform_stored=once)
    set_name, fleet = "", stored
    engine = case.get("engine", "docker")
    without_engine = engine == "any" and not stored.sets
    sources = _sources(case, value)
    if sources:
        set_name = case.get("set", "default")
        outside = None if without_engine else without_set(stored, set_name)
        fleet = with_set(stored, set_name, load(sources, outside))
    facts = None if engine == "any" else _facts(fleet, case.get("images", {}))
    now = datetime.fromisoformat(str(case.get("now", "2026-06-01"))).replace(tzinfo=UTC)
    return grant(fleet, Circumstances(stored, set_name, _features(case), now, facts))


def _sources(case: Mapping[str, Any], value: str | None) -> list[Source]:
    texts = {NAME: case["manifest"]} if "manifest" in case else case.get("files", {})
    if value is not None:
        texts = {name: text.replace("VALUE", value) for name, text in texts.items()}
    return _texts(texts)


def _texts(files: Mapping[str, str]) -> list[Source]:
    return [Source(name, text) for name, text in files.items()]


def _features(case: Mapping[str, Any]) -> Features:
    engine = case.get("engine", "docker")
    present = (_ENGINES[engine] | set(case.get("has", ()))) - set(case.get("lacks", ()))
    assert present <= features.ALL, "a feature that is none"
    cpu = units.parse_cpu(str(case["cpu"])) if "cpu" in case else None
    return Features(
        engine,
        frozenset(present),
        case.get("why_missing", {}),
        cpu_millicores=cpu,
        cores=tuple(range((cpu or 0) // 1000)),
        architecture=case.get("architecture", ""),
    )


def _facts(fleet: Fleet, images: Mapping[str, Any]) -> dict[ServiceName, ImageFacts]:
    return {
        name: _image(service.image, images[service.image])
        for name, service in fleet.services().items()
        if service.image in images
    }


def _image(reference: str, given: Mapping[str, Any]) -> ImageFacts:
    usual = {"entrypoint": ["/program"]}
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in {**usual, **given}.items()
    }
    for key in ("labels", "env"):
        if key in values:
            values[key] = tuple(sorted(values[key].items()))
    return ImageFacts(reference, "sha256:" + "0" * 64, **values)


def brief(contracts: Contracts) -> list[str]:
    """Contracts in lines: each service with what was granted and what is special about it."""
    lines: list[str] = []
    for contract in contracts.services.values():
        lines += [str(contract.name), *(f"  {line}" for line in _contract(contract))]
    for owner, quota in contracts.quotas.items():
        if quota != Quota():
            lines.append(f"quota {owner}: {_fields(quota, Quota())}")
    lines += [f"gap {gap.feature}" for gap in contracts.gaps if contracts.features.engine == "any"]
    return lines


def _contract(contract: Contract) -> Iterator[str]:
    yield from (_grant(one) for one in contract.grants)
    if contract.profile != Profile():
        yield f"profile: {_fields(contract.profile, Profile())}"
    if contract.fixed_id:
        yield f"runs as {contract.fixed_id}"
    for egress in contract.egress:
        yield f"reaches {','.join(egress.to)} on {','.join(map(str, egress.ports))}"
    for link in contract.links_closed:
        yield f"link to {link.peer}:{link.port} is closed"
    yield from (f"note: {note}" for note in contract.notes)
    if not contract.new_boxes_allowed:
        yield "no new revision is placed"
    if not contract.service.replicas + contract.service.standby:
        yield "has no boxes"


def _grant(one: Grant) -> str:
    label = labelled(RELAXATIONS[one.id], one.arguments)
    shown = f"{label}: {one.danger.value}, by {one.by}"
    if one.until and not one.ended:
        shown += f", until {one.until}"
    return f"{shown}; {one.ending}" if one.ended else shown


def _fields(value: Any, usual: Any) -> str:
    return ", ".join(
        f"{name}={getattr(value, name)}"
        for name in value.__struct_fields__
        if getattr(value, name) != getattr(usual, name)
    )


if __name__ == "__main__":
    rewrite(case_files(), outcome)
