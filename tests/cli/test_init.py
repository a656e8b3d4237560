"""`init` writes the fewest lines that an image justifies, and they are always a valid manifest."""

from __future__ import annotations

import pytest

from orchestr8.cli.drafting import draft, service_from
from orchestr8.cli.new_manifest import owner_from
from orchestr8.contract.model import ImageFacts
from orchestr8.manifest.load import load
from orchestr8.manifest.model import ManifestSet, Source, TcpCheck
from tests.cli.console import Console
from tests.cli.shell import Shell

POSTGRES = ImageFacts(
    reference="postgres:15",
    id="sha256:" + "1" * 64,
    digest="sha256:" + "2" * 64,
    user="postgres",
    entrypoint=("/usr/bin/postgres",),
    volumes=("/var/lib/postgresql/data", "/var/cache/postgres", "/tmp"),
    ports=(5432, 8008),
)


def _loaded(facts: ImageFacts) -> tuple[str, ManifestSet]:
    text = draft(facts, "me", "app", "app.yaml")
    return text, load([Source("app.yaml", text)])


def test_a_database() -> None:
    text, part = _loaded(POSTGRES)
    (service,) = part.services
    assert service.image == "postgres:15"
    assert [(one.address, one.host_port, one.port) for one in service.publish] == [
        ("127.0.0.1", 5432, 5432)
    ]
    assert service.health and service.health.check == TcpCheck(5432)
    assert [(one.target, one.volume) for one in service.volumes] == [
        ("/var/lib/postgresql/data", "data")
    ]
    assert [one.path for one in service.scratch] == ["/var/cache/postgres"]
    assert [volume.name for volume in part.volumes] == ["data"]
    assert "pinned it would be postgres:15@sha256:2222" in text
    assert "what its other ports are for: 8008" in text
    assert "whether it insists on its own user (postgres)" in text


def test_an_image_that_says_nothing() -> None:
    text, part = _loaded(ImageFacts("app:1", "sha256:1"))
    (service,) = part.services
    assert service.entrypoint == ("/path/of/the/program",)
    assert service.health is None and not service.publish and not service.volumes
    assert "the image does not say what to run" in text
    assert "whether it minds that it does not start as root" in text
    assert "whether it listens on a port" in text


def test_a_port_below_1024_is_published_above() -> None:
    _, part = _loaded(ImageFacts("web:1", "sha256:1", cmd=("x",), ports=(80,)))
    assert part.services[0].publish[0].host_port == 8080


def test_a_port_that_somebody_has_is_left_to_them() -> None:
    facts = ImageFacts("web:1", "sha256:1", cmd=("x",), ports=(80,))
    text = draft(facts, "me", "web", "web.yaml", {8080, 8081, 9090})
    assert "publish: {127.0.0.1:8082: 80}" in text
    assert "8080 is taken" in text


HOSTILE = (
    "/data: {}\nservices: {evil: {image: x}}", "/a b", "/a,b", "/a:b", "relative", "/../etc", "/",
    "/proc/self", "/etc/passwd", "/a\x1b[31m", "/a}", "/a#b", "//x", "/data/../../x", "/d\u202ea",
)  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_what_an_image_says_cannot_break_out_of_its_line(path: str) -> None:
    facts = ImageFacts(
        "app:1", "sha256:1", cmd=("x",), user="x\n- y: z", volumes=(path, "/data"),
        env=(("LD_PRELOAD", "x"), ("A\nb: c", "y")), ports=(0, 70_000, 8080),
    )  # fmt: skip
    text, part = _loaded(facts)
    assert [service.name.service for service in part.services] == ["app"]
    assert [one.target for one in part.services[0].volumes] == ["/data"]
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "LD_PRELOAD" in text


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nginx:1.27", "nginx"),
        ("registry.example:5000/team/my_app:2@sha256:ab", "my-app"),
        ("ghcr.io/x/7zip", "zip"),
        ("localhost:5000/host", "app"),
        ("a/" + "b" * 60, "b" * 28),
        ("x/123", "app"),
    ],
)
def test_the_service_is_called_like_the_image(reference: str, name: str) -> None:
    assert service_from(reference) == name


@pytest.mark.parametrize(
    ("user", "owner"),
    [("ann", "ann"), ("root", "me"), ("", "me"), ("Ann.B", "ann-b"), ("x" * 40, "x" * 20)],
)
def test_the_owner_is_whoever_asks(user: str, owner: str) -> None:
    assert owner_from(user) == owner


def test_the_console_writes_a_manifest_that_is_valid(console: Console) -> None:
    words = ("init", "nginx:1.27", "--engine", "memory")
    answer = console.run(*words, USER="ann", SUDO_USER="")
    assert answer.status == 0
    assert "owner: ann " in answer.output
    assert console.run("validate", "-", stdin=answer.output).status == 0


def test_the_console_leaves_a_port_to_the_service_that_has_it(shell: Shell) -> None:
    services = 'services: {web: {image: "web:1", publish: {127.0.0.1:8080: 80}}}'
    shell.apply(f"orchestr8: 1\nowner: me\n{services}\n")
    shell.machine.register(ImageFacts("site:1", "sha256:1", cmd=("x",), ports=(80,)))
    assert "publish: {127.0.0.1:8081: 80}" in shell.type("init site:1").output


def test_a_program_gets_a_document(console: Console) -> None:
    words = ("init", "nginx:1.27", "--engine", "memory", "--output", "json")
    document = console.run(*words, "--out", "web.yaml").document
    assert document["manifest"] == (console.folder / "web.yaml").read_text()
    assert (document["kind"], document["file"]) == ("init", "web.yaml")
    assert console.run(*words, "--name", "front").document["service"] == "front"


def test_it_writes_a_new_file_and_never_over_one(console: Console) -> None:
    words = ("init", "nginx:1.27", "--engine", "memory", "--out", "web.yaml", "--name", "front")
    answer = console.run(*words)
    assert answer.status == 0
    assert "Read it, then:  orchestr8 plan web.yaml" in answer.output
    before = (console.folder / "web.yaml").read_text()
    assert "  front:" in before
    answer = console.run(*words)
    assert answer.status == 2
    assert "web.yaml is there already" in answer.errors
    assert (console.folder / "web.yaml").read_text() == before
