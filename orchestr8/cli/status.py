"""`status`: what is wanted, what is, and whose it is, service by service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestr8.cli.arguments import Output, OutputAs, ServiceNames

if TYPE_CHECKING:
    from orchestr8.boxes.records import Hold
    from orchestr8.controller.source_status import SourceStatus
    from orchestr8.controller.status import LeavingStatus, ServiceStatus, Status
    from orchestr8.planning.plan import Step
    from orchestr8.store.interventions import Override


def run(services: ServiceNames = None, output: OutputAs = Output.TEXT) -> int:
    """Show every service: its owner, its boxes, their state, and its relaxations.

    The exit status is 0 whatever the state is; `orchestr8 plan --exit-code` tells whether
    anything is to be done, `orchestr8 prove` whether the walls stand.
    """
    from orchestr8.cli.asking import settings_for
    from orchestr8.cli.opening import anything_applied, of_yours, opened_fleet, require_not_lost
    from orchestr8.cli.source_lines import source_lines
    from orchestr8.cli.terminal import say
    from orchestr8.controller.meant import leaving, require_services
    from orchestr8.controller.source_status import source_status
    from orchestr8.controller.status import status

    found, down, whose = None, frozenset[str](), ""
    sources: tuple[SourceStatus, ...] = ()
    if not anything_applied(settings_for()):
        require_not_lost()
    if services or anything_applied(settings_for()):
        with opened_fleet() as session:
            names = require_services(session, services or (), also=leaving(session))
            if session.store.documents.sets() or session.store.ledger.records().boxes:
                found, down = status(session, names), session.stored.down
            sources = source_status(session) if not services else ()
            whose = of_yours(session)
    if output is Output.JSON:
        _print_json(found, sources, down)
    else:
        if (found and (found.services or found.leaving)) or not sources:
            _print_text(found, down, whose)
        else:
            say(f"no service{whose} is applied on this machine yet.")
        for line in source_lines(sources):
            say(line)
    return 0


def _print_text(found: Status | None, down: frozenset[str], whose: str) -> None:
    from orchestr8.cli.terminal import say

    if not found or not (found.services or found.adopted or found.leaving):
        say(f"nothing{whose} is applied on this machine; begin with `orchestr8 apply PATH`.")
        return
    if found.services:
        _print_services(found, down)
    for line in (*_adopted_lines(found), *_leaving_lines(found), *_upgrade_lines(found)):
        say(line)
    if found.unknown:
        say(
            f"left alone, since the store knows nothing of them: {', '.join(found.unknown)}; "
            "`orchestr8 adopt` takes them over"
        )


def _upgrade_lines(found: Status) -> list[str]:
    """Which services have an older STRICT than there is."""
    from orchestr8.cli.terminal import NAMES_SHOWN
    from orchestr8.isolation.strict import newest
    from orchestr8.planning.wording import first_of

    older = [str(service.name) for service in found.services if service.strict < newest()]
    if not older:
        return []
    have = "has" if len(older) == 1 else "have"
    return [
        f"STRICT {newest()} is there, and {first_of(older, NAMES_SHOWN)} {have} an older one: "
        "`orchestr8 upgrade --plan`"
    ]


def _adopted_lines(found: Status) -> list[str]:
    """What was taken over and waits for its manifest."""
    from orchestr8.cli.terminal import count, table

    if not found.adopted:
        return []
    rows = [["SERVICE", "OWNER", "SET", "BOXES", "STATE"]]
    for one in found.adopted:
        running = sum(box.state.runs for box in one.boxes)
        state = f"adopted, {running} running" if running else "adopted, stopped"
        rows.append([str(one.name), one.name.owner, one.set_name, str(len(one.boxes)), state])
    services = count(len(found.adopted), "service")
    are = "is" if len(found.adopted) == 1 else "are"
    return [
        *([""] if found.services else []),
        *table(rows),
        "",
        f"{services} {are} left alone until the manifests come back: "
        "`orchestr8 apply PATH --set SET`",
    ]


def _leaving_lines(found: Status) -> list[str]:
    """What no manifest declares any more and is still there."""
    from orchestr8.cli.terminal import count
    from orchestr8.planning.holds import end_of

    lines = []
    for one in found.leaving:
        boxes = count(len(one.boxes), "box of it is", "boxes of it are")
        held = ""
        if one.hold:
            end = f"until {end_of(one.hold)}, or until `orchestr8 hold {one.name} --end`"
            held = f"held {end}; then "
        goes = f"{held}`orchestr8 apply` lets go of it"
        lines.append(f"{one.name} is declared no more, and {boxes} still there: {goes}")
    return lines


def _print_services(found: Status, down: frozenset[str]) -> None:
    """The table of what is declared, and the sums below it."""
    from orchestr8.cli.terminal import NAMES_SHOWN, count, say, table
    from orchestr8.planning.wording import first_of

    sets = {service.set_name for service in found.services}
    head = ["SERVICE", "OWNER", *(["SET"] if len(sets) > 1 else []), "BOXES", "STATE", "RELAXED"]
    rows = [head, *(_row(one, down, with_set=len(sets) > 1) for one in found.services)]
    for line in table(rows):
        say(line)
    say()
    owners = {service.name.owner for service in found.services}
    boxes = sum(one.box.state.runs for service in found.services for one in service.boxes)
    say(
        f"{count(len(found.services), 'service')} of {count(len(owners), 'owner')}, "
        f"{count(boxes, 'running box', 'running boxes')} on {found.engine}."
    )
    astray = [str(service.name) for service in found.services if not _is_well(service, down)]
    if astray:
        are = "is" if len(astray) == 1 else "are"
        say(f"not as declared {are} {first_of(astray, NAMES_SHOWN)}: `orchestr8 why {astray[0]}`")
    if found.gaps:
        names = ", ".join(gap.feature for gap in found.gaps)
        say(f"{count(len(found.gaps), 'gap')} on this engine ({names}).")


def _row(service: ServiceStatus, down: frozenset[str], *, with_set: bool) -> list[str]:
    there = sum(one.box.state.runs or one.state == "done" for one in service.boxes)
    return [
        str(service.name),
        service.name.owner,
        *([service.set_name] if with_set else []),
        f"{there}/{service.wanted}",
        state_of(service, down),
        relaxed(service),
    ]


def state_of(service: ServiceStatus, down: frozenset[str] = frozenset()) -> str:
    """The state of all boxes together: `healthy`, or `1 healthy, 1 waits: back-off`."""
    from orchestr8.planning.holds import end_of
    from orchestr8.planning.plan import Mark, Reason

    if service.set_name in down and not service.boxes:
        return "down"
    words = Counter(one.state for one in service.boxes)
    parts = [
        word if len(words) == 1 and number == service.wanted else f"{number} {word}"
        for word, number in sorted(words.items())
    ]
    waiting = [step for step in service.steps if step.mark is Mark.WAITS]
    parts += [_waits(step, service.hold) for step in waiting]
    planned = [step for step in service.steps if step.mark is not Mark.WAITS]
    parts += [f"{step.count} to {_verb(step)}" for step in planned]
    if service.hold and not any(step.reason is Reason.HELD for step in waiting):
        parts.append(f"held until {end_of(service.hold)}")
    if service.overrides:
        parts.append(f"by hand: {', '.join(one.path for one in service.overrides)}")
    if service.held_back:
        parts.append(f"rolled back to revision {service.held_back}")
    if not parts:
        return "no boxes wanted" if not service.wanted else "no boxes"
    return ", ".join(parts)


def _waits(step: Step, hold: Hold | None) -> str:
    from orchestr8.planning.holds import end_of
    from orchestr8.planning.plan import Reason

    if hold and step.reason is Reason.HELD:
        return f"{step.count} waits: held until {end_of(hold)}"
    return f"{step.count} waits: {step.reason.value if step.reason else step.what}"


def _verb(step: Step) -> str:
    from orchestr8.planning.describe import RELEASE_STANDBY, REPLACE_STANDBY, STAND_BY

    if step.what in (STAND_BY, REPLACE_STANDBY, RELEASE_STANDBY):
        return step.what
    words = {"PROVISION": "provision", "REBALANCE": "change in place", "REPLACE": "replace"}
    return words.get(step.mark.name, "release")


def relaxed(service: ServiceStatus) -> str:
    """How many relaxations, the nearest end, and what has ended."""
    from orchestr8.cli.paperwork import in_days
    from orchestr8.contract.expiry import days_left

    if not service.relaxations:
        return "-"
    parts = [str(service.relaxations)]
    if service.next_end:
        when = in_days(days_left(service.next_end, datetime.now(UTC)))
        parts.append(f"next end {service.next_end} ({when})")
    if service.ended:
        parts.append(f"ended: {', '.join(service.ended)}")
    return ", ".join(parts)


def _is_well(service: ServiceStatus, down: frozenset[str]) -> bool:
    if service.set_name in down and not service.boxes:
        return True
    ill = {"unhealthy", "paused", "stopped", "created"}
    return (
        not service.steps
        and not service.held_back
        and not service.ended
        and not any(one.state in ill for one in service.boxes)
    )


def as_json(service: ServiceStatus, down: frozenset[str] = frozenset()) -> dict[str, object]:
    """One service as facts."""
    from orchestr8.cli.conclusion import steps_as_json
    from orchestr8.names import STANDBY

    return {
        "service": service.name,
        "owner": service.name.owner,
        "set": service.set_name,
        "revision": service.revision,
        "wanted": service.wanted,
        "state": state_of(service, down),
        "well": _is_well(service, down),
        "boxes": [
            {
                "id": one.box.id,
                "slot": None if one.slot == STANDBY else one.slot,
                "state": one.state,
                "cause": one.cause,
                "image": one.box.spec.image if one.box.spec else None,
                "address": one.box.address,
                "started_ms": one.box.started_ms,
                "stopped_ms": one.box.stopped_ms,
                "exit_status": one.box.exit_status,
                "ceiling": one.ceiling,
                "cores": one.cores,
                "cores_alone": one.is_alone,
            }
            for one in service.boxes
        ],
        "steps": steps_as_json(service.steps),
        "waiting_since_ms": service.waiting_since_ms,
        "relaxations": service.relaxations,
        "next_end": service.next_end,
        "ended": service.ended,
        "held_back": service.held_back,
        "hold": service.hold,
        "strict": service.strict,
        "overrides": overrides_as_json(service.overrides),
        "oncall": service.oncall,
        "last_failure": service.last_failure,
        "last_lines": service.last_lines,
    }


def leaving_as_json(one: LeavingStatus) -> dict[str, object]:
    """What is declared no more and still there, as facts."""
    boxes = [box.id for box in one.boxes]
    return {"service": one.name, "owner": one.name.owner, "boxes": boxes, "hold": one.hold}


def overrides_as_json(overrides: Sequence[Override]) -> list[dict[str, object]]:
    """Values that were set by hand, as facts."""
    from orchestr8.controller.overrides import manifest_said, value_said

    return [
        {
            "service": one.service,
            "path": one.path,
            "value": value_said(one),
            "manifest": manifest_said(one),
            "actor": one.actor,
            "at_ms": one.at_ms,
        }
        for one in overrides
    ]


def _print_json(
    found: Status | None, sources: Sequence[SourceStatus], down: frozenset[str]
) -> None:
    from orchestr8.cli import source_lines
    from orchestr8.cli.document import print_document

    services: Sequence[ServiceStatus] = found.services if found else ()
    print_document(
        "status",
        engine=found.engine if found else None,
        services=[as_json(service, down) for service in services],
        gaps=[
            {"feature": gap.feature, "asked": gap.asked, "why": gap.why}
            for gap in (found.gaps if found else ())
        ],
        left_alone=found.unknown if found else (),
        sources=source_lines.as_json(sources),
        adopted=[
            {
                "service": one.name,
                "owner": one.name.owner,
                "set": one.set_name,
                "boxes": [box.id for box in one.boxes],
            }
            for one in (found.adopted if found else ())
        ],
        leaving=[leaving_as_json(one) for one in (found.leaving if found else ())],
    )
