"""Every field and relaxation can be explained, and its example is one that `load` takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestr8.engines.crun.machine import _WHY_MISSING as MISSING
from orchestr8.errors import UsageError
from orchestr8.isolation.relaxations import ASKED_BY_NAME, RELAXATIONS
from orchestr8.manifest.blocks import NOT_BUILT
from orchestr8.manifest.explain import explain, explain_relaxation
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Source
from orchestr8.manifest.whole import ROOTS

SERVICE = "orchestr8: 1\nowner: me\nservices:\n  api:\n    image: api:1\n"


def paths(path: str) -> Iterator[str]:
    yield path
    for key, _ in explain(path).children:
        yield from paths(f"{path}.{key}")


ALL = [path for root in ROOTS if root != "manifest" for path in paths(root)]


@pytest.mark.parametrize("path", ALL)
def test_every_field_says_all_of_it(path: str) -> None:
    found = explain(path)
    assert found.path == path
    assert found.type
    assert found.default
    assert found.effect
    assert found.example
    assert "None" not in found.type
    for text in (found.effect, found.default, found.type):
        assert not text.endswith(".")


def test_what_no_engine_has_yet_says_so() -> None:
    said = {path.partition(".")[2] for path in ALL if NOT_BUILT in explain(path).effect}
    asked = {word for word, why in MISSING.items() if "not built yet" in why}
    assert said == {*asked, "owners.quota.bandwidth"}


def test_memory() -> None:
    found = explain("service.limits.memory")
    assert found.type == "a size, or a mapping"
    assert found.default == "at most 128MiB, nothing guaranteed"
    assert found.example == "memory: {guarantee: 128MiB, max: 512MiB}"
    assert [key for key, _ in found.children] == ["guarantee", "max"]


def test_a_path_as_problems_write_it() -> None:
    assert explain("services.front.limits.memory").path == "service.limits.memory"
    assert explain("services.front.args.0").path == "service.args"
    assert explain("platform.owners.payments.quota.cpu").path == "platform.owners.quota.cpu"
    assert explain("platform.waivers.0.by").path == "platform.waivers.by"


def test_roots() -> None:
    assert [key for key, _ in explain("").children][:2] == ["orchestr8", "owner"]
    assert explain("owner").path == "owner"
    assert explain("services").path == explain("service").path == "service"
    assert [key for key, _ in explain("service").children][:2] == ["image", "run"]


@pytest.mark.parametrize(
    ("path", "what", "remedy"),
    [
        ("servce", 'there is no "servce"', "did you mean service?"),
        ("limits", 'there is no "limits"', "did you mean service.limits?"),
        ("memory", 'there is no "memory"', "did you mean service.limits.memory?"),
        ("service.memroy", 'service has no field "memroy"', "did you mean service.limits.memory?"),
        (
            "service.limits.cpus",
            'service.limits has no field "cpus"',
            "did you mean service.limits.cpu?",
        ),
        (
            "service.image.x",
            'service.image has no field "x"',
            "`orchestr8 explain service.image` says all of it",
        ),
    ],
)
def test_unknown_fields(path: str, what: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(path)
    assert (caught.value.what, caught.value.remedy) == (what, remedy)


@pytest.mark.parametrize(
    "path",
    [path for path in ALL if path.startswith("service.") and path.count(".") == 1],
)
def test_the_example_of_a_service_field_is_taken(path: str) -> None:
    example = explain(path).example
    lines = SERVICE.replace("    image: api:1\n", "") if path == "service.image" else SERVICE
    others = (
        "  migrate: {image: api:1}\n"
        "volumes: {ledger: {}}\nsecrets: {db-password: {}, api-cert: {}}\n"
    )
    assert load([Source("m.yaml", f"{lines}    {example}\n{others}")]).services


@pytest.mark.parametrize("id_", sorted(RELAXATIONS))
def test_every_relaxation_says_all_of_it(id_: str) -> None:
    found = explain_relaxation(id_)
    assert found.weakens
    assert found.why
    assert found.dangers
    assert all(danger and consent for _, danger, consent in found.dangers)


@pytest.mark.parametrize("id_", sorted(ASKED_BY_NAME))
def test_the_example_of_a_relaxation_is_taken(id_: str) -> None:
    example = explain_relaxation(id_).example.replace("\n", "\n    ")
    scratch = "    scratch: {/srv/app: 1MiB}\n" if id_ == "fs.scratch-exec" else ""
    (service,) = load([Source("m.yaml", f"{SERVICE}{scratch}    {example}\n")]).services
    assert service.relax[0].id == id_
    assert service.relax[0].why


def test_dangers_of_a_capability_and_of_a_host_path() -> None:
    dangers = explain_relaxation("fs.host-path").dangers
    assert [(danger, consent) for _, danger, consent in dangers] == [
        ("moderate", "platform"),
        ("host", "two"),
    ]
    cases = {danger: case for case, danger, _ in explain_relaxation("cap.add").dangers}
    assert "SYS_MODULE" in cases["host"]


def test_an_unknown_relaxation() -> None:
    with pytest.raises(UsageError) as caught:
        explain_relaxation("net.egres")
    assert caught.value.remedy == "did you mean net.egress?"
