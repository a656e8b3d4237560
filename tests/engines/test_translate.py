"""Boxes in brief, and what is sent to Docker for them: the cases of tests/cases/docker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestr8.boxes import spec as specs
from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import SpecFile, SpecSecret, SpecVolume
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.docker.situation import Situation, Staged
from orchestr8.engines.docker.translate import TRANSLATIONS, create_body
from orchestr8.errors import RejectedError
from orchestr8.isolation import seccomp, strict
from orchestr8.isolation.profile import Device, HostPath, Scratch
from orchestr8.isolation.relaxations import RELAXATIONS
from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId
from tests.engines.boxes import box

_FOLDER = Path(__file__).parents[1] / "cases" / "docker"
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['case']}")
    for file in sorted(_FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text())
]
_BUILDERS: dict[str, Any] = {
    "scratch": Scratch,
    "devices": Device,
    "host_paths": HostPath,
    "files": SpecFile,
    "secrets": SpecSecret,
    "volumes": SpecVolume,
}
_OF_THE_NETWORK = {"links", "publish", "egress"}


def read_box(settings: dict[str, Any]) -> Box:
    """The box of a case: mappings become the small types that the fields have."""
    read: dict[str, Any] = {}
    for name, value in settings.items():
        if name in _BUILDERS:
            read[name] = tuple(_BUILDERS[name](**item) for item in value)
        elif name == "joins":
            read[name] = tuple((kind, BoxId.parse(peer)) for kind, peer in value)
        elif name == "stop":
            read[name] = Stop(**value)
        elif isinstance(value, list):
            read[name] = tuple(tuple(v) if isinstance(v, list) else v for v in value)
        else:
            read[name] = value
    return box(**read)


def situation_of(case: dict[str, Any], made: Box) -> Situation:
    image = {
        name: tuple(tuple(v) if isinstance(v, list) else v for v in value)
        if isinstance(value, list)
        else value
        for name, value in case.get("image", {}).items()
    }
    targets = [v.target for v in made.spec.volumes]
    targets += [path.target for path in made.spec.profile.host_paths]
    staged = Staged(
        hosts="/run/shown/hosts",
        resolv_conf="/run/shown/resolv.conf",
        files={f.target: f"/run/shown/files/{n}" for n, f in enumerate(made.spec.files)},
        secrets="/run/shown/secrets",
        binds={target: f"/run/binds{target}" for target in targets},
    )
    more = dict(case.get("situation", {}))
    if "also_masked" in more:
        more["also_masked"] = tuple(more["also_masked"])
    return Situation(
        installation="test",
        architecture="amd64",
        cgroup_parent="/orchestr8-test/web",
        network="orchestr8-test",
        image=ImageFacts("probe:1", made.spec.image_id, **image),
        staged=staged,
        **more,
    )


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    made = read_box(case["box"])
    if "refused" in case:
        with pytest.raises(RejectedError, match=case["refused"]) as refused:
            create_body(made, situation_of(case, made))
        assert refused.value.remedy
        return
    body = create_body(made, situation_of(case, made))
    json.dumps(body)
    _contains(body, case.get("sent", {}), "")
    for path in case.get("not_sent", []):
        assert _at(body, path) is None, f"{path} is sent"
    host = body["HostConfig"]
    if "security" in case:
        assert [option.partition("=")[0] if option.startswith("seccomp") else option
                for option in host["SecurityOpt"]] == case["security"]  # fmt: skip
    assert set(case.get("masked", [])) <= set(host["MaskedPaths"])
    if "mounts" in case:
        assert {mount["Target"]: mount["Source"] for mount in host["Mounts"]} == case["mounts"]


def _contains(found: Any, wanted: Any, path: str) -> None:
    """Every key that is wanted is there with its value; maps of names are compared whole."""
    if not isinstance(wanted, dict):
        assert found == wanted, path
        return
    assert isinstance(found, dict), path
    if path.rpartition(".")[2] in ("Tmpfs", "Sysctls"):
        assert found == wanted, path
    for key, value in wanted.items():
        assert key in found, f"{path}.{key} is not sent"
        _contains(found[key], value, f"{path}.{key}")


def _at(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body.get(part) if isinstance(body, dict) else None
    return body


def test_every_dimension_has_a_line() -> None:
    asked = {name for entry in RELAXATIONS.values() for name in entry.changes}
    assert asked - _OF_THE_NETWORK <= set(TRANSLATIONS)


def test_the_spec_comes_back_from_its_label() -> None:
    made = read_box({"env": [["A", 'x"\n']], "capabilities": ["CHOWN"], "networked": True})
    labels = create_body(made, situation_of({}, made))["Labels"]
    assert specs.from_json(labels["orchestr8.spec"]) == made.spec


def test_the_filter_is_sent_as_text() -> None:
    made = box()
    options = create_body(made, situation_of({}, made))["HostConfig"]["SecurityOpt"]
    (text,) = [option for option in options if option.startswith("seccomp=")]
    assert text == "seccomp=" + seccomp.profile_json("strict-1", "amd64")


def test_mounts_are_binds_that_take_nothing_along() -> None:
    made = read_box({"volumes": [{"target": "/in", "volume": "v", "read_only": True}]})
    for mount in create_body(made, situation_of({}, made))["HostConfig"]["Mounts"]:
        assert mount["Type"] == "bind"
        assert mount["ReadOnly"] is False  # the source is read-only where it shall be
        assert mount["BindOptions"] == {"Propagation": "rprivate", "NonRecursive": True}


def test_all_masks_and_read_only_paths_are_sent() -> None:
    made = box()
    host = create_body(made, situation_of({}, made))["HostConfig"]
    assert set(strict.STRICT_1.masked_paths) <= set(host["MaskedPaths"])
    assert set(strict.STRICT_1.read_only_paths) <= set(host["ReadonlyPaths"])
