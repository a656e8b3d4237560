"""`python3 -m tests.hosts.apart COMMAND…`: with a network, mounts and state folders of its own.

Each Docker Engine writes its own chains into the packet filter of its network namespace, and
orchestr8 its table; in one namespace two of them would be in each other's way. And crun needs
mounts that the machine is not given for a test's sake.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "apart"

# What orchestr8, its tests and the engines write outside the checkout.
OWN_FOLDERS = (
    "/var/lib/orchestr8", "/var/lib/orchestr8-test", "/run/orchestr8", "/run/orchestr8-test"
)  # fmt: skip

# /sys shows the network namespace in which it was mounted, so it is mounted anew; what lies
# mounted below it is taken along. An engine, in a mount namespace of its own below this one, sees
# what is mounted later in the own folders, since they are shared.
_ENTER = """
set -e
own=$1
shift
ip link set lo up
# As a Docker Engine would, and whoever sets up a host for crun.
echo 1 >/proc/sys/net/ipv4/ip_forward
mount --rbind /run /run
mount --make-rshared /run
mkdir -p "$own/cgroup" "$own/security"
mount --rbind /sys/fs/cgroup "$own/cgroup"
security=
if mountpoint -q /sys/kernel/security; then
    mount --rbind /sys/kernel/security "$own/security"
    security=yes
fi
mount -t sysfs sysfs /sys
mount --rbind "$own/cgroup" /sys/fs/cgroup
if [ "$security" ]; then mount --rbind "$own/security" /sys/kernel/security; fi
if [ -e /sys/fs/cgroup/memory/tasks ] && ! mountpoint -q /sys/fs/cgroup/hugetlb; then
    # crun refuses a mixture of v1 and v2 in which v2 has a controller of its own. It leaves v2 for
    # the whole machine, and an older Docker that does not see where it went misses that boxes ran
    # out of memory: so every engine sees it.
    mkdir -p /sys/fs/cgroup/hugetlb
    mount -t cgroup -o hugetlb cgroup /sys/fs/cgroup/hugetlb || true
fi
number=0
while [ "$1" != -- ]; do
    number=$((number + 1))
    mkdir -p "$1" "$own/$number"
    mount --bind "$own/$number" "$1"
    mount --make-shared "$1"
    shift
done
shift
exec "$@"
"""


@contextmanager
def apart(cache: Path) -> Iterator[list[str]]:
    """The words before a command that make it run apart; its folders lie in `cache` meanwhile."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as own:
        yield [*_NAMESPACES, "sh", "-c", _ENTER, "sh", own, *OWN_FOLDERS, "--"]


_NAMESPACES: Sequence[str] = ("unshare", "--net", "--mount", "--propagation", "private")


def main(command: Sequence[str]) -> int:
    """The command's own exit status."""
    # Whoever interrupts means the command, which has to clean up before its folders go.
    signal.signal(signal.SIGINT, lambda *_: None)
    with apart(_CACHE) as before:
        return subprocess.run([*before, *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
