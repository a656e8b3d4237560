"""Whoever applies asks the boxes before it loads what judges the answers."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.house import ROOT

_STAGES = ("orchestr8.planning.expand", "orchestr8.contract.grant", "orchestr8.controller.converge")
_LOADED = "import orchestr8.cli.applying, sys; print(*sys.modules)"


def test_what_judges_is_not_loaded_before_the_question() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not {*done.stdout.split()} & {*_STAGES}
