"""Fetching from a real repository; and from one that is broken, gone, huge or hostile."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestr8.errors import ManifestError, RejectedError, UnavailableError
from orchestr8.sources.child import UID, Bounds, Child
from orchestr8.sources.files import Files, files_below
from orchestr8.sources.git import Clone, Remote
from orchestr8.sources.objects import DamagedError
from tests.sources.workshop import HELLO, Workshop, fetched


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits for at most a minute."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


WHO = (
    "id -u; grep -E 'Cap|NoNew' /proc/self/status; "
    "sed 's/:.*//; s/  *packets.*//' /proc/self/net/dev; env"
)
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12\n"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="another account needs root")


def read(clone: Clone, remote: Remote, path: str = "") -> dict[str, str]:
    """The manifests of a remote's tip."""
    with clone.held():
        clone.fetch(remote)
        with clone.reading() as objects:
            files = files_below(objects, objects.commit(objects.tip()).tree, path)
    return {one.name: one.text for one in files.texts}


def problems(clone: Clone, remote: Remote, path: str = "") -> list[str]:
    """What is wrong with the files."""
    with pytest.raises(ManifestError) as caught:
        read(clone, remote, path)
    return [f"{one.place}: {one.what}" for one in caught.value.problems]


def test_a_branch_is_fetched_and_its_manifests_are_read(workshop: Workshop, clone: Clone) -> None:
    first = workshop.commit({"deploy/web.yaml": HELLO, "README": "x", "deploy/app.yaml": "a: 1\n"})
    remote = Remote(str(workshop.folder))
    assert fetched(clone, remote) == first
    assert read(clone, remote, "deploy") == {"deploy/web.yaml": HELLO}
    second = workshop.commit({"deploy/web.yaml": HELLO + "# more\n"})
    assert fetched(clone, remote) == second
    assert read(clone, remote)["deploy/web.yaml"].endswith("# more\n")


def test_files_beside_the_manifests_are_read_when_they_are_asked_for(
    workshop: Workshop, clone: Clone
) -> None:
    workshop.commit(
        {"d/web.yaml": HELLO, "d/app.toml": "a", "other": "x", "d/big": "x" * (2 << 20),
         "d/kept": POINTER}
    )  # fmt: skip
    (workshop.folder / "d" / "link").symlink_to("app.toml")
    workshop.commit()
    with clone.held():
        clone.fetch(Remote(str(workshop.folder)))
        with clone.reading() as objects:
            files = files_below(objects, objects.commit(objects.tip()).tree, "d")
            assert files.read_file("d/app.toml") == b"a"
            names = ("other", "d/.own/app", "d/big", "d/link", "d/kept")
            said = [reason(files, name) for name in names]
            assert files.read_file("d/app.toml") == b"a"
    assert said == [
        "the source has no such file",
        "what begins with a dot is not read in a source",
        "it is larger than 1 MiB",
        "it is a link, not a file",
        "Git LFS keeps it elsewhere, and only a pointer is here",
    ]


def reason(files: Files, path: str) -> str:
    """Why a file cannot be read."""
    with pytest.raises(OSError) as caught:
        files.read_file(path)
    return str(caught.value.strerror)


def test_the_highest_tag_of_a_pattern_counts(workshop: Workshop, clone: Clone) -> None:
    names = {}
    for tag in ("v1.9", "v1.10", "v2-rc1", "x3"):
        names[tag] = workshop.commit({"web.yaml": HELLO + f"# {tag}\n"})
        workshop.git("tag", "-a", "-m", "a tag", tag)
    remote = Remote(str(workshop.folder), tags="v1*")
    assert fetched(clone, remote) == names["v1.10"]
    assert "# v2-rc1" in read(clone, Remote(str(workshop.folder), tags="v*"))["web.yaml"]
    workshop.git("tag", "v2")
    assert "# x3" in read(clone, Remote(str(workshop.folder), tags="v*"))["web.yaml"]
    with pytest.raises(RejectedError, match=r"has no tag w\*"):
        fetched(clone, Remote(str(workshop.folder), tags="w*"))
    numbers = {"9" * 5000: "v1.10", "1" + "0" * 5000: "v2-rc1", "0" * 6000 + "9": "x3"}
    lines = [f"{names[tag]} refs/tags/w{number}\n" for number, tag in numbers.items()]
    (workshop.folder / ".git" / "packed-refs").write_text("".join(lines))
    assert "# v2-rc1" in read(clone, Remote(str(workshop.folder), tags="w*"))["web.yaml"]


