"""Guarantees that add up from box to owner to installation, and limits that are lowered gently.

The files are a folder's, with the names of cgroup v2: what the kernel makes of them is tried on the
virtual machine.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.host import memory

FILES = {"memory.low": "0", "memory.high": "max", "memory.current": "0", "memory.reclaim": ""}


@pytest.fixture(params=["orchestr8-one", "orchestr8.slice/orchestr8-one.scope"])
def top(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An installation's group with two owners, one of whom has two boxes."""
    root = tmp_path / "cgroup"
    place = root / str(request.param)
    for group in ("shop/shop--a--1", "shop/shop--b--1", "shop/monitors", "data/data--db--1"):
        for folder in ((place / group), *(place / group).parents):
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in FILES.items():
                (folder / name).write_text(text)
            if folder == root:
                break
    return place


def low(folder: Path) -> int:
    """Amounts have three digits all along, since a plain file is not cut when it is written."""
    return int((folder / "memory.low").read_text())


def test_each_group_above_a_box_is_promised_what_all_in_it_are(top: Path) -> None:
    memory.guarantee(top / "shop/shop--a--1", 200)
    memory.guarantee(top / "shop/shop--b--1", 150)
    memory.guarantee(top / "data/data--db--1", 107)
    assert [low(top / name) for name in ("shop", "data", ".")] == [350, 107, 457]
    assert low(top.parent) == (457 if top.parent.name.startswith("orchestr8") else 0)
    memory.guarantee(top / "shop/shop--a--1", 100)
    assert [low(top / "shop"), low(top)] == [250, 357]


def test_what_goes_is_promised_no_more(top: Path) -> None:
    gone = top / "shop/shop--a--1"
    memory.guarantee(gone, 100)
    memory.guarantee(top / "shop/shop--b--1", 150)
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    memory.guaranteed_less(gone)
    assert (low(top / "shop"), low(top)) == (150, 150)


def test_the_tree_above_is_nobodys_business(top: Path) -> None:
    memory.guarantee(top / "shop/shop--a--1", 100)
    above = next(one for one in top.parents if one.name == "cgroup")
    assert low(above) == 0


@pytest.mark.parametrize(("used", "asked"), [(100, 200), (300, 200)])
def test_a_limit_below_the_use_is_asked_for_first(top: Path, used: int, asked: int) -> None:
    """The use of a plain folder does not fall; what was asked for is seen, and goes again."""
    box = top / "shop/shop--a--1"
    (box / "memory.current").write_text(str(used))
    (box / "memory.high").write_text("64")
    assert memory.reclaim(box, asked) == used
    assert (box / "memory.reclaim").read_text() == (str(used - asked) if used > asked else "")
    assert (box / "memory.high").read_text() == "max", "what a killed one left goes, too"
