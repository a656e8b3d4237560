"""How much of a contended core a control group gets beside its neighbours, as each version says it.

A core is 100 on v2 and 1024 on v1: in proportion to each other, whatever else there is.
"""

from __future__ import annotations

from pathlib import Path

from orchestr8.host.hierarchies import Hierarchy, read, write

WEIGHT_PER_CORE, WEIGHT_LEAST, WEIGHT_MOST = 100, 1, 10_000
SHARES_PER_CORE, SHARES_LEAST = 1024, 2
ONE_CORE = 1000
"""In thousandths: the weight of whoever has none of its own, as the kernel gives it."""


def weight(millicores: int | None) -> int:
    """The weight on v2 of somebody with so much cpu; None is nothing written."""
    asked = (ONE_CORE if millicores is None else millicores) * WEIGHT_PER_CORE // 1000
    return min(max(asked, WEIGHT_LEAST), WEIGHT_MOST)


def set_weight(tree: Hierarchy, folder: Path, millicores: int | None) -> None:
    """Gives a group its weight."""
    write(*_said(tree, folder, millicores))


def has_weight(tree: Hierarchy, folder: Path, millicores: int | None) -> bool:
    """Whether it has that weight, or no file that says so."""
    file, text = _said(tree, folder, millicores)
    return read(file) in ("", text)


def _said(tree: Hierarchy, folder: Path, millicores: int | None) -> tuple[Path, str]:
    # Where systemd writes shares, it makes them of the weight: so do we, and both write the same.
    of_v2 = weight(millicores)
    if tree.version == 2:
        return folder / "cpu.weight", str(of_v2)
    shares = of_v2 * SHARES_PER_CORE // WEIGHT_PER_CORE
    return folder / "cpu.shares", str(max(shares, SHARES_LEAST))
