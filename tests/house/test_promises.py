"""Each promise of an engine has a test, and each test of the suite is about a promise."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestr8.engines import protocol
from orchestr8.engines.docker.promises import PROMISES as DOCKERS_OWN
from orchestr8.engines.promises import PROMISES
from tests.house import ROOT

PROTOCOLS = (
    "Boxes", "Images", "Volumes", "Copies", "Network", "Owners", "Keepsake", "Installations",
    "Probes", "Witness", "Logs", "Exec", "Endings", "Phases", "Events", "Ends", "Standbys",
    "Tending", "Cores",
)  # fmt: skip
OF_NO_METHOD = ("errors.raised", "callers.many")


@dataclass(frozen=True)
class Held:
    """One test: its name, the promises that it names, and the engines that it meets."""

    name: str
    promises: tuple[str, ...]
    on_every_engine: bool
    everywhere: bool


def suite() -> Iterator[Held]:
    """Every test of the conformance suite."""
    for path in sorted((ROOT / "tests" / "conformance").glob("test_*.py")):
        module = importlib.import_module(f"tests.conformance.{path.stem}")
        for name, function in vars(module).items():
            if name.startswith("test_"):
                yield held(f"{path.name}: {name}", function)


def held(name: str, function: Any) -> Held:
    """What a test function says of itself."""
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "promise"]
    return Held(
        name,
        tuple(one for mark in marks for one in mark.args),
        on_every_engine="bench" in inspect.signature(function).parameters,
        everywhere=any(mark.kwargs["everywhere"] for mark in marks),
    )


def complaints(found: Iterable[Held], promises: Iterable[str], own: Iterable[str]) -> list[str]:
    """Promises without a test on every engine that makes them; tests without a promise."""
    said: list[str] = []
    found, promises, own = list(found), set(promises), set(own)
    for test in found:
        said += [] if test.promises else [f"{test.name} is about no promise"]
        said += [f"{test.name}: no engine promises {one}" for one in test.promises
                 if one not in promises | own]  # fmt: skip
    everywhere = [test for test in found if test.everywhere]
    kept = {one for test in everywhere if test.on_every_engine for one in test.promises}
    said += [f"no test on memory and both Docker Engines: {one}" for one in promises - kept]
    kept = {one for test in everywhere for one in test.promises}
    said += [f"no test on both Docker Engines: {one}" for one in own - kept]
    return sorted(said)


def test_promises_and_tests_are_one_to_one() -> None:
    assert complaints(suite(), PROMISES, DOCKERS_OWN) == []


def test_the_rule_sees_what_is_missing() -> None:
    good = Held("a", ("boxes.a",), on_every_engine=True, everywhere=True)
    own = Held("b", ("docker.b",), on_every_engine=False, everywhere=True)
    assert complaints([good, own], ["boxes.a"], ["docker.b"]) == []
    assert complaints([own], ["boxes.a"], ["docker.b"]) == [
        "no test on memory and both Docker Engines: boxes.a"
    ]
    assert complaints([good], ["boxes.a"], ["docker.b"]) == [
        "no test on both Docker Engines: docker.b"
    ]
    for lesser in (
        Held("a", ("boxes.a",), on_every_engine=False, everywhere=True),
        Held("a", ("boxes.a",), on_every_engine=True, everywhere=False),
    ):
        assert complaints([lesser], ["boxes.a"], []) == [
            "no test on memory and both Docker Engines: boxes.a"
        ]
    assert complaints([good], [], []) == ["a: no engine promises boxes.a"]
    bare = Held("c", (), on_every_engine=True, everywhere=False)
    assert complaints([bare], [], []) == ["c is about no promise"]


def methods() -> set[str]:
    """Every method of the protocols that one suite can hold all engines to."""
    return {
        f"{name.lower()}.{method}"
        for name in PROTOCOLS
        for method, function in vars(getattr(protocol, name)).items()
        if inspect.isfunction(function) and not method.startswith("_")
    }


def test_every_method_makes_a_promise() -> None:
    promised = {one.rpartition(".")[0] for one in PROMISES}
    assert promised - set(OF_NO_METHOD) == methods()


def test_every_protocol_is_looked_at() -> None:
    named = {
        name
        for name, kind in vars(protocol).items()
        if inspect.isclass(kind) and getattr(kind, "_is_protocol", False)
    } - {"Protocol"}
    assert named - {"Contents"} == set(PROTOCOLS), "Contents is ours; an engine only asks it"


def test_sentences_are_short_and_differ() -> None:
    sentences = [*PROMISES.values(), *DOCKERS_OWN.values()]
    assert len(set(sentences)) == len(sentences)
    assert all(one[0].islower() and not one.endswith(".") for one in sentences)


def test_the_folder_is_found() -> None:
    assert len(list(suite())) > 70
    assert Path(inspect.getfile(protocol)).is_relative_to(ROOT)
