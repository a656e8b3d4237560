"""Cases in files: an input, and as its last key what is said about it, word for word."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

_EXPECT = "\nexpect: |\n"


def read(path: Path) -> tuple[dict[str, Any], str]:
    """A case's input, and what it expects."""
    head, _, expected = path.read_text("utf-8").partition(_EXPECT)
    lines = [line.removeprefix("  ") for line in expected.rstrip("\n").split("\n")]
    return yaml.safe_load(head), "\n".join(lines)


def rewrite(paths: Iterable[Path], outcome: Callable[[Mapping[str, Any]], str]) -> None:
    """Puts what is said now into every case whose expectation differs."""
    for path in paths:
        text = path.read_text("utf-8")
        case, expected = read(path)
        now = outcome(case)
        if now != expected:
            body = "\n".join(f"  {line}" if line else "" for line in now.split("\n"))
            path.write_text(text.partition(_EXPECT)[0].rstrip("\n") + _EXPECT + body + "\n")
            sys.stdout.write(f"{path.name}\n")
