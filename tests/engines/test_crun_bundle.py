"""A box as an OCI bundle: what is said for it, and that the runtime's own schema takes it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from msgspec.structs import replace
from referencing import Registry, Resource

from orchestr8.boxes.desired import Box
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.crun.bundle import FILTER_ANNOTATION, config, process
from orchestr8.engines.crun.filter_program import program
from orchestr8.engines.crun.situation import Bind, DeviceNode, Situation
from orchestr8.errors import RejectedError
from orchestr8.isolation.profile import Scratch
from orchestr8.isolation.strict import STRICT_1
from tests.engines.boxes import IMAGE_ID, box

SCHEMA = Path("/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema")
SITUATION = Situation(
    image=ImageFacts("probe:1", IMAGE_ID),
    root="/run/root",
    filter_program=program("strict-1", "amd64"),
    binds={"/etc/hosts": Bind("/run/hosts", ("ro", "nosuid", "nodev", "noexec"))},
)


def strict(**settings: Any) -> Box:
    return replace(box(uid=65_532, gid=65_532, **settings), uid_base=1_048_576)


def test_a_strict_box_has_every_wall() -> None:
    made = config(strict(), SITUATION)
    assert {one["type"] for one in made["linux"]["namespaces"]} == {
        "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts",
    }  # fmt: skip
    assert all("path" not in one for one in made["linux"]["namespaces"])
    assert made["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 1_048_576, "size": 65_536}]
    assert made["root"] == {"path": "/run/root", "readonly": True}
    assert made["process"]["noNewPrivileges"] is True
    assert set(map(tuple, made["process"]["capabilities"].values())) == {()}
    assert made["process"]["user"] == {
        "uid": 65_532, "gid": 65_532, "umask": 0o077, "additionalGids": []
    }  # fmt: skip
    assert set(STRICT_1.masked_paths) <= set(made["linux"]["maskedPaths"])
    assert base64.b64decode(made["annotations"][FILTER_ANNOTATION]) == SITUATION.filter_program
    assert "cgroupsPath" not in made["linux"]
    assert "resources" not in made["linux"]


def test_no_mount_is_open_to_set_uid_or_devices() -> None:
    for mount in config(strict(), SITUATION)["mounts"]:
        assert "nosuid" in mount["options"], mount
        assert "nodev" in mount["options"] or mount["destination"].startswith("/dev"), mount


def test_what_was_granted_is_there_and_nothing_else() -> None:
    made = config(
        strict(capabilities=("NET_RAW",), scratch=(Scratch("/var/cache", 4096, executable=True),)),
        replace(
            SITUATION,
            devices=(DeviceNode("/dev/fuse", 10, 229, "rw"),),
            cgroup="/orchestr8-x/web/web--front--1",
            apparmor="orchestr8.strict-1",
        ),
    )
    assert set(map(tuple, made["process"]["capabilities"].values())) == {("CAP_NET_RAW",)}
    assert made["linux"]["devices"] == [
        {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}
    ]
    (cache,) = [one for one in made["mounts"] if one["destination"] == "/var/cache"]
    assert {"exec", "nosuid", "nodev", "size=4096"} <= set(cache["options"])
    assert made["linux"]["cgroupsPath"] == "/orchestr8-x/web/web--front--1"
    assert made["linux"]["resources"]["devices"] == [
        {"allow": False, "access": "rwm"},
        {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"},
    ]
    assert made["process"]["apparmorProfile"] == "orchestr8.strict-1"


@pytest.mark.parametrize(
    "workdir",
    ["/proc/self/fd/7", "//proc/self/cwd", "/sys", "/srv/../proc", "../..", "srv", "/dev/"],
)
def test_a_working_folder_that_is_not_the_images_is_refused(workdir: str) -> None:
    with pytest.raises(RejectedError, match="which is no folder of its own"):
        config(strict(workdir=workdir), SITUATION)


@pytest.mark.parametrize("workdir", ["", "/", "/srv/", "/srv/.cache", "/process/x", "/a/..b"])
def test_a_working_folder_of_the_image_is_kept(workdir: str) -> None:
    assert config(strict(workdir=workdir), SITUATION)["process"]["cwd"] == (workdir or "/")


def test_programs_are_looked_for_where_docker_does_unless_somebody_says_where() -> None:
    assert any(one.startswith("PATH=/usr/local/sbin:") for one in env())
    assert env(("PATH", "/opt"), ("HOME", "/srv")) == ["PATH=/opt", "HOME=/srv"]


def env(*given: tuple[str, str]) -> list[str]:
    return list(process(strict(env=given), SITUATION)["env"])


@pytest.mark.parametrize(
    "image",
    [
        ImageFacts("x:1", IMAGE_ID, labels=(("orchestr8.set", "mine"),)),
        ImageFacts("x:1", IMAGE_ID, volumes=("/data",)),
    ],
    ids=["a label of ours", "a volume without a place"],
)
def test_an_untrusted_image_is_refused(image: ImageFacts) -> None:
    with pytest.raises(RejectedError):
        config(strict(), replace(SITUATION, image=image))


def test_a_level_labels_processes_and_what_is_mounted_for_them() -> None:
    plain, made = config(strict(), SITUATION), config(strict(), labelled())
    assert made["process"].pop("selinuxLabel") == "system_u:system_r:container_t:s0:c1,c2"
    assert made["linux"].pop("mountLabel") == "system_u:object_r:container_file_t:s0:c1,c2"
    assert made == plain


def labelled() -> Situation:
    return replace(SITUATION, level="s0:c1,c2")


@pytest.mark.parametrize("capabilities", [(), ("NET_RAW", "CHOWN")])
def test_the_runtimes_own_schema_takes_it(capabilities: tuple[str, ...]) -> None:
    if not SCHEMA.is_dir():
        pytest.skip("the OCI schema is missing: apt-get install "
                    "golang-github-opencontainers-specs-dev")  # fmt: skip
    made = config(strict(capabilities=capabilities), labelled())
    # A schema of before runtime-spec 1.1 does not know the newest namespace.
    spaces = made["linux"]["namespaces"]
    spaces[:] = [one for one in spaces if one["type"] != "time"]
    errors = [error.message for error in validator().iter_errors(made)]
    assert errors == []
    made["process"]["noNewPrivileges"] = "yes"
    assert list(validator().iter_errors(made))


def test_a_bind_is_told_every_flag_of_what_is_bound() -> None:
    (hosts,) = [one for one in config(strict(), SITUATION)["mounts"] if one["type"] == "bind"]
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(hosts["options"]), "1.21 drops the others"


def test_what_is_anothers_is_entered_and_never_made_anew() -> None:
    joined = {kind: f"/proc/7/fd/{number}" for number, kind in enumerate(("ipc", "net", "pid"))}
    there = Bind("/run/shown", ("nosuid", "nodev"))
    shown = dict.fromkeys(("/dev/mqueue", "/dev/shm", "/proc", "/sys"), there)
    made = config(strict(), replace(SITUATION, joined=joined, binds=shown))
    paths = {one["type"]: one.get("path", "") for one in made["linux"]["namespaces"]}
    assert paths == {
        "cgroup": "", "ipc": joined["ipc"], "mount": "", "network": joined["net"], "user": "",
        "uts": "",
    }, "into the pid namespace the runtime's children are born"  # fmt: skip
    assert made["linux"]["sysctl"] == {}, "the network's are its owner's"
    for target in shown:
        (mount,) = [one for one in made["mounts"] if one["destination"] == target]
        assert mount["type"] == "bind"


def validator() -> Draft7Validator:
    documents = {file.name: json.loads(file.read_text()) for file in SCHEMA.glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource.from_contents(one, default_specification=_draft()))
        for name, one in documents.items()
    )
    return Draft7Validator(documents["config-schema.json"], registry=registry)


def _draft() -> Any:
    from referencing.jsonschema import DRAFT7

    return DRAFT7