@ROOT_ONLY
def test_git_runs_as_an_account_of_its_own_without_rights(clone: Clone, ground: Path) -> None:
    with clone.held():
        said = clone.child.run(["git", "-c", f"alias.who=!{WHO}", "who"])
    lines = said.output.decode().splitlines()
    assert lines[0] == str(UID)
    sets = [line.split() for line in lines if line.startswith("Cap")]
    assert {value for _, value in sets} == {"0" * 16}
    assert "NoNewPrivs:\t1" in lines
    at = next(n for n, line in enumerate(lines) if line.strip() == "face |bytes")
    assert lines[at + 1].strip() == "lo"
    assert "=" in lines[at + 2]  # no other interface, and so no way out
    kept = {line.partition("=")[0] for line in lines if "=" in line}
    assert not kept & {"USER", "LOGNAME", "SSH_AUTH_SOCK", "ORCHESTR8_STATE"}


@ROOT_ONLY
def test_any_umask_leaves_a_way_for_the_child(workshop: Workshop, clone: Clone) -> None:
    workshop.commit({"web.yaml": HELLO})
    before = os.umask(0o077)
    try:
        assert read(clone, Remote(str(workshop.folder))) == {"web.yaml": HELLO}
    finally:
        os.umask(before)


@ROOT_ONLY
def test_a_cache_that_is_closed_to_others_is_said(ground: Path) -> None:
    closed = ground / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(RejectedError, match="closed is closed to other accounts") as caught:
        Child(closed / "web" / "home").prepare()
    assert "ORCHESTR8_CACHE" in caught.value.remedy


