"""Copies of volumes, beside the volumes: whole ones only have a name.

A copy keeps owners, modes, times, extended attributes, holes and hard links. Of a volume with a
size it is the image of its file system; where the disk can share blocks, it shares them.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.host import programs, volume_images
from orchestr8.host.volume_folders import VolumeFolders, failure, own

_COPIES = ".copies"
_ABOUT, _CONTENT, _IMAGE = "about.json", "content", "content.ext4"
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECONDS_MAX = 24 * 3600.0
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_LIBC = ctypes.CDLL(None, use_errno=True)


class VolumeCopies(Struct, frozen=True):
    """The copies below the same folder as the volumes."""

    folders: VolumeFolders

    def all(self) -> Iterator[tuple[str, str, Mapping[str, object]]]:
        """Volume, label and what was written about it, of every whole copy, sorted."""
        base = self.folders.base / _COPIES
        for folder in sorted(base.glob("*/*")):
            if folder.name.startswith("."):
                continue
            with contextlib.suppress(OSError, ValueError):
                yield folder.parent.name, folder.name, json.loads((folder / _ABOUT).read_text())

    def copy(self, name: str, label: str, about: Mapping[str, object]) -> None:
        """Make a copy; the caller holds the writers still. It has its name when it is whole.

        Raises RejectedError where there is one of that name, or no room for it.
        """
        if not _LABEL.fullmatch(label):
            raise RejectedError(
                f'"{label}" cannot name a copy', "letters, digits, dots and hyphens can"
            )
        final = self.path(name, label)
        if final.exists():
            raise RejectedError(f"there is a copy {label} already", "give another name")
        fresh = final.with_name(f".new-{secrets.token_hex(8)}")
        try:
            fresh.mkdir(mode=0o700, parents=True)
            image = self.folders.image(name)
            if image.exists():
                duplicate(image, fresh / _IMAGE)
            else:
                duplicate(self.folders.folder(name), fresh / _CONTENT)
            (fresh / _ABOUT).write_text(json.dumps(about, sort_keys=True))
            _sync(fresh)
            fresh.rename(final)
            _sync(final.parent)
        except OSError as error:
            raise failure(f"the copy {label} cannot be made", error) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def restore(self, name: str, source: tuple[str, str], uid: int) -> None:
        """Put a copy in the place of a volume's content, which is gone then; nothing mounts it.

        The old content is there until the new one is whole: what takes its place, takes it at once.
        """
        kept = self.path(*source)
        if not (kept / _ABOUT).exists():
            raise RejectedError(f"there is no copy {source[1]} of that volume", "see volume ls")
        try:
            if self.folders.image(name).exists():
                self._restore_image(name, kept, uid)
            else:
                self._restore_folder(name, kept, uid)
        except OSError as error:
            raise failure(f"the copy {source[1]} cannot be restored", error) from error

    def discard(self, name: str, label: str) -> None:
        """Delete a copy; the absent is success."""
        final = self.path(name, label)
        gone = final.with_name(f".new-{secrets.token_hex(8)}")
        try:
            final.rename(gone)
            shutil.rmtree(gone)
            with contextlib.suppress(OSError):
                final.parent.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            raise failure(f"the copy {label} cannot be deleted", error) from error

    def sweep(self) -> None:
        """Remove what killed calls left; only while no other call copies or restores."""
        base = self.folders.base
        for place in (base, base / ".images", *(base / _COPIES).glob("*")):
            for left in place.glob(".new-*"):
                volume_images.release(left)
                with contextlib.suppress(OSError):
                    shutil.rmtree(left) if left.is_dir() else left.unlink()

    def path(self, name: str, label: str) -> Path:
        """Where a copy lies."""
        return self.folders.base / _COPIES / name / label

    def _restore_folder(self, name: str, kept: Path, uid: int) -> None:
        target = self.folders.folder(name)
        fresh = target.with_name(f".new-{secrets.token_hex(8)}")
        try:
            with self._content(kept) as content:
                duplicate(content, fresh)
            _sync(fresh)
            own(target, uid)
            _exchange(fresh, target)
            _sync(target.parent)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _restore_image(self, name: str, kept: Path, uid: int) -> None:
        image, folder = self.folders.image(name), self.folders.folder(name)
        fresh = image.with_name(f".new-{secrets.token_hex(8)}")
        try:
            if (kept / _IMAGE).exists():
                duplicate(kept / _IMAGE, fresh)
            else:
                self._fill(fresh, kept / _CONTENT, (self.folders.size(name) or 0, uid))
            _sync(fresh.parent)
            volume_images.unmount(image, folder)
            fresh.rename(image)
            _sync(image.parent)
            volume_images.mount(image, folder)
        finally:
            fresh.unlink(missing_ok=True)

    def _fill(self, image: Path, content: Path, size_and_uid: tuple[int, int]) -> None:
        """A fresh image with the content of a folder."""
        volume_images.make(image, *size_and_uid)
        place = image.with_name(f"{image.name}.d")
        try:
            volume_images.mount(image, place)
            _copy([f"{content}/.", str(place)])
        finally:
            volume_images.release(place)

    @contextlib.contextmanager
    def _content(self, kept: Path) -> Iterator[Path]:
        """The files of a copy; an image is mounted from a copy of its own, since that writes."""
        if (kept / _CONTENT).exists():
            yield kept / _CONTENT
            return
        image = self.folders.base / f".new-{secrets.token_hex(8)}.ext4"
        place = image.with_name(f"{image.name}.d")
        try:
            duplicate(kept / _IMAGE, image)
            volume_images.mount(image, place)
            yield place
        finally:
            volume_images.release(place)
            image.unlink(missing_ok=True)


def duplicate(source: Path, target: Path) -> None:
    """A file or folder with all that belongs to it, at a place where nothing is."""
    _copy(["-T", str(source), str(target)])


def _copy(arguments: list[str]) -> None:
    command = ["cp", "-a", "--preserve=xattr", "--reflink=auto", "--sparse=auto"]
    answer = programs.run([*command, *arguments], "coreutils", seconds=_SECONDS_MAX)
    if answer.status:
        if "No space left" in answer.errors:
            raise UnavailableError("there is no room for the copy", "see df -h")
        raise RejectedError(f"the copy failed: {answer.first_error}", "see df -h and dmesg")


def _exchange(one: Path, other: Path) -> None:
    """Two names change places at once."""
    arguments = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if _LIBC.renameat2(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _sync(folder: Path) -> None:
    """Everything below a folder is on its disk; of other file systems nothing is asked."""
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.syncfs(opened) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(opened)
