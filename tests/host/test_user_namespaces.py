"""A kernel that makes no user namespaces: what is said, and what would mend it."""

from __future__ import annotations

import subprocess
import sys

from tests.host.rights import needs_root

pytestmark = needs_root

_ASK = """
import sys
sys.path[:0] = sys.argv[1:]
from pathlib import Path
from orchestr8.errors import FeatureMissingError
from orchestr8.host import user_namespaces
Path("/proc/sys/user/max_user_namespaces").write_text("0")
try:
    with user_namespaces.mapping(0, 1, 0, 1):
        pass
except FeatureMissingError as error:
    print(error.what, "|", error.remedy)
"""


def test_a_kernel_without_user_namespaces_is_named() -> None:
    """The number is that of the namespace in which it is written, and of those below it."""
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", _ASK]
    done = subprocess.run(
        [*command, *filter(None, sys.path)], capture_output=True, text=True, timeout=60
    )
    assert "no user namespace can be made" in done.stdout, done
    assert "user.max_user_namespaces" in done.stdout
