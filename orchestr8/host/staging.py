"""Files for boxes in the run folder: hosts, resolv.conf, files of the manifest, secrets.

The engine binds them read-only from the folder that only shows them. A box's folder appears whole
or not at all. Nobody but root can enter it; what a box may read of it, it gets by its binds.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from msgspec import Struct, field

from orchestr8 import alike
from orchestr8.errors import EngineError, RejectedError, UnavailableError
from orchestr8.host import mount_table, small_files, trees
from orchestr8.host.mounts import RunFolder
from orchestr8.names import BoxId

_MARK = "# services that this box may call"
_RESOLVER = "# no resolver: every name that this box may call is in /etc/hosts\n"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_ADDRESS = re.compile(r"[0-9a-f.:]+")
_PART = re.compile(r"[A-Za-z0-9._-]+")
_NEW = ".new-"
_SLOT = "slot"


class Stage(Struct, frozen=True):
    """What to lay out for one box.

    `hostname` and `address` are its own; `names` are services and their virtual addresses.
    `files` are by their path in the box, `secrets` by name.
    """

    box_id: BoxId
    uid: int
    gid: int
    hostname: str = ""
    address: str = ""
    names: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Stage({self.box_id})"  # a trace of a failure shows no secret


class Staged(Struct, frozen=True):
    """Where the engine binds from; every path is read-only, without set-uid, devices, execution.

    `files` are by their path in the box; `secrets` is a folder, or None where there is no secret.
    """

    hosts: Path
    resolver: Path
    files: Mapping[str, Path]
    secrets: Path | None


class Staging(Struct, frozen=True):
    """The boxes' folders below one run folder, which was made ready before."""

    run: RunFolder

    def stage(self, stage: Stage) -> Staged:
        """Lay everything out; what an earlier try left is replaced."""
        final = self.run.boxes / str(stage.box_id)
        fresh = self._begun(stage.box_id)
        hosts = _hosts(stage)
        try:
            status = self.run.boxes.stat()
            if not _in_memory(self.run.boxes, status.st_dev, status.st_ino):
                raise RejectedError(
                    f"{self.run.boxes} lies on a disk",
                    "call again after the run folder is made ready",
                )
            _lay_out(fresh, stage, hosts)
            _take_the_place(fresh, final)
        except BaseException as error:
            _remove(fresh)
            if isinstance(error, OSError):
                raise _failure(f"cannot lay out the files of {stage.box_id}", error) from error
            raise
        return self.staged(stage)

    def staged(self, stage: Stage) -> Staged:
        """The paths of what `stage` lays out."""
        shown = self.run.shown / str(stage.box_id)
        return Staged(
            shown / "hosts",
            shown / "resolv.conf",
            {target: shown / "files" / str(n) for n, target in enumerate(sorted(stage.files))},
            shown / "secrets" if stage.secrets else None,
        )

    def holds(self, box_id: BoxId) -> bool:
        """Whether anything is laid out for a box."""
        return (self.run.boxes / str(box_id)).exists()

    def names(self, box_id: BoxId) -> tuple[tuple[str, str], ...] | None:
        """The services in a box's hosts file, in its order; None where nothing is laid out."""
        try:
            hosts = small_files.read(f"{self.run.boxes}/{box_id}/hosts")
        except OSError:
            return None
        return _names_in(hosts.decode().partition(f"{_MARK}\n")[2])

    def rewrite_names(self, box_id: BoxId, names: Sequence[tuple[str, str]]) -> None:
        """Rewrite the services in place: the box keeps seeing the same inode.

        The new text is written over the old one before the rest is cut off, so that a reader at
        that moment finds old or new lines and never an empty file.
        """
        path = self.run.boxes / str(box_id) / "hosts"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise RejectedError(
                f"{box_id} has no hosts file any more", "replace the box: the run folder was lost"
            ) from None
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            own = file.readall().decode().partition(_MARK)[0]
            text = (own + _services(names, box_id)).encode()
            try:
                os.pwrite(descriptor, text, 0)
                os.ftruncate(descriptor, len(text))
            except OSError as error:
                raise _failure(f"cannot write the names of {box_id}", error) from error

    def slot(self, box_id: BoxId) -> int | None:
        """The slot that was kept for a box, if any; the box itself does not see it."""
        try:
            return int(small_files.read(f"{self.run.boxes}/{box_id}/{_SLOT}"))
        except (OSError, ValueError):
            return None

    def keep_slot(self, box_id: BoxId, slot: int) -> None:
        """Keep a slot, in place of another that was kept before."""
        try:
            small_files.write(self.run.boxes / str(box_id) / _SLOT, str(slot).encode())
        except OSError as error:
            raise _failure(f"cannot keep the slot of {box_id}", error) from error

    def unstage(self, box_id: BoxId) -> None:
        """Remove all that was laid out for a box, half-made as well; the absent is success."""
        try:
            _remove(self._begun(box_id))
            _remove(self.run.boxes / str(box_id))
        except OSError as error:
            raise _failure(f"cannot remove the files of {box_id}", error) from error

    def _begun(self, box_id: BoxId) -> Path:
        """Where a box's folder is made; named after it, so that a kill leaves nothing nameless."""
        return self.run.boxes / f"{_NEW}{box_id}"


