"""Images from a real registry: logins, certificates, mirrors, processors, and what goes wrong."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import platform
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestr8.engines.crun import bounded
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.image_facts import architecture
from orchestr8.errors import RejectedError, UnavailableError
from tests.attacks.hostile import Entry, build
from tests.hosts.registry import NAME, PASSWORD, Registry, registry
from tests.hosts.slow_line import slow_line
from tests.scenarios.fleet import ROOT, eventually

pytestmark = [
    pytest.mark.on_engine("crun"),
    pytest.mark.skipif(os.geteuid() != 0, reason="umoci keeps the owners of files as root only"),
]

CERTIFICATES = Path("/etc/containers/certs.d")
HERE = architecture(platform.machine())
SMALL_BYTES, LARGE_BYTES = 256 << 10, 8 << 20


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """With TLS and logins; this machine trusts it by its name. It has team/app:1."""
    folder = tmp_path_factory.mktemp("safe")
    with registry(folder / "registry", tls=True) as made:
        made.put(f"docker-archive:{image(folder, 'app')}", "team/app:1")
        trusted = CERTIFICATES / made.name
        trusted.mkdir(parents=True)
        shutil.copy(made.certificate, trusted / "ca.crt")
        try:
            yield made
        finally:
            shutil.rmtree(trusted)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Without either. It has large:1, of a small layer and a large one."""
    folder = tmp_path_factory.mktemp("plain")
    with registry(folder / "registry") as made:
        small = image(folder, "small", os.urandom(SMALL_BYTES))
        build(folder / "large.tar", small, [Entry("large", content=os.urandom(LARGE_BYTES))])
        made.put(f"docker-archive:{folder / 'large.tar'}", "large:1")
        yield made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without logins."""
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def images(tmp_path: Path) -> CrunImages:
    return CrunImages(tmp_path / "store")


def image(folder: Path, name: str, content: bytes = b"", processor: str = HERE) -> Path:
    archive = folder / f"{name}.tar"
    build(archive, None, [Entry(name, content=content or name.encode())], Cmd=[f"/{name}"])
    if processor != HERE:
        subprocess.run(["sed", "-i", f's/"amd64"/"{processor}"/', str(archive)], check=True)
    return archive


def log_in(file: Path, at: Registry, password: str = PASSWORD) -> None:
    file.parent.mkdir(exist_ok=True)
    secret = base64.b64encode(f"{NAME}:{password}".encode()).decode()
    file.write_text(json.dumps({"auths": {at.name: {"auth": secret}}}))


def left(images: CrunImages) -> list[str]:
    """What lies in the store, but for locks and names."""
    found = [*images.folder.glob(".new-*"), *images.folder.glob("unpacked/*")]
    return [path.name for path in found]


@pytest.mark.parametrize("place", ["docker", "variable"])
def test_logins_are_taken_from_where_people_keep_them(
    safe: Registry, images: CrunImages, home: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / ".docker/config.json"
    if place == "variable":
        file = home / "logins/auth.json"
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    log_in(file, safe)
    facts = images.fetch(f"{safe.name}/team/app:1")
    assert (facts.cmd, facts.architecture) == (("/app",), HERE)
    assert (images.root(facts.id) / "app").read_text() == "app"
    assert PASSWORD not in "".join(
        path.read_text(errors="replace") for path in images.folder.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize("password", ["", "wrong"])
def test_who_may_not_read_is_told_how_to_log_in(
    safe: Registry, images: CrunImages, home: Path, password: str
) -> None:
    if password:
        log_in(home / ".docker/config.json", safe, password)
    with pytest.raises(RejectedError, match="no login, or a wrong one") as refused:
        images.fetch(f"{safe.name}/team/app:1")
    assert f"skopeo login {safe.name}" in refused.value.remedy
    assert left(images) == []


@pytest.mark.parametrize("name", ["team/app:2", "team/none:1", f"team/app@sha256:{'1' * 64}"])
def test_what_the_registry_does_not_have_is_said(
    safe: Registry, images: CrunImages, home: Path, name: str
) -> None:
    log_in(home / ".docker/config.json", safe)
    with pytest.raises(RejectedError, match="there is no such image or tag"):
        images.fetch(f"{safe.name}/{name}")


def test_a_digest_is_what_counts_beside_a_tag(
    safe: Registry, images: CrunImages, home: Path
) -> None:
    log_in(home / ".docker/config.json", safe)
    digest = images.fetch(f"{safe.name}/team/app:1").digest
    facts = images.fetch(f"{safe.name}/team/app:other@{digest}")
    assert facts.digest == digest
    images.forget(f"{safe.name}/team/app:1")
    assert images.collect(frozenset()) == ()


def test_a_registry_without_a_known_certificate_is_not_trusted(
    safe: Registry, images: CrunImages, home: Path
) -> None:
    """By another name than the one by which it is known."""
    other = f"127.0.0.1:{safe.port}"
    _configure(home, f'[[registry]]\nprefix = "registry.example"\nlocation = "{other}"\n')
    with pytest.raises(RejectedError, match="certificate that this machine does not trust") as it:
        images.fetch("registry.example/team/app:1")
    assert f"/etc/containers/certs.d/{other}/ca.crt" in it.value.remedy


def test_a_mirror_serves_where_the_registry_itself_is_away(
    safe: Registry, images: CrunImages, home: Path
) -> None:
    log_in(home / ".docker/config.json", safe)
    _configure(
        home,
        '[[registry]]\nprefix = "registry.example"\nlocation = "127.0.0.1:1"\n'
        f'[[registry.mirror]]\nlocation = "{safe.name}"\n',
    )
    assert images.fetch("registry.example/team/app:1").reference == "registry.example/team/app:1"
    with pytest.raises(UnavailableError, match="does not answer"):
        images.fetch("registry.example/team/app:2")


def test_of_several_processors_this_machines_is_taken(
    safe: Registry, images: CrunImages, home: Path, tmp_path: Path
) -> None:
    log_in(home / ".docker/config.json", safe)
    own = safe.put(f"docker-archive:{image(tmp_path, 'own')}", "list:own")
    other = safe.put(f"docker-archive:{image(tmp_path, 'other', processor='s390x')}", "list:other")
    both = _put_list(safe, "list", "both", {HERE: own, "s390x": other})
    _put_list(safe, "list", "foreign", {"s390x": other})
    facts = images.fetch(f"{safe.name}/list:both")
    assert (facts.cmd, facts.digest) == (("/own",), both)
    with pytest.raises(RejectedError, match="no variant for this machine's processor"):
        images.fetch(f"{safe.name}/list:foreign")


def test_what_was_changed_at_the_registry_is_refused(
    safe: Registry, images: CrunImages, home: Path, tmp_path: Path
) -> None:
    log_in(home / ".docker/config.json", safe)
    digest = safe.put(f"docker-archive:{image(tmp_path, 'changed')}", "changed:1")
    manifest = json.loads(safe.blob(digest).read_bytes())
    layer = safe.blob(manifest["layers"][0]["digest"])
    layer.write_bytes(bytes(len(layer.read_bytes())))
    with pytest.raises(RejectedError, match="not what its digest names"):
        images.fetch(f"{safe.name}/changed:1")
    assert left(images) == []


def test_a_fetch_that_the_registry_broke_off_goes_on_where_it_was(
    plain: Registry, images: CrunImages, home: Path
) -> None:
    with slow_line(plain.port) as line:
        name = f"localhost:{line.port}/large:1"
        small = _layers(plain)[0]

        def dies_after_the_small_layer() -> None:
            if list(images.folder.glob(f"partial/*/blobs/sha256/{small}")):
                line.watch = lambda: None
                plain.kill()

        line.watch = dies_after_the_small_layer
        try:
            with pytest.raises(UnavailableError, match=r"does not answer, or not to the end"):
                images.fetch(name)
        finally:
            if not plain.runs:
                plain.start()
        line.received_bytes = 0
        facts = images.fetch(name)
    assert line.received_bytes < LARGE_BYTES + SMALL_BYTES, "the small layer came once"
    assert (images.root(facts.id) / "large").stat().st_size == LARGE_BYTES
    assert list(images.folder.glob("partial/*")) == []


def test_a_fetch_whose_caller_is_killed_ends_and_leaves_nothing_that_counts(
    plain: Registry, images: CrunImages, home: Path
) -> None:
    with slow_line(plain.port) as line:
        name = f"localhost:{line.port}/large:1"
        caller = subprocess.Popen(
            [sys.executable, "-c", _FETCH, str(images.folder), name], cwd=ROOT
        )
        eventually(lambda: line.received_bytes > SMALL_BYTES, 60)
        caller.send_signal(signal.SIGKILL)
        caller.wait()
        eventually(lambda: _programs_of(images.folder) == [], 60)
        assert line.received_bytes < LARGE_BYTES, "what it had started ended with it"
        assert images.resolve(name) is None
        facts = images.fetch(name)
    assert (images.root(facts.id) / "large").stat().st_size == LARGE_BYTES
    assert images.collect(frozenset()) == ()


def test_who_wants_the_same_image_at_the_same_time_waits_for_it(
    plain: Registry, images: CrunImages, home: Path
) -> None:
    with slow_line(plain.port) as line, ThreadPoolExecutor(4) as pool:
        name = f"localhost:{line.port}/large:1"
        stores = [CrunImages(images.folder) for _ in range(4)]
        facts = set(pool.map(lambda store: store.fetch(name).id, stores))
        assert len(facts) == 1
        assert line.received_bytes < 1.5 * (LARGE_BYTES + SMALL_BYTES)


def test_nothing_is_deleted_while_an_image_comes(
    plain: Registry, images: CrunImages, home: Path
) -> None:
    refused: list[str] = []

    def collects_once() -> None:
        if line.received_bytes > SMALL_BYTES and not refused:
            with pytest.raises(UnavailableError) as it:
                CrunImages(images.folder).collect(frozenset())
            refused.append(it.value.what)

    with slow_line(plain.port) as line:
        line.watch = collects_once
        facts = images.fetch(f"localhost:{line.port}/large:1")
    assert set(refused) == {"an image is being taken into the store"}
    assert (images.root(facts.id) / "large").stat().st_size == LARGE_BYTES
    assert images.collect(frozenset()) == ()


def test_an_image_that_fills_the_disk_is_stopped(tmp_path: Path) -> None:
    build(tmp_path / "bomb.tar", None, [Entry(f"{one}", content=bytes(8 << 20)) for one in "abcd"])
    images = CrunImages(tmp_path / "store", bounded.Bounds(16 << 20))
    with pytest.raises(RejectedError, match="takes more than 16MiB on the disk") as refused:
        images.take_archive(str(tmp_path / "bomb.tar"), "")
    assert "ORCHESTR8_IMAGE_MAX=32MiB" in refused.value.remedy
    assert left(images) == []


def test_an_image_with_too_many_files_is_stopped(tmp_path: Path) -> None:
    build(tmp_path / "bomb.tar", None, [Entry(f"a{number}") for number in range(300)])
    images = CrunImages(tmp_path / "store", bounded.Bounds(files_max=200))
    with pytest.raises(RejectedError, match="more than 200 files"):
        images.take_archive(str(tmp_path / "bomb.tar"), "")
    assert left(images) == []


def test_a_full_disk_is_said_and_some_of_it_stays_free(tmp_path: Path) -> None:
    build(tmp_path / "image.tar", None, [Entry(f"{one}", content=bytes(8 << 20)) for one in "abc"])
    store = tmp_path / "store"
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(store)], check=True)
    try:
        images = CrunImages(store)
        with pytest.raises(RejectedError, match="the disk is full") as refused:
            images.take_archive(str(tmp_path / "image.tar"), "")
        assert "orchestr8 image gc" in refused.value.remedy
        assert left(images) == []
    finally:
        subprocess.run(["umount", str(store)], check=True)


def _configure(home: Path, text: str) -> None:
    folder = home / ".config/containers"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registries.conf").write_text(text)


def _layers(at: Registry) -> list[str]:
    """The layers of large:1, as hexadecimal digests."""
    connection = http.client.HTTPConnection("127.0.0.1", at.port)
    accepted = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    connection.request("GET", "/v2/large/manifests/1", headers=accepted)
    manifest = json.loads(connection.getresponse().read())
    connection.close()
    return [str(layer["digest"]).removeprefix("sha256:") for layer in manifest["layers"]]


def _put_list(at: Registry, repository: str, tag: str, variants: dict[str, str]) -> str:
    """A list of variants by processor; its digest."""
    kind = "application/vnd.docker.distribution.manifest"
    content = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{kind}.list.v2+json",
            "manifests": [
                {
                    "mediaType": f"{kind}.v2+json",
                    "digest": digest,
                    "size": at.blob(digest).stat().st_size,
                    "platform": {"os": "linux", "architecture": processor},
                }
                for processor, digest in variants.items()
            ],
        }
    ).encode()
    trusting = ssl.create_default_context(cafile=str(at.certificate))
    connection = http.client.HTTPSConnection("localhost", at.port, context=trusting)
    secret = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    headers = {"Content-Type": f"{kind}.list.v2+json", "Authorization": f"Basic {secret}"}
    connection.request("PUT", f"/v2/{repository}/manifests/{tag}", content, headers)
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _programs_of(folder: Path) -> list[str]:
    """The programs that work in a store."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


_FETCH = """
import sys
from pathlib import Path
from orchestr8.engines.crun.images import CrunImages
CrunImages(Path(sys.argv[1])).fetch(sys.argv[2])
"""
