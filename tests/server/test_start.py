"""What a thin client imports: whoever changes nothing waits for the change of nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.house import ROOT
from tests.server.test_api import WEB

_STATUS_AND_MODULES = """\
import sys
from orchestr8.__main__ import run
status = run(["plan", "web.yaml"])
print("\\n".join(sys.modules), file=sys.stderr)
raise SystemExit(status)
"""


def test_the_client_imports_nothing_that_takes_time(api: Path, folder: Path) -> None:
    (folder / "web.yaml").write_text(WEB)
    (folder / "front.toml").write_text("x")
    done = subprocess.run(
        [sys.executable, "-S", "-c", _STATUS_AND_MODULES],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0, "Apply this:  orchestr8 apply web.yaml"
    ), done.stderr  # fmt: skip
    loaded = set(done.stderr.split())
    own = {name for name in loaded if name.startswith("orchestr8")}
    assert own == {
        "orchestr8", "orchestr8.__main__", "orchestr8.client", "orchestr8.line", "orchestr8.reading"
    }  # fmt: skip
    dear = {"typing", "dataclasses", "inspect", "pathlib", "argparse", "http", "shutil", "logging"}
    assert not loaded & dear
