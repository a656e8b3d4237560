"""What is remembered of a token by its number is never another's."""

from __future__ import annotations

from pathlib import Path

from orchestr8.store.store import Store
from orchestr8.store.tokens import TokenRecord


def test_the_number_of_a_revoked_token_is_never_given_again(tmp_path: Path) -> None:
    given = []
    for name in ("ci", "old", "old", "ci", "ci"):
        store = Store(tmp_path / "state")
        store.tokens.remove(name)
        store.tokens.add(TokenRecord(0, name, "pay", 1, "ann", 2), f"hash {len(given)}")
        found = store.tokens.named(name)
        assert found
        given.append(found.number)
        store.close()
    assert given == sorted(set(given))
    assert sorted(one.number for one in Store(tmp_path / "state").tokens.every()) == [3, 5]
