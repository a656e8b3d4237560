"""What a clone has, read by git and hashed again by us: what lies on the disk is not believed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from types import TracebackType

from orchestr8.sources import objects
from orchestr8.sources.child import end
from orchestr8.sources.objects import Commit, DamagedError, Entry, MalformedError

_BYTES_MOST = {"commit": 1 << 20, "tag": 1 << 20, "tree": 8 << 20}
"""Of each; files have a measure of their own."""


class Objects:
    """The objects of a clone. Where one is not what it should be, all of it raises DamagedError;
    what has another form than git's, or is larger than it may be, MalformedError."""

    def __init__(self, ask: Callable[[], subprocess.Popen[bytes]], fetched: str) -> None:
        """`ask` starts git, ready to be asked; `fetched` is the ref that was fetched."""
        self._ask = ask
        self._fetched = fetched
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Objects:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.rest()

    def rest(self) -> None:
        """Ends git; it is started anew where more is read."""
        if self._process:
            end(self._process)
            self._process = None

    def read(self, name: str, kind: str, bytes_most: int) -> bytes:
        """An object's content; raises OverflowError where it has more than `bytes_most`."""
        _, found, content = self._said(name, bytes_most)
        if objects.name_of(found, content, name) != name:
            raise DamagedError(f"the object {name[:12]} is another one than its name says")
        if found != kind:
            raise MalformedError(f"{name[:12]} is a {found}, not a {kind}")
        return content

    def commit(self, name: str) -> Commit:
        """A commit."""
        return objects.read_commit(name, self._whole(name, "commit"))

    def tree(self, name: str) -> list[Entry]:
        """A folder's entries."""
        return objects.read_tree(self._whole(name, "tree"), name)

    def tip(self) -> str:
        """The commit that was fetched, or that the fetched tag points at."""
        try:
            name, kind, _ = self._said(self._fetched, _BYTES_MOST["tag"])
        except OverflowError:
            raise MalformedError("it is larger than anybody writes a commit") from None
        for _ in range(5):
            if kind != "tag":
                return name
            kind, name = objects.read_tag(self._whole(name, "tag"))
        raise MalformedError("a tag of a tag of a tag, and so on")

    def _whole(self, name: str, kind: str) -> bytes:
        most = _BYTES_MOST[kind]
        try:
            return self.read(name, kind, most)
        except OverflowError:
            what = f"its {kind} {name[:12]} has more than {most >> 20} MiB"
            raise MalformedError(what) from None

    def _said(self, name: str, bytes_most: int) -> tuple[str, str, bytes]:
        """The name, the kind and the content of something, as git says."""
        process = self._process = self._process or self._ask()
        if not process.stdin or not process.stdout:
            raise DamagedError("git cannot be asked")
        try:
            process.stdin.write(name.encode() + b"\n")
            process.stdin.flush()
            header = process.stdout.readline(200).decode("ascii", "replace").split()
            if len(header) != 3:
                raise DamagedError(f"the object {name[:12]} is missing")
            size = int(header[2])
            if size > bytes_most:
                raise OverflowError
            content = process.stdout.read(size + 1)[:-1]
        except (OSError, ValueError) as error:
            self.rest()
            raise DamagedError(f"the object {name[:12]} cannot be read") from error
        except OverflowError:
            self.rest()  # what it would still say is nobody's
            raise
        return header[0], header[1], content
