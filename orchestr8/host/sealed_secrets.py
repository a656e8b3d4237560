"""Sealed secrets: one key an owner, which lies on this host and is never shown.

A sealed file is an age file. Whoever has the owner's public key can make one; only this host opens
it, for that owner alone. Keys lie in a folder of their own, which no manifest can name, each in a
file of age's own form: while a key is exchanged the newer one stands above the older one.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Any

from orchestr8.errors import RejectedError, UnavailableError

KEYS = ".keys"
VALUE_BYTES_MAX = 512 << 10
"""A sealed file is text, and so a third larger than what it holds."""
_BEGINNINGS = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")


class OwnerKeys:
    """The keys of the owners whose secrets lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, owner: str) -> Path:
        """Where an owner's private key lies."""
        return self.folder / KEYS / owner

    def recipient(self, owner: str) -> tuple[str, bool]:
        """The owner's public key, and whether this call has made the pair.

        Raises RejectedError where the folder is not ours to write.
        """
        made = not self.exists(owner) and self._make(owner)
        return str(self._private(owner)[0].to_public()), made

    def open(self, owner: str, name: str, sealed: bytes) -> bytes:
        """The value in a sealed file; raises RejectedError, which never tells a part of it.

        What is wrong is said of the file, as in "is damaged"; `name` is the secret's, for remedies.
        """
        again = f"seal the value: orchestr8 secret seal {owner} {name} < VALUE > FILE"
        sealed = sealed.lstrip()
        if not sealed.startswith(_BEGINNINGS):
            raise RejectedError("is no sealed file", again)
        if not self.exists(owner):
            raise RejectedError(
                f"cannot be opened: owner {owner} has no key on this machine",
                f"put {self.path(owner)} back from your backup, or seal the value anew for the "
                f"key that `orchestr8 secret recipient {owner}` makes",
            )
        import pyrage  # no command without a sealed secret pays for it

        try:
            value: bytes = pyrage.decrypt(sealed, self._private(owner))
        except pyrage.DecryptError as error:
            if "No matching keys" in str(error):
                raise RejectedError(
                    f"was not sealed for owner {owner} of this machine", again
                ) from None
            raise RejectedError(
                "is damaged", f"take it from the repository again, or {again}"
            ) from None
        return value

    def exists(self, owner: str) -> bool:
        """Whether the owner has a key on this host."""
        try:
            return self.path(owner).exists()
        except PermissionError:
            raise _not_ours(self.path(owner)) from None

    def _private(self, owner: str) -> list[Any]:
        """Every key of the owner, the newest first; at least one. The file is read each time: it
        may be exchanged under a server."""
        from pyrage import IdentityError, x25519

        path = self.path(owner)
        lines = [line.strip() for line in _read(path).splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        try:
            found = [x25519.Identity.from_str(key) for key in keys]
        except (IdentityError, ValueError):
            found = []
        if not found:
            raise RejectedError(f"{path} holds no key", "put it back from your backup")
        return found

    def _make(self, owner: str) -> bool:
        """Written whole before it has its name; of two who make one at once the first wins."""
        from pyrage import x25519

        path = self.path(owner)
        fresh = path.with_name(f".{owner}.{secrets.token_hex(8)}")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.parent.chmod(0o700)
            opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(opened, "w", encoding="ascii") as file:
                    file.write(f"{x25519.Identity.generate()}\n")
                    file.flush()
                    os.fsync(file.fileno())
                os.link(fresh, path)
            finally:
                fresh.unlink(missing_ok=True)
            _flush(path.parent)
        except FileExistsError:
            return False
        except PermissionError:
            raise _not_ours(path) from None
        except OSError as error:
            raise UnavailableError(f"{path}: {error.strerror}", "look at the disk") from error
        return True


def sealed(value: bytes, recipient: str) -> bytes:
    """An age file, as text, that the holder of the recipient's private key can open.

    Raises RejectedError for what is no public key, and for a value above 512 KiB.
    """
    if len(value) > VALUE_BYTES_MAX:
        raise RejectedError(
            f"the value is larger than {VALUE_BYTES_MAX >> 10}KiB", "use a volume for it"
        )
    import pyrage

    try:
        public = pyrage.x25519.Recipient.from_str(recipient)
    except (pyrage.RecipientError, ValueError):
        raise RejectedError(
            "that is no public key of an owner",
            "it begins with age1; `orchestr8 secret recipient OWNER` prints it",
        ) from None
    made: bytes = pyrage.encrypt(value, [public], armored=True)
    return made


def _read(path: Path) -> str:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        raise _not_ours(path) from None
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}", "look at the disk") from error
    with os.fdopen(opened, "rb") as file:
        seen = os.fstat(opened)
        if not stat.S_ISREG(seen.st_mode) or seen.st_uid not in (0, os.geteuid()):
            raise RejectedError(f"{path} is no file of root's", f"chown root: {path}")
        if seen.st_mode & 0o077:
            raise RejectedError(f"{path} can be read or changed by others", f"chmod 600 {path}")
        return file.read(4096).decode("ascii", "replace")


def _not_ours(path: Path) -> RejectedError:
    return RejectedError(f"the key {path} cannot be read", "run as root")


def _flush(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
