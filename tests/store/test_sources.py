"""What is remembered of sources is what was written, and who signed stays who signed."""

from __future__ import annotations

from pathlib import Path

from orchestr8.errors import Place, Problem
from orchestr8.store.sources import CommitRecord, SourceRecord
from orchestr8.store.store import Store


def test_a_source_is_remembered_with_its_problems(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.sources.record("web") == SourceRecord("web")
    problem = Problem(Place("web.yaml", 3, 5), "wrong", "mend it", "  x: 1", 2)
    record = SourceRecord("web", 7, "c2", "refused", (problem, problem), "c1", "c0", 5)
    store.sources.note(SourceRecord("data", 1, state="unreachable"))
    store.sources.note(record)
    store.sources.note(record)
    store.close()
    store = Store(tmp_path)
    assert store.sources.record("web") == record
    assert store.sources.record("web").problems[0].source == "  x: 1"
    assert list(store.sources.records()) == ["data", "web"]
    store.close()


def test_who_signed_a_commit_is_written_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = CommitRecord("c1", "Ann <a@x>", 1, "Cleo <c@x>", "a change", "ssh:SHA256:x", 2)
    store.sources.note_commits("web", [first])
    store.sources.note_commits("web", [first._replace(signer="", judged_ms=9)])
    assert store.sources.commit("web", "c1") == first
    assert store.sources.commit("data", "c1") is None
    store.close()
