"""Units of systemd: writing one, taking it away, and whether this host has systemd at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import RejectedError
from orchestr8.host import programs

_BEFORE_OURS = (
    "local-fs.target", "network.target",
    "docker.service", "firewalld.service", "nftables.service", "ufw.service",
)  # fmt: skip
"""The services among them set the host's packet filter anew when they start, if they are there:
what was found good before would not last."""


class AtBoot(Struct, frozen=True):
    """What runs once at boot, and after another unit whenever that starts, if one is named.

    `after` is that unit, or empty. `command` is absolute; `environment` is what it needs beside
    systemd's own. An exit status in `final` will not get better by itself, so it is not tried
    again.
    """

    description: str
    command: Sequence[str]
    environment: Mapping[str, str]
    after: str
    seconds_max: int
    final: Sequence[int] = ()


class Serving(Struct, frozen=True):
    """What runs from boot on for as long as the host does, and says itself when it is ready.

    `after` is a unit that should be there first, or empty; it may come and go meanwhile.
    """

    description: str
    command: Sequence[str]
    environment: Mapping[str, str]
    after: str


class Units(Struct, frozen=True):
    """Where systemd keeps its units, and where it shows that it runs."""

    folder: Path = Path("/etc/systemd/system")
    runs: Path = Path("/run/systemd/system")

    @property
    def present(self) -> bool:
        """Whether systemd is this host's first process."""
        return self.runs.is_dir()

    def path(self, name: str) -> Path:
        """A unit's file."""
        return self.folder / name

    def enable(self, name: str, what: AtBoot | Serving) -> None:
        """Write the unit and have systemd start it with the one that it comes after."""
        path, fresh = self.path(name), self.folder / f".{name}.new"
        try:
            fresh.write_text(
                unit_text(what) if isinstance(what, AtBoot) else serving_text(what), "utf-8"
            )
            fresh.chmod(0o644)
            fresh.replace(path)
        except OSError as error:
            raise RejectedError(
                f"cannot write the unit {path}: {error.strerror}", "run as root"
            ) from error
        self._tell("daemon-reload")
        self._tell("reenable", name)

    def disable(self, name: str) -> bool:
        """Take the unit away; whether there was one."""
        path = self.path(name)
        if not path.exists():
            return False
        self._tell("disable", name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RejectedError(
                f"cannot remove the unit {path}: {error.strerror}", "run as root"
            ) from error
        self._tell("daemon-reload")
        return True

    def set_until_boot(self, name: str, what: str, value: str) -> None:
        """Set a property of a unit that runs, and of its successors of this name until a reboot."""
        self._tell("set-property", "--runtime", name, f"{what}={value}")

    def _tell(self, *words: str) -> None:
        answer = programs.run(("systemctl", "--quiet", *words), "systemd")
        if answer.status:
            raise RejectedError(
                f"systemctl {' '.join(words)} failed: {answer.first_error}",
                "run as root of the host; `systemctl status` says how systemd is",
            )


def unit_text(what: AtBoot) -> str:
    """The unit's file.

    It is a part of the unit that it comes after, if there is one: where that is stopped and started
    again, by a person or an update, this runs again.
    """
    other = [what.after] if what.after else []
    final = " ".join(map(str, what.final))
    lines = [
        "# Written by `orchestr8 enable`; `orchestr8 disable` takes it away.",
        "[Unit]",
        f"Description={_plain(what.description)}",
        f"After={' '.join(dict.fromkeys([*other, *_BEFORE_OURS]))}",
        *(f"{word}={unit}" for unit in other for word in ("Wants", "PartOf")),
        "StartLimitIntervalSec=1h",
        "StartLimitBurst=5",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        *(f"Environment={_quoted(f'{k}={v}')}" for k, v in sorted(what.environment.items())),
        f"ExecStart={' '.join(_quoted(word) for word in what.command)}",
        f"TimeoutStartSec={what.seconds_max}",
        "Restart=on-failure",
        "RestartSec=30",
        *((f"RestartPreventExitStatus={final}",) if final else ()),
        "",
        "[Install]",
        f"WantedBy={' '.join(['multi-user.target', *other])}",
        "",
    ]
    return "\n".join(lines)


def serving_text(what: Serving) -> str:
    """The unit's file. Boxes are no part of what ends with it: systemd ends the server alone."""
    other = [what.after] if what.after else []
    lines = [
        "# Written by `orchestr8 enable`; `orchestr8 disable` takes it away.",
        "[Unit]",
        f"Description={_plain(what.description)}",
        f"After={' '.join([*other, 'local-fs.target', 'network.target'])}",
        *(f"Wants={unit}" for unit in other),
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        *(f"Environment={_quoted(f'{k}={v}')}" for k, v in sorted(what.environment.items())),
        f"ExecStart={' '.join(_quoted(word) for word in what.command)}",
        "ExecReload=kill -HUP $MAINPID",
        "KillMode=process",
        "Restart=always",
        "RestartSec=2",
        "TimeoutStartSec=infinity",
        "TimeoutStopSec=120",
        "WatchdogSec=120",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
        "",
    ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("%", "%%").replace("\n", " ")


def _quoted(text: str) -> str:
    """A word as systemd reads it: quotes around it, and none of its signs with a meaning."""
    if any(ord(sign) < 32 for sign in text):
        raise RejectedError(
            f"{os.fsencode(text)!r} cannot stand in a unit", "use a path without such signs"
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