def test_hooks_filters_and_settings_of_a_repository_do_nothing(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    mark = ground / "mark"
    mark.mkdir(mode=0o777)
    mark.chmod(0o777)
    workshop.commit({"web.yaml": HELLO, ".gitattributes": "*.yaml filter=evil\n"})
    for hook in ("post-checkout", "reference-transaction", "post-upload-pack"):
        path = workshop.folder / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {mark}/{hook}\n")
        path.chmod(0o755)
    workshop.git("config", "filter.evil.smudge", f"touch {mark}/filter")
    workshop.git(
        "config", "uploadpack.packObjectsHook", f"touch {mark}/pack; exec git pack-objects"
    )
    assert read(clone, Remote(str(workshop.folder))) == {"web.yaml": HELLO}
    assert list(mark.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["--upload-pack=touch /tmp/x", "ext::sh -c id", "fd::3", "http://127.0.0.1:1/x.git"]
)
def test_addresses_that_run_commands_or_go_in_the_clear_are_not_fetched(
    clone: Clone, url: str
) -> None:
    with pytest.raises(UnavailableError, match="cannot be fetched from"):
        fetched(clone, Remote(url))


def test_a_vanished_branch_and_an_absent_remote_are_told_apart(
    workshop: Workshop, clone: Clone
) -> None:
    workshop.commit({"web.yaml": HELLO})
    remote = Remote(str(workshop.folder), branch="live")
    with pytest.raises(RejectedError, match=r"has no branch live; it has main$") as caught:
        fetched(clone, remote)
    assert "`branch`" in caught.value.remedy
    workshop.git("branch", "live")
    assert fetched(clone, remote)
    workshop.git("branch", "-D", "live")
    with pytest.raises(RejectedError, match=r"has no branch live"):
        fetched(clone, remote)
    with pytest.raises(UnavailableError, match="cannot be fetched from"):
        fetched(clone, Remote("/nonexistent/repository"))
    with pytest.raises(UnavailableError, match=r"cannot be fetched from") as refused:
        fetched(clone, Remote("https://127.0.0.1:9/x.git"))
    assert refused.value.remedy == "look whether it answers; it is tried again"
    with pytest.raises(UnavailableError, match="Connection refused"):
        fetched(clone, Remote("ssh://git@127.0.0.1:9/x.git"))  # ssh knows who it is, at least


def test_a_force_push_is_followed_by_the_fetch(workshop: Workshop, clone: Clone) -> None:
    first = workshop.commit({"web.yaml": HELLO})
    workshop.commit({"web.yaml": HELLO + "# 2\n"})
    remote = Remote(str(workshop.folder), whole=True)
    fetched(clone, remote)
    workshop.git("reset", "--hard", "--quiet", first)
    assert fetched(clone, remote) == first


def test_a_remote_that_hashes_otherwise_than_before_is_fetched_anew(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    longer = Workshop.begun(ground / "longer", "--object-format=sha256")
    tips = {one.folder: one.commit({"web.yaml": HELLO}) for one in (workshop, longer)}
    assert {len(tip) for tip in tips.values()} == {40, 64}
    for folder in (workshop.folder, longer.folder, workshop.folder):
        remote = Remote(str(folder), whole=True)
        assert fetched(clone, remote) == tips[folder]
        assert read(clone, remote) == {"web.yaml": HELLO}


def test_years_of_pushes_leave_few_packs(
    workshop: Workshop, clone: Clone, ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestr8.sources.git.PACKS_MOST", 3)
    remote = Remote(str(workshop.folder), whole=True)
    for number in range(6):
        tip = workshop.commit({"web.yaml": f"{HELLO}# {number}\n"})
        assert fetched(clone, remote) == tip
        assert len(list(ground.glob("cache/web/git/objects/pack/*.pack"))) <= 3
    assert read(clone, remote) == {"web.yaml": f"{HELLO}# 5\n"}


@pytest.mark.parametrize(
    "damage", ["lock", "cut", "emptied", "exchanged", "config", "number", "head"]
)
def test_a_damaged_clone_is_made_anew(
    workshop: Workshop, clone: Clone, ground: Path, damage: str
) -> None:
    workshop.commit({"web.yaml": HELLO})
    remote = Remote(str(workshop.folder), whole=True)
    fetched(clone, remote)
    git = ground / "cache" / "web" / "git"
    pack = next(git.glob("objects/pack/*.pack"))
    pack.chmod(0o600)
    match damage:
        case "lock":
            (git / "shallow.lock").touch()
            (git / "refs" / "source" / "tip.lock").touch()
            (pack.parent / "tmp_pack_half").write_bytes(b"PACK")
            half = git / "objects" / "tmp_objdir-incoming-x"
            half.mkdir()
            (half / "tmp_pack_half").write_bytes(b"PACK")
        case "cut":
            os.truncate(pack, 20)
        case "emptied":
            os.truncate(next(git.glob("objects/pack/*.idx")), 0)
        case "exchanged":
            pack.write_bytes(b"\0" * pack.stat().st_size)
        case "config":
            (git / "config").write_text("[broken")
        case "number":
            (git / "config").write_text("[core]\n\trepositoryformatversion = x\n")
        case "head":
            (git / "HEAD").unlink()
    workshop.commit({"web.yaml": HELLO + "# 2\n"})
    try:
        found = read(clone, remote)
    except DamagedError:
        clone.forget()
        found = read(clone, remote)
    assert found["web.yaml"].endswith("# 2\n")


def test_an_object_that_is_exchanged_in_the_clone_is_seen(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    workshop.commit({"web.yaml": HELLO})
    remote = Remote(str(workshop.folder), whole=True)
    tip = fetched(clone, remote)
    objects = ground / "cache" / "web" / "git" / "objects"
    blob = workshop.git("rev-parse", "HEAD:web.yaml")
    forged = workshop.git("hash-object", "-w", "--stdin", text=b"owner: evil\n")
    for path in (objects / "pack").iterdir():
        path.rename(ground / path.name)
    packed = next(ground.glob("*.pack"))
    (objects.parent / "x").mkdir()
    unpack = Workshop(workshop.folder)
    unpack.git(f"--git-dir={objects.parent}", "unpack-objects", "-q", text=packed.read_bytes())
    source = workshop.folder / ".git" / "objects" / forged[:2] / forged[2:]
    target = objects / blob[:2] / blob[2:]
    target.unlink()
    target.write_bytes(source.read_bytes())
    with clone.held(), clone.reading() as found, pytest.raises(DamagedError):
        files_below(found, found.commit(tip).tree, "")


@pytest.mark.parametrize("gone", ["", "home"])
def test_a_cache_that_goes_away_is_told_and_made_anew(
    workshop: Workshop, ground: Path, gone: str
) -> None:
    workshop.write({"web.yaml": HELLO})
    workshop.commit()
    remote, clone = Remote(str(workshop.folder)), Clone(ground / "cache" / "web")
    tip = fetched(clone, remote)
    with pytest.raises(UnavailableError, match="went away"), clone.held():
        shutil.rmtree(ground / "cache" / "web" / gone)
        clone.fetch(remote)
    assert fetched(clone, remote) == tip


def test_a_huge_repository_is_refused_and_leaves_nothing(workshop: Workshop, ground: Path) -> None:
    workshop.write({"web.yaml": HELLO})
    (workshop.folder / "noise").write_bytes(os.urandom(3 << 20))
    workshop.commit()
    clone = Clone(ground / "cache" / "web", Bounds(bytes_most=1 << 20))
    with pytest.raises(RejectedError, match="has more than 1 MiB in the branch main"):
        fetched(clone, Remote(str(workshop.folder)))
    assert not (ground / "cache" / "web" / "git").exists()


def test_what_must_not_be_in_a_tree_is_named(workshop: Workshop, clone: Clone) -> None:
    workshop.write({"d/web.yaml": HELLO, "d/near": "x", "d/large.yaml": "# " + "x" * (1 << 20)})
    workshop.write({"d/kept.yaml": POINTER})
    for name, target in {
        "d/a.yaml": "near", "d/out": "../../etc/passwd", "d/up": "../other", "d/in": "near",
        "d/abs": "/etc/passwd", "d/.hidden": "/etc/passwd", os.fsdecode(b"d/\xff"): "/",
    }.items():  # fmt: skip
        (workshop.folder / name).symlink_to(target)
    first = workshop.commit()
    workshop.git("update-index", "--add", "--cacheinfo", f"160000,{first},d/module")
    workshop.git("commit", "--quiet", "-m", "a submodule")
    assert problems(clone, Remote(str(workshop.folder)), "d") == [
        "d/a.yaml: a symbolic link, which is not followed in a source",
        "d/abs: a symbolic link that leads out of the source's path",
        "d/module: a submodule: what it leads to is another repository's, and is never fetched",
        "d/out: a symbolic link that leads out of the source's path",
        "d/up: a symbolic link that leads out of the source's path",
        "d/\\xff: a symbolic link that leads out of the source's path",
        "d/kept.yaml: Git LFS keeps the file elsewhere: only a pointer to it is here",
        "d/large.yaml: the file is larger than a manifest may be (1MiB)",
    ]
    assert problems(clone, Remote(str(workshop.folder)), "e") == [
        "e: the path is not in the commit"
    ]
    assert problems(clone, Remote(str(workshop.folder)), "d/near/x") == [
        "d/near/x: the path is not in the commit"
    ]
    workshop.git("rm", "-r", "-q", "--cached", "d")
    workshop.git("commit", "--quiet", "-m", "nothing left", "--allow-empty")
    workshop.commit({"e/readme": "x"})
    assert problems(clone, Remote(str(workshop.folder)), "e") == ["e: no manifest in it"]


def test_too_many_files_are_one_problem(workshop: Workshop, clone: Clone) -> None:
    blob = workshop.git("hash-object", "-w", "--stdin", text=b"x")
    lines = "".join(f"100644 blob {blob}\tf{n}\n" for n in range(20_001))
    tree = workshop.git("mktree", text=lines.encode())
    commit = workshop.git("commit-tree", tree, "-m", "many")
    workshop.git("update-ref", "refs/heads/main", commit)
    assert problems(clone, Remote(str(workshop.folder))) == [
        ".: more than 20000 files below the source's path"
    ]


def test_credentials_are_gone_after_the_fetch(clone: Clone, ground: Path) -> None:
    remote = Remote("https://127.0.0.1:9/x.git", credentials=b"ann:secret word\n")
    with pytest.raises(UnavailableError) as caught:
        fetched(clone, remote)
    assert "secret" not in f"{caught.value.what}{caught.value.remedy}{remote}"
    home = ground / "cache" / "web" / "home"
    assert sorted(path.name for path in home.iterdir()) == ["empty", "gitconfig", "passwd"]
    assert all(not path.stat().st_mode & stat.S_IRWXO for path in home.iterdir() if path.is_file())
