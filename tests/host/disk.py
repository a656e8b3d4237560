"""A folder that really lies on a disk: where a test's own folder is in memory, one elsewhere."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestr8.host import mount_table

_PLACES = (Path("/var/lib"), Path("/var/tmp"), Path.home(), Path.cwd())


@contextmanager
def folder_on_disk() -> Iterator[Path]:
    """The first place that is on no memory file system; such a machine has one."""
    place = next(p for p in _PLACES if mount_table.holding(p).kind not in ("tmpfs", "ramfs"))
    made = Path(tempfile.mkdtemp(prefix="orchestr8-test-", dir=place))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