@lru_cache(maxsize=16)
def _in_memory(folder: Path, device: int, inode: int) -> bool:
    """Whether a folder, which these numbers tell from any other at its place, is on no disk."""
    return mount_table.holding(folder).kind in ("tmpfs", "ramfs")


def _take_the_place(fresh: Path, final: Path) -> None:
    """A folder takes another's name; most often there is none yet."""
    try:
        fresh.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        _remove(final)
        fresh.rename(final)


def _lay_out(folder: Path, stage: Stage, hosts: str) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:  # an earlier try was cut off
        _remove(folder)
        folder.mkdir(mode=0o700)
    _write(folder / "hosts", hosts.encode(), 0o444)
    _write(folder / "resolv.conf", _RESOLVER.encode(), 0o444)
    files = folder / "files"
    if stage.files:
        files.mkdir(mode=0o700)
    for number, target in enumerate(sorted(stage.files)):
        _write(files / str(number), stage.files[target], 0o444, stage.uid, stage.gid)
    if not stage.secrets:
        return
    held = folder / "secrets"
    held.mkdir(mode=0o700)
    for name, content in stage.secrets.items():
        if not _PART.fullmatch(name) or name in (".", ".."):
            raise RejectedError(f'"{name}" is no name of a secret', "report this as a bug")
        _write(held / name, content, 0o400, stage.uid, stage.gid)
    os.chown(held, stage.uid, stage.gid)
    held.chmod(0o500)


def _write(path: Path, content: bytes, mode: int, uid: int = 0, gid: int = 0) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
        small_files.put(descriptor, content)
    finally:
        os.close(descriptor)


def _hosts(stage: Stage) -> str:
    hostname, address = stage.hostname, stage.address
    own = f"{address or '127.0.1.1'} {hostname}\n" if hostname else ""
    if hostname and not (_NAME.fullmatch(hostname) and _ADDRESS.fullmatch(address or "::")):
        raise RejectedError(f'"{hostname}" at "{address}" is no host', "report this as a bug")
    return f"127.0.0.1 localhost\n{own}{_services(stage.names, stage.box_id)}"


@lru_cache
def _names_in(services: str) -> tuple[tuple[str, str], ...]:
    """Names and addresses in such lines; the boxes of a service have the same, and those that call
    one service the same line."""
    lines = (line.split() for line in services.splitlines())
    return tuple(alike.first((name, address)) for address, name, *_ in lines)


def _services(names: Sequence[tuple[str, str]], box_id: BoxId) -> str:
    """A line for each service: `db.data`, and for the owner's other services `db` as well.

    Programs that come from elsewhere know their database as `db`. Another owner's service has no
    bare name, and the box's own is its hostname, which has the box's own address.
    """
    lines = [f"{_MARK}\n"]
    for name, address in names:
        # A line break in a name would be a line of the file.
        if not _NAME.fullmatch(name) or not _ADDRESS.fullmatch(address):
            raise RejectedError(f'"{name}" at "{address}" is no host', "report this as a bug")
        bare, _, owner = name.partition(".")
        has_bare = owner == box_id.owner and bare != box_id.service
        lines.append(f"{address} {name}{f' {bare}' if has_bare else ''}\n")
    return "".join(lines)


def _remove(folder: Path) -> None:
    trees.remove(folder)


def _failure(what: str, error: OSError) -> EngineError:
    told = f"{what}: {error.strerror}"
    if error.errno == errno.ENOSPC:
        return UnavailableError(
            told, "the run folder is full: use smaller files, or a volume for them"
        )
    if error.errno == errno.ENOENT:
        return RejectedError(told, "the run folder was lost: apply again makes it")
    return RejectedError(told, "run as root")
