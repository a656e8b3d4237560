"""The last sentences of an apply: what came of it, what failed and why, whose move it is."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import groupby

from msgspec.structs import replace

from orchestr8.boxes.spec import FieldChange
from orchestr8.cli.board import Board
from orchestr8.cli.terminal import count, escaped, milliseconds
from orchestr8.contract.losses import Loss
from orchestr8.controller.applied import Applied, Failure
from orchestr8.controller.boot import is_enabled
from orchestr8.controller.session import Session
from orchestr8.errors import Exit
from orchestr8.host.systemd import Units
from orchestr8.names import slot_name
from orchestr8.planning.plan import Reason, Step
from orchestr8.planning.wording import in_a_row, listed
from orchestr8.proof.model import Proof, Verdict
from orchestr8.store.lock import serving_pid

INDENT = " " * 17
LINES_SHOWN = 8


class Watch(Enum):
    """Who brings boxes back, as the sentence that ends an apply which started some."""

    NOBODY = (
        "Nobody watches these boxes. After a crash or a reboot this brings them back:  "
        "orchestr8 apply   (`orchestr8 enable` does it at boot)"
    )
    AT_BOOT = "Back after a reboot by themselves; after a crash by:  orchestr8 apply"
    SERVED = "A server watches these boxes, and heals them:  orchestr8 status"
    SIMULATED = "simulated: these boxes existed only while this command ran."
    SIMULATED_BY_SERVER = "simulated: these boxes exist while the server runs, and no longer."

    @classmethod
    def of(cls, session: Session) -> Watch:
        """What is true of the boxes of this session."""
        is_served = bool(serving_pid(session.store.folder))
        if session.choice.engine == "memory":
            return cls.SIMULATED_BY_SERVER if is_served else cls.SIMULATED
        if is_served:
            return cls.SERVED
        return cls.AT_BOOT if is_enabled(session, Units()) else cls.NOBODY

    @property
    def is_simulated(self) -> bool:
        """Whether the boxes are made up."""
        return self in (Watch.SIMULATED, Watch.SIMULATED_BY_SERVER)


def why_over(applied: Applied) -> str:
    """Why nothing more is waited for."""
    return "the server was told to end" if applied.ended else "the time is over"


def conclusion(
    applied: Applied, board: Board, again: str, services: int, *, watch: Watch
) -> list[str]:
    """Everything below the boxes' lines. `again` is the command that was typed."""
    lines = [*failure_lines(applied), *rolled_back_lines(applied), *waiting_lines(applied)]
    lines += _proof_lines(applied)
    summed = _sum(applied, board) if applied.changed else ""
    if summed:
        lines.append(summed)
    elif not (applied.changed or applied.failures or applied.waiting or applied.timed_out):
        new = f"revision {applied.revision} of set {applied.set_name} is in force; "
        what = f": {count(services, 'service')} {'is' if services == 1 else 'are'} as declared"
        lines.append(f"{new if applied.anew else ''}nothing to do{what if services else ''}.")
    if applied.timed_out:
        lines.append(f"{why_over(applied)}; the same command goes on from here:  {again}")
    lines += [f"! {escaped(loss.said)}" for loss in applied.losses]
    if applied.exit:
        lines.append(f"exit status {int(applied.exit)}")
    if watch.is_simulated or (board.started and not applied.ended):
        lines.append(watch.value)
    return lines


def _sum(applied: Applied, board: Board) -> str:
    """`6 boxes started in 912 ms, healthy after 1.2 s; nothing left to do.`"""
    parts = []
    if board.started:
        started = f"{count(board.started, 'box', 'boxes')} started in "
        started += milliseconds(applied.started_ms)
        ready = _ready(board)
        if ready and not applied.failures:
            started += f", {ready} after {milliseconds(applied.settled_ms)}"
        parts.append(started)
    if board.adjusted:
        parts.append(f"{count(board.adjusted, 'box', 'boxes')} changed in place, without a restart")
    if board.released:
        parts.append(f"{count(board.released, 'box', 'boxes')} released")
    if not parts and not applied.exit:
        parts.append(f"changed in {milliseconds(applied.settled_ms)}")
    if applied.exit is Exit.DONE:
        parts.append("nothing left to do")
    return "; ".join(parts) + "." if parts else ""


def _ready(board: Board) -> str:
    words = board.ready_words
    if len(words) == 1:
        return next(iter(words))
    return "all ready" if words else ""


def failure_lines(applied: Applied) -> list[str]:
    """What did not come up: why, the last lines, and what would mend it.

    Slots of one service that failed alike are told together.
    """
    alike: dict[Failure, list[int]] = {}
    for failure in applied.failures:
        alike.setdefault(replace(failure, slot=0), []).append(failure.slot)
    return [line for failure, slots in alike.items() for line in _failure(failure, slots)]


