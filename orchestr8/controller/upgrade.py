"""A newer STRICT is taken up when somebody asks for it, and by nothing else.

Every service keeps the version that it was placed with, whatever release plans, heals or applies
it. A service that does not come up with the newer one goes back to the version that it had.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.controller.applied import Applied
from orchestr8.controller.converge import Convergence
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.progress import Progress
from orchestr8.controller.request import aim_in_force, require_set
from orchestr8.controller.session import Session
from orchestr8.controller.settings import now_ms
from orchestr8.errors import Exit
from orchestr8.isolation.strict import newest
from orchestr8.names import ServiceName
from orchestr8.planning.holds import in_force

Versions = Mapping[ServiceName, int]


class Upgrade(Struct, frozen=True):
    """What an upgrade would do: the services and the version that each has now; `held` are left
    alone."""

    before: Versions
    held: tuple[ServiceName, ...]
    cycle: Cycle

    @property
    def after(self) -> Versions:
        """The versions that the services shall have."""
        return dict.fromkeys(self.before, newest())


class Upgraded(Struct, frozen=True):
    """What came of it; `taken_back` did not come up, and has the version that it had."""

    applied: Applied
    taken_back: tuple[ServiceName, ...] = ()

    @property
    def exit(self) -> Exit:
        """As of an apply; what was taken back counts as rolled back."""
        return Exit.ROLLED_BACK if self.taken_back else self.applied.exit


def plan_upgrade(session: Session, set_name: str) -> Upgrade:
    """What an upgrade of a set, or without a name of all, would do; raises UsageError for a set
    that is not there."""
    if set_name:
        require_set(session, set_name)
    held = in_force(session.holds, now_ms())
    older = {
        name: version
        for name, version in sorted(session.strict.items())
        if version < newest()
        and name in session.stored.revisions
        and set_name in ("", session.stored.revisions[name][0])
    }
    before = {name: version for name, version in older.items() if name not in held}
    strict = {**session.strict, **dict.fromkeys(before, newest())}
    aim = replace(aim_in_force(session), strict=strict)
    return Upgrade(before, tuple(name for name in older if name in held), walk(session, aim))


def upgrade(session: Session, set_name: str, progress: Progress, timeout_ms: int) -> Upgraded:
    """Takes up the newest STRICT, service by service, as an update does."""
    narrator, patience = (
        Narrator(progress, session.clock, session.may),
        session.patience(timeout_ms),
    )
    with session.changing():
        planned = plan_upgrade(session, set_name)
        _write(session, planned.after)
        applied = Convergence(session, set_name, 0, narrator, patience).run(planned.cycle)
        failed = {failure.service for failure in applied.failures}
        taken_back = tuple(name for name in planned.before if name in failed)
        if taken_back:
            _write(session, {name: planned.before[name] for name in taken_back})
            for name in taken_back:
                session.store.ledger.forgive(name)
                before = f"STRICT {planned.before[name]}"
                narrator.note(name, f"{name} goes back to {before}, which worked")
            Convergence(session, set_name, 0, narrator, patience).run()
        return Upgraded(applied, taken_back)


def _write(session: Session, versions: Versions) -> None:
    with session.store.together():
        session.store.pins.note_strict(versions)
        for name, version in versions.items():
            session.write_down("upgrade", str(name), f"STRICT {version}")
    session.forget_stored()
