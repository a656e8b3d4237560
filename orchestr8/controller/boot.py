"""What brings boxes back after a reboot: one unit, which applies what was applied, or serves."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from orchestr8.controller.session import Session
from orchestr8.controller.settings import Settings
from orchestr8.errors import Exit, FeatureMissingError
from orchestr8.host.systemd import AtBoot, Serving, Units

UNIT = "orchestr8.service"
DEFAULT_STATE = Path("/var/lib/orchestr8")
_MINUTES = 15
_APPLY = ("apply", "--wait", "--timeout", f"{_MINUTES}m")
_AFTER = {"docker": "docker.service"}
_KEPT = ("ORCHESTR8_RUN", "ORCHESTR8_SECRETS", "DOCKER_HOST")
_FINAL = (Exit.USAGE, Exit.REFUSED, Exit.ROLLED_BACK, Exit.BROKEN)


class Enabled(Struct, frozen=True):
    """The unit's name and file, and the command that it runs."""

    unit: str
    path: Path
    command: str


def enable(session: Session, units: Units, *, serve: bool = False) -> Enabled:
    """Writes the unit, for the server or for an apply at boot; raises FeatureMissingError with
    what to do where there is no systemd. There is one unit: the server does what the other does."""
    command = _command("serve") if serve else _command(*_APPLY)
    environment = _environment(session.settings, os.environ)
    if not units.present:
        raise FeatureMissingError(
            "this host does not run systemd, so nothing was written",
            _by_hand(command, environment) if not serve else _by_hand_always(command, environment),
        )
    name = unit_name(session)
    after, folder = _AFTER.get(session.choice.engine, ""), session.store.folder
    what: AtBoot | Serving = AtBoot(
        description=f"orchestr8: what was applied is made true again ({folder})",
        command=command,
        environment=environment,
        after=after,
        seconds_max=(_MINUTES + 5) * 60,
        final=[int(status) for status in _FINAL],
    )
    if serve:
        description = f"orchestr8: what was applied is kept true ({folder})"
        what = Serving(description, command, environment, after)
    units.enable(name, what)
    session.write_down("enable", name)
    return Enabled(name, units.path(name), shlex.join(command))


def disable(session: Session, units: Units) -> str:
    """Takes the unit away; its name, or the empty text where there was none."""
    name = unit_name(session)
    if not units.disable(name):
        return ""
    session.write_down("disable", name)
    return name


def is_enabled(session: Session, units: Units) -> bool:
    """Whether systemd brings these boxes back."""
    return units.path(unit_name(session)).exists()


def unit_name(session: Session) -> str:
    """The unit of this state folder; one in another place than usual has a name of its own."""
    if session.settings.state == DEFAULT_STATE:
        return UNIT
    return f"orchestr8-{session.store.ledger.installation[:8]}.service"


def _command(*words: str) -> tuple[str, ...]:
    """How this very orchestr8 is started, by absolute paths."""
    beside = Path(sys.executable).with_name("orchestr8")
    program = (str(beside),) if os.access(beside, os.X_OK) else (sys.executable, "-m", "orchestr8")
    return (*program, *words)


def _environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """The state folder always, so that nothing else is ever meant; the rest where it was set."""
    kept = {name: given[name] for name in _KEPT if given.get(name)}
    return {"ORCHESTR8_STATE": str(settings.state.absolute()), **kept}


def _by_hand_always(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    words = [f"{name}={shlex.quote(value)}" for name, value in sorted(environment.items())]
    return (
        "let what supervises your services run this as root, and start it again when it ends:\n"
        f"  {' '.join((*words, shlex.join(command)))}"
    )


def _by_hand(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    words = [f"{name}={shlex.quote(value)}" for name, value in sorted(environment.items())]
    line = " ".join((*words, shlex.join(command)))
    return (
        "let what starts your services run this as root at boot, once the engine answers:\n"
        f"  {line}\n"
        "with cron, as a line of /etc/cron.d/orchestr8 (it waits for the engine on its own):\n"
        f"  @reboot root for n in $(seq 30); do {line} && break; sleep 10; done"
    )
