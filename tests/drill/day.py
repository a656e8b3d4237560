"""What is typed in a day, in order: a line, the exit status that it must have, words to be said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """A part of the day: what it is about."""

    title: str


@dataclass(frozen=True)
class Line:
    """A line for the shell. `cut_short` kills it once the first box is there.

    The line `reboot` reboots a machine that can be.
    """

    text: str
    status: int = 0
    says: tuple[str, ...] = ()
    cut_short: bool = False


STORE_IS_LOST = 'rm -r "$ORCHESTR8_STATE"'

DAY: tuple[Chapter | Line, ...] = (
    Chapter("A Compose file becomes a manifest"),
    Line("cat compose.yaml"),
    Line("orchestr8 import compose.yaml --owner home --out shop.yaml"),
    Line("cat shop.yaml"),
    Line("orchestr8 validate shop.yaml"),
    Line("orchestr8 plan shop.yaml --set shop", says=("2 to provision",)),
    Chapter("The apply is killed midway; the same command goes on"),
    Line("orchestr8 apply shop.yaml --set shop", cut_short=True),
    Line("orchestr8 status"),
    Line("orchestr8 apply shop.yaml --set shop", says=("nothing left to do",)),
    Line("curl -s http://127.0.0.1:8095/", says=("Came from a Compose file",)),
    Line("orchestr8 prove"),
    Chapter("The store is lost; the boxes are taken over as they run"),
    Line("docker ps --format '{{.Names}} {{.ID}}' | sort"),
    Line(STORE_IS_LOST),
    Line("orchestr8 status", status=1, says=("adopt",)),
    Line("orchestr8 adopt"),
    Line("orchestr8 apply shop.yaml --set shop", says=("nothing to do",)),
    Line("docker ps --format '{{.Names}} {{.ID}}' | sort"),
    Chapter("A person's hand: restart, set, hold"),
    Line("orchestr8 restart page.home", says=("nothing left to do",)),
    Line("orchestr8 set page.home limits.memory=96MiB"),
    Line("orchestr8 status"),
    Line("orchestr8 set page.home --end"),
    Line("orchestr8 hold store.home --until 2h --reason 'the accounts are being closed'"),
    Line("orchestr8 why store.home"),
    Line("orchestr8 hold store.home --end"),
    Chapter("A change that somebody looks at before it is made"),
    Line("sed -i 's/tea/coffee/' index.html"),
    Line("orchestr8 plan shop.yaml --set shop --out change.json"),
    Line("orchestr8 apply change.json", says=("nothing left to do",)),
    Line("curl -s http://127.0.0.1:8095/", says=("coffee",)),
    Line("sed -i 's/coffee/cocoa/' index.html"),
    Line("orchestr8 plan shop.yaml --set shop --out later.json"),
    Line("orchestr8 restart page.home", says=("nothing left to do",)),
    Line("orchestr8 apply later.json", status=3),
    Chapter("It was wrong; the whole set goes back"),
    Line("orchestr8 history --set shop"),
    Line("orchestr8 rollback --set shop", says=("nothing left to do",)),
    Line("curl -s http://127.0.0.1:8095/", says=("tea",)),
    Line("orchestr8 history --journal --last 8"),
    Chapter("Data: a copy before a risky change, and its return"),
    Line("orchestr8 exec store.home -- redis-cli set cups 3", says=("OK",)),
    Line("orchestr8 volume copy orders.home before"),
    Line("orchestr8 exec store.home -- redis-cli set cups 999", says=("OK",)),
    Line("orchestr8 down --set shop"),
    Line("orchestr8 volume restore orders.home before"),
    Line("orchestr8 apply --set shop", says=("nothing left to do",)),
    Line("orchestr8 exec store.home -- redis-cli get cups", says=("3",)),
    Line("orchestr8 volume ls"),
    Chapter("A newer STRICT is taken up when it is asked for; this release has none"),
    Line("orchestr8 upgrade --set shop"),
    Chapter("A backup, and its return"),
    Line("orchestr8 backup create store.backup"),
    Line("orchestr8 backup check store.backup"),
    Line("orchestr8 backup restore store.backup", status=2, says=("--yes",)),
    Line(STORE_IS_LOST),
    Line("orchestr8 backup restore store.backup"),
    Line("orchestr8 apply --set shop", says=("nothing to do",)),
    Chapter("The end of the day"),
    Line("orchestr8 down --set shop"),
    Line("orchestr8 status"),
    Line("orchestr8 remove --set shop"),
    Line("orchestr8 volume delete orders.home --name orders.home"),
    Line("orchestr8 volume ls"),
)

REBOOT: tuple[Chapter | Line, ...] = (
    Chapter("On another machine, with systemd, cgroup v2 and AppArmor: what is up comes back"),
    Line("docker version --format 'Docker Engine {{.Server.Version}}, {{.Server.KernelVersion}}'"),
    Line("orchestr8 import compose.yaml --owner home --out shop.yaml"),
    Line("orchestr8 apply shop.yaml --set shop", says=("nothing left to do",)),
    Line("orchestr8 exec store.home -- redis-cli set cups 3", says=("OK",)),
    Line("docker ps --format '{{.Names}} {{.ID}}' | sort"),
    Line("orchestr8 enable", says=("enabled",)),
    Line("reboot"),
    Line("uptime --pretty"),
    Line("until systemctl is-active --quiet orchestr8; do sleep 1; done"),
    Line("journalctl --boot --unit orchestr8 --output cat", says=("nothing left to do",)),
    Line("docker ps --format '{{.Names}} {{.ID}}' | sort"),
    Line("orchestr8 status"),
    Line("orchestr8 exec store.home -- redis-cli get cups", says=("3",)),
    Line("curl -s http://127.0.0.1:8095/", says=("Came from a Compose file",)),
    Line("orchestr8 prove"),
    Line("orchestr8 history --journal --last 6"),
)
"""What is typed on a machine of its own, since others work on this one."""
