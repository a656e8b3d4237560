"""What is laid out for a box: who may read it, and that it is there whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.host import secret_files
from orchestr8.host.mounts import RunFolder
from orchestr8.host.staging import Stage, Staging
from orchestr8.names import BoxId
from tests.host.disk import folder_on_disk
from tests.host.namespaces import with_own_mounts
from tests.host.rights import needs_root

pytestmark = needs_root

UID = 1_114_108
STAGE = Stage(
    BoxId("payments", "api", 7), UID, UID,
    hostname="api", address="10.231.0.9",
    names=(("db.data", "10.231.128.1"), ("cache.data", "10.231.128.2")),
    files={"/etc/b.toml": b"b", "/etc/a.toml": b"a"},
    secrets={"db-password": b"hunter2"},
)  # fmt: skip


def _staging(folder: Path) -> Staging:
    made = RunFolder(folder / "run")
    made.ensure()
    return Staging(made)


@with_own_mounts
def test_everything_is_laid_out_for_the_box_alone(tmp_path: Path) -> None:
    staged = _staging(tmp_path).stage(STAGE)
    assert staged.hosts.read_text().splitlines() == [
        "127.0.0.1 localhost",
        "10.231.0.9 api",
        "# services that this box may call",
        "10.231.128.1 db.data",
        "10.231.128.2 cache.data",
    ]
    assert "nameserver" not in staged.resolver.read_text()
    assert {target: path.read_bytes() for target, path in staged.files.items()} == STAGE.files
    assert staged.secrets
    secret = staged.secrets / "db-password"
    assert secret.read_bytes() == b"hunter2"
    seen = [(p.stat().st_uid, p.stat().st_mode & 0o777) for p in (staged.secrets, secret)]
    assert seen == [(UID, 0o500), (UID, 0o400)]
    assert staged.files["/etc/a.toml"].stat().st_mode & 0o777 == 0o444
    assert staged.hosts.parent.stat().st_mode & 0o777 == 0o700


@with_own_mounts
def test_services_of_the_same_owner_have_their_bare_names_too(tmp_path: Path) -> None:
    names = (
        ("api.payments", "10.231.128.3"),  # the box's own service
        ("cache.payments", "10.231.128.2"),
        ("db.data", "10.231.128.1"),
    )
    staging = _staging(tmp_path)
    staged = staging.stage(replace(STAGE, names=()))
    staging.rewrite_names(STAGE.box_id, names)
    assert staged.hosts.read_text().splitlines()[3:] == [
        "10.231.128.3 api.payments",
        "10.231.128.2 cache.payments cache",
        "10.231.128.1 db.data",
    ]
    assert staging.names(STAGE.box_id) == names


@with_own_mounts
def test_nothing_of_it_can_be_changed_through_what_the_engine_binds(tmp_path: Path) -> None:
    staged = _staging(tmp_path).stage(STAGE)
    assert staged.secrets
    for path in (staged.hosts, staged.resolver, staged.secrets / "db-password"):
        with pytest.raises(OSError, match="Read-only"):
            path.open("r+")


@with_own_mounts
def test_names_are_rewritten_in_the_same_inode(tmp_path: Path) -> None:
    staging = _staging(tmp_path)
    staged = staging.stage(STAGE)
    before = staged.hosts.stat().st_ino
    assert staging.names(STAGE.box_id) == STAGE.names
    for names in ((("db.data", "10.231.128.9"),), STAGE.names, ()):
        staging.rewrite_names(STAGE.box_id, names)
        assert staging.names(STAGE.box_id) == names
        assert staged.hosts.stat().st_ino == before
        assert staged.hosts.read_text().startswith("127.0.0.1 localhost\n10.231.0.9 api\n")


@with_own_mounts
def test_laying_out_again_replaces(tmp_path: Path) -> None:
    staging = _staging(tmp_path)
    staging.stage(STAGE)
    staged = staging.stage(replace(STAGE, secrets={"other": b"x"}, files={}))
    assert staged.secrets
    assert os.listdir(staged.secrets) == ["other"]  # noqa: PTH208


@with_own_mounts
def test_a_removed_box_leaves_nothing(tmp_path: Path) -> None:
    staging = _staging(tmp_path)
    staging.stage(STAGE)
    staging.unstage(STAGE.box_id)
    staging.unstage(STAGE.box_id)
    assert list(staging.run.boxes.iterdir()) == []
    assert staging.names(STAGE.box_id) is None
    with pytest.raises(RejectedError, match="no hosts file"):
        staging.rewrite_names(STAGE.box_id, ())


@with_own_mounts
def test_secrets_never_reach_a_disk() -> None:
    with folder_on_disk() as folder:
        staging = Staging(RunFolder(folder))
        staging.run.boxes.mkdir()
        with pytest.raises(RejectedError, match="lies on a disk"):
            staging.stage(STAGE)
        assert list(staging.run.boxes.iterdir()) == []


@with_own_mounts
def test_a_full_run_folder_leaves_no_half_box(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)], check=True)
    staging = _staging(tmp_path)
    with pytest.raises(UnavailableError, match="No space left"):
        staging.stage(replace(STAGE, files={"/big": bytes(1 << 20)}))
    assert list(staging.run.boxes.iterdir()) == []
    staging.stage(STAGE)


@with_own_mounts
def test_what_a_killed_call_left_goes_with_the_box(tmp_path: Path) -> None:
    staging = _staging(tmp_path)
    begun = staging.run.boxes / f".new-{STAGE.box_id}"
    begun.mkdir()
    (begun / "hosts").touch()
    staging.stage(STAGE)
    assert [path.name for path in staging.run.boxes.iterdir()] == [str(STAGE.box_id)]
    begun.mkdir()
    staging.unstage(STAGE.box_id)
    assert list(staging.run.boxes.iterdir()) == []


@with_own_mounts
@pytest.mark.parametrize(
    "broken",
    [
        {"names": (("a b", "10.0.0.1"),)},
        {"names": (("db.data\n10.0.0.66 cache.data", "10.0.0.1"),)},
        {"names": (("db.data", "10.0.0.1 evil"),)},
        {"secrets": {"../hosts": b""}},
        {"secrets": {"..": b""}},
        {"hostname": "api\n10.0.0.66 db.data"},
    ],
)
def test_a_name_that_is_more_than_a_name_is_refused(
    tmp_path: Path, broken: dict[str, object]
) -> None:
    staging = _staging(tmp_path)
    with pytest.raises(RejectedError):
        staging.stage(replace(STAGE, **broken))  # type: ignore[arg-type]
    assert list(staging.run.boxes.iterdir()) == []


def _secret(folder: Path, mode: int = 0o600) -> Path:
    path = folder / "payments" / "db-password"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"hunter2")
    path.chmod(mode)
    return path


def test_a_secret_is_read_from_its_owners_folder(tmp_path: Path) -> None:
    _secret(tmp_path)
    assert secret_files.read_secret(tmp_path, "payments", "db-password") == b"hunter2"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("absent", "is missing"),
        ("link", "is a link"),
        ("fifo", "no plain file"),
        ("folder", "no plain file"),
        ("socket", "no plain file"),
        ("large/db-password", "is no folder"),
        ("../../etc/passwd", "leads out"),
        ("/etc/passwd", "leads out|is missing"),
        ("foreign", "belongs to uid 1000"),
        ("open", "can be read"),
        ("large", "larger than"),
    ],
)
def test_a_secret_that_is_no_secret_is_refused(tmp_path: Path, file: str, words: str) -> None:
    owner = _secret(tmp_path).parent
    (owner / "link").symlink_to(owner / "db-password")
    os.mkfifo(owner / "fifo", 0o600)
    (owner / "folder").mkdir()
    os.mknod(owner / "socket", 0o600 | stat.S_IFSOCK)
    for name in ("foreign", "open", "large"):
        (owner / name).write_bytes(b"x" if name != "large" else bytes(secret_files.BYTES_MAX + 1))
        (owner / name).chmod(0o644 if name == "open" else 0o600)
    os.chown(owner / "foreign", 1000, 1000)
    with pytest.raises(RejectedError, match=words) as refusal:
        secret_files.read_secret(tmp_path, "payments", file)
    assert refusal.value.remedy