def _failure(failure: Failure, slots: Sequence[int]) -> list[str]:
    label = slot_name(slots[0], failure.service)
    if len(slots) > 1:
        label = f"slots {listed(map(str, slots))} of {failure.service}"
    often = f", {in_a_row(failure.attempts)}" if failure.attempts > 1 else ""
    each = " each" if often and len(slots) > 1 else ""
    lines = [f"{label.ljust(len(INDENT) - 1)} failed: {escaped(failure.why)}{often}{each}"]
    if failure.lines:
        lines.append(f"{INDENT}its last lines:")
        lines += [f"{INDENT}  {line}" for line in last_lines(failure.lines)]
    if failure.advice:
        lines.append(INDENT + escaped(failure.advice.what) + ":")
        lines += [f"{INDENT}  {escaped(line)}" for line in failure.advice.line.split("\n")]
    elif failure.remedy:
        lines.append(INDENT + escaped(failure.remedy))
    else:
        lines.append(
            f"{INDENT}whose move: owner {failure.service.owner}; "
            f"`orchestr8 why {failure.service}` says what is known"
        )
    return lines


def last_lines(lines: Sequence[str]) -> list[str]:
    """The last few lines of a box, made harmless; one that comes again and again is shown once."""
    shown: list[str] = []
    for line, again in groupby(lines):
        times = sum(1 for _ in again)
        shown.append(escaped(line) + (f"   ({times} times)" if times > 1 else ""))
    return shown[-LINES_SHOWN:]


def rolled_back_lines(applied: Applied) -> list[str]:
    """Which services run an older revision again."""
    return [
        f"{service} rolled back to revision {revision}, which worked; the rest of the set stays"
        for service, revision in sorted(applied.rolled_back.items())
    ]


def waiting_lines(applied: Applied) -> list[str]:
    """What could not be done now, and why; a failure that is told already is not told again."""
    told = {failure.service for failure in applied.failures}
    return [
        _waits(step)
        for step in applied.waiting
        if not (step.reason is Reason.BACK_OFF and step.service in told)
    ]


def _waits(step: Step) -> str:
    line = f"! {step.service} waits: {escaped(step.cause or step.what)}"
    if step.effect:
        line += f"; {escaped(step.effect)}"
    return line + (f" (whose move: {step.whose_move})" if step.whose_move else "")


def _proof_lines(applied: Applied) -> list[str]:
    """Claims that the kernel does not bear out."""
    lines: list[str] = []
    for proof in applied.proofs:
        label = slot_name(proof.slot, proof.id.service_name)
        for finding in proof.findings:
            if finding.verdict is Verdict.BROKEN:
                lines.append(
                    f"{label}: broken: {finding.sentence}: expected {escaped(finding.expected)}, "
                    f"observed {escaped(finding.observed)}"
                )
    unproven = sum(proof.count(Verdict.UNPROVEN) for proof in applied.proofs)
    if unproven:
        are = "is" if unproven == 1 else "are"
        lines.append(
            f"{count(unproven, 'claim')} {are} unproven; `orchestr8 prove` says which and why"
        )
    return lines


def as_json(applied: Applied, board: Board) -> dict[str, object]:
    """The whole conclusion as facts."""
    return {
        "set": applied.set_name,
        "revision": applied.revision,
        "anew": applied.anew,
        "exit": applied.exit,
        "changed": applied.changed,
        "started": applied.started,
        "started_ms": round(applied.started_ms, 1),
        "settled_ms": round(applied.settled_ms, 1),
        "adjusted": board.adjusted,
        "released": board.released,
        "boxes": [
            {
                "id": box,
                "name": row.label,
                "phases": {
                    phase: round(spent, 2)
                    for phase, spent in row.phases.items()
                    if spent is not None
                },
                "parts": row.parts,
                "failure": row.failure,
            }
            for box, row in board.rows.items()
        ],
        "failures": applied.failures,
        "rolled_back": applied.rolled_back,
        "waiting": steps_as_json(applied.waiting),
        "proofs": proofs_as_json(applied.proofs),
        "timed_out": applied.timed_out,
        "losses": losses_as_json(applied.losses),
    }


def losses_as_json(losses: Sequence[Loss]) -> list[dict[str, object]]:
    """The lines of other sets that are untrue now."""
    return [
        {
            "set": loss.set_name,
            "service": loss.service,
            "owner": loss.service.owner,
            "place": str(loss.place),
            "what": f"{loss.what}, {loss.why}",
        }
        for loss in losses
    ]


def proofs_as_json(proofs: Sequence[Proof]) -> list[dict[str, object]]:
    """What came of proofs, box by box."""
    return [
        {
            "box": proof.id,
            "verdict": proof.verdict,
            **{verdict.value: proof.count(verdict) for verdict in Verdict},
        }
        for proof in proofs
    ]


def steps_as_json(steps: Sequence[Step]) -> list[dict[str, object]]:
    """The lines of a plan as facts."""
    return [
        {
            "mark": step.mark,
            "service": step.service,
            "owner": step.service.owner,
            "boxes_before": step.boxes_before,
            "boxes_after": step.boxes_after,
            "what": step.what,
            "cause": step.cause,
            "changes": _changes_as_json(step.changes),
            "beside": _changes_as_json(step.beside),
            "effect": step.effect,
            "notes": step.notes,
            "count": step.count,
            "reason": step.reason,
            "whose_move": step.whose_move,
            "try_again_ms": step.try_again_ms,
        }
        for step in steps
    ]


def _changes_as_json(changes: Sequence[FieldChange]) -> list[dict[str, str]]:
    return [{"field": one.field, "before": one.before, "after": one.after} for one in changes]
