"""results.json: what was measured last, row by row, and on what machine."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.rows import Row

FILE = Path(__file__).with_name("results.json")


class Measured(NamedTuple):
    """A row and the group that it belongs to."""

    group: str
    row: Row


def this_machine() -> str:
    """The machine in a few words, and the day."""
    text = Path("/proc/meminfo").read_text("ascii")
    kilobytes = re.search(r"MemTotal:\s+(\d+)", text)
    memory = f"{round(int(kilobytes[1]) / 1_048_576)} GiB" if kilobytes else "unknown memory"
    kernel = ".".join(platform.release().split(".")[:2])
    return (
        f"{os.cpu_count()} cores, {memory}, Linux {kernel}, Python {platform.python_version()}, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )


def read() -> list[dict[str, Any]]:
    """The rows as they were written last; none before the first run."""
    found: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else []
    return found


def write(found: Sequence[Measured], machine: str, order: Sequence[str]) -> None:
    """Writes these groups' rows, and keeps those of the groups that did not run."""
    rows = together(read(), found, machine)
    rows.sort(key=lambda row: order.index(row["group"]) if row["group"] in order else len(order))
    FILE.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")


def together(
    earlier: Sequence[dict[str, Any]], found: Sequence[Measured], machine: str
) -> list[dict[str, Any]]:
    """The rows of the groups that ran now, beside the others' earlier ones."""
    fresh = {one.group for one in found}
    return [
        *(row for row in earlier if row["group"] not in fresh),
        *(_document(one, machine) for one in found),
    ]


def row_of(written: dict[str, Any]) -> Row:
    """A row as it was measured."""
    names = Row.__dataclass_fields__
    return Row(**{name: value for name, value in written.items() if name in names})


def _document(one: Measured, machine: str) -> dict[str, Any]:
    row = asdict(one.row) | {"ratio": one.row.ratio, "verdict": one.row.verdict.value}
    rounded = {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in row.items()
    }
    return {"group": one.group, **rounded, "machine": machine}
