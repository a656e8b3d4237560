"""The plan as plain text: equal plans read the same, with or without a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.spec import FieldChange
from orchestr8.names import STANDBY
from orchestr8.planning.plan import (
    Action,
    AwaitBox,
    Call,
    ChangeNetwork,
    CreateBox,
    EnsureOwner,
    EnsureVolume,
    FetchImage,
    ForgetBox,
    Mark,
    Plan,
    PrepareNetwork,
    RemoveBox,
    SetCores,
    StartBox,
    Step,
    StopBox,
    UpdateLimits,
    Upkeep,
    WriteNames,
)
from orchestr8.units import format_cores, format_size

FORCES = " (forces a new box)"
NOTHING = "Nothing to do."
_HEAD = ("SERVICE", "BOXES", "WHAT")
_COUNTED = (
    (Mark.PROVISION, "to provision"),
    (Mark.REBALANCE, "in place"),
    (Mark.REPLACE, "to replace"),
    (Mark.RELEASE, "to release"),
    (Mark.WAITS, "waiting"),
)


class Row(Struct, frozen=True):
    """One line of the table. Continuation lines have no mark, service, boxes or what."""

    mark: str = " "
    service: str = ""
    boxes: str = ""
    what: str = ""
    details: str = ""
    effect: str = ""


def plan_lines(plan: Plan) -> list[Row]:
    """The rows of the plan: a line for each step, with further changes and notes below it."""
    rows: list[Row] = []
    for step in plan.steps:
        rows += _step_rows(step)
    for line in plan.upkeep:
        rows += _upkeep_rows(line)
    return rows


def details_width(rows: Iterable[Row]) -> int:
    """How wide details are beside which an effect is told; a note alone moves no effect aside."""
    return max((len(row.details) for row in rows if row.effect), default=0)


def table(rows: Iterable[Row]) -> str:
    """Rows under their head, in columns as wide as they need to be."""
    head = Row(" ", *_HEAD)
    columns = [(row.service, row.boxes, row.what, row.details, row.effect) for row in (head, *rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*columns, strict=True)]
    widths[-2] = details_width((head, *rows))
    marks = [row.mark for row in (head, *rows)]
    lines = []
    for mark, cells in zip(marks, columns, strict=True):
        shown = zip(cells, widths, strict=True)
        padded = (cell.ljust(width) for cell, width in shown if cell or width)
        lines.append(f"{mark} {'  '.join(padded)}".rstrip())
    return "\n".join(lines)


def summary(plan: Plan) -> str:
    """The counts of boxes in one sentence."""
    counts = {mark: sum(s.count for s in plan.steps if s.mark is mark) for mark, _ in _COUNTED}
    told = [f"{counts[mark]} {words}" for mark, words in _COUNTED if counts[mark]]
    return f"{', '.join(told)}." if told else ("" if plan.upkeep else NOTHING)


def plan_text(plan: Plan) -> str:
    """The whole: table, counts, and what was left alone."""
    rows = plan_lines(plan)
    counts = summary(plan)
    below = [counts] if counts else []
    if plan.unknown:
        ids = ", ".join(str(box_id) for box_id in plan.unknown)
        below.append(f"Left alone, since the store knows nothing of them: {ids}.")
    if plan.adopted:
        ids = ", ".join(str(box_id) for box_id in plan.adopted)
        below.append(f"Left alone until their own manifests are applied: {ids}.")
    above = [table(rows)] if rows else []
    return "\n".join([*above, *([""] if above and below else []), *below])


def _step_rows(step: Step) -> list[Row]:
    forces = FORCES if step.mark is Mark.REPLACE else ""
    details = [f"{_change(change)}{forces}" for change in step.changes]
    if step.cause:
        details.insert(0, step.cause)
    details += map(_change, step.beside)
    first, *more = details or [""]
    head = Row(step.mark.value, str(step.service), _boxes(step), step.what, first, step.effect)
    below = [*more, *(f"note: {note}" for note in step.notes)]
    return [head, *(Row(details=line) for line in below)]


def _upkeep_rows(line: Upkeep) -> list[Row]:
    details = [*((line.cause,) if line.cause else ()), *map(_change, line.changes)]
    first, *more = details or [""]
    what = line.mark.name.lower()
    head = Row(line.mark.value, line.subject, "", what, first, line.effect)
    return [head, *(Row(details=detail) for detail in more)]


def _boxes(step: Step) -> str:
    if step.mark is Mark.WAITS:
        return f"{step.boxes_before} of {step.boxes_after}"
    if step.boxes_before == step.boxes_after:
        return str(step.boxes_after)
    return f"{step.boxes_before} -> {step.boxes_after}"


def _change(change: FieldChange) -> str:
    """A change; of two tags of one image only the tags."""
    before, after = change.before, change.after
    if not before:
        return str(change)
    repository, colon, tag = after.rpartition(":")
    if change.field == "image" and colon and before.startswith(f"{repository}:"):
        before, after = before.removeprefix(f"{repository}:"), tag
    return f"{change.field} {before} -> {after}"


def action_lines(plan: Plan) -> list[str]:
    """The actions as the executor gets them: number, call, cause, and what each waits for."""
    return [_action(number, action) for number, action in enumerate(plan.actions)]


def _action(number: int, action: Action) -> str:
    needs = f" after {' '.join(map(str, action.needs))}" if action.needs else ""
    return f"{number}{needs}: {_call(action.call)} | {action.cause}"


def _call(call: Call) -> str:
    match call:
        case PrepareNetwork():
            return "prepare network"
        case EnsureOwner():
            return f"ensure owner {call.owner}"
        case FetchImage():
            return f"fetch {call.reference}"
        case EnsureVolume():
            size = call.volume.size_bytes
            of_size = f" size {format_size(size)}" if size else ""
            return f"ensure volume {call.volume.name} uid {call.volume.uid}{of_size}"
        case ChangeNetwork():
            added = [f"+ {_element(one)}" for one in call.add]
            removed = [f"- {_element(one)}" for one in call.remove]
            return f"change network {', '.join((*added, *removed))}"
        case CreateBox():
            box = call.box
            joins = "".join(f" {kind} of {peer}" for kind, peer in box.joins)
            place = "standby" if box.slot == STANDBY else f"slot {box.slot}"
            on = f" on cores {format_cores(box.cores)}" if box.cores else ""
            return f"create {box.id} {place} {box.address or 'no network'}{joins}{on}"
        case StartBox():
            takes = "" if call.slot is None else f" in slot {call.slot}"
            return f"start {call.id}{takes}"
        case AwaitBox():
            what = "done" if call.done else "healthy" if call.health else "settled"
            return f"await {call.id} {what} within {call.within_ms} ms"
        case UpdateLimits():
            return f"update {call.id}"
        case SetCores():
            return f"set cores of {call.id} to {format_cores(call.cores) or 'every one'}"
        case WriteNames():
            return f"write names of {call.id}: {' '.join(f'{n}={a}' for n, a in call.names)}"
        case StopBox():
            return f"stop {call.id} {call.signal or 'as its image says'} {call.grace_ms} ms"
        case RemoveBox():
            return f"remove {call.id}"
        case ForgetBox():
            return f"forget {call.id}"


def _element(element: Element) -> str:
    match element:
        case Pass():
            return f"pass {element.source} to {element.destination}:{element.port}"
        case Route():
            return f"route {element.address}:{element.port} to {' '.join(element.backends)}"
        case Door():
            backends = " ".join(f"{one}:{element.port}" for one in element.backends)
            return f"door {element.address}:{element.host_port} to {backends}"
        case Out():
            return f"out {element.source} to {element.range}:{element.port}"
