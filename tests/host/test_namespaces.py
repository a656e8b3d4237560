"""A visit to a namespace leaves no descriptor, whatever becomes of it."""

from __future__ import annotations

import os
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from orchestr8.host.mount_calls import CLONE_NEWNET
from orchestr8.host.namespaces import Visit
from tests.host.namespaces import Namespace
from tests.host.rights import needs_root

pytestmark = needs_root


def held(namespace: int) -> int:
    """How many descriptors of this process lead to it."""
    wanted, found = os.fstat(namespace), 0
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed since it was listed
            found += os.path.samestat(path.stat(), wanted)
    return found


def no_more_threads(*_: object) -> None:
    raise RuntimeError("can't start new thread")


def test_nothing_is_held_where_there_can_be_no_more_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(Namespace()) as there:
        before = held(there.fd)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", no_more_threads)
            with pytest.raises(RuntimeError, match="new thread"):
                Visit(there.fd, os.getpid, CLONE_NEWNET).result()
        assert held(there.fd) == before
        assert Visit(there.fd, os.getpid, CLONE_NEWNET).result() == os.getpid()
        assert held(there.fd) == before
