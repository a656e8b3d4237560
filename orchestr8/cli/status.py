"""`status`: what is wanted, what is, and whose it is, service by service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestr8.cli.arguments import Output, OutputAs, ServiceNames

if TYPE_CHECKING:
    from orchestr8.controller.look import ServiceStatus, Status


def run(services: ServiceNames = None, output: OutputAs = Output.TEXT) -> int:
    """Show every service: its owner, its boxes, their state, and its relaxations.

    The exit status is 0 whatever the state is; `orchestr8 plan --exit-code` tells whether
    anything is to be done, `orchestr8 prove` whether the walls stand.
    """
    from orchestr8.cli.opening import anything_applied, opened_fleet
    from orchestr8.controller.look import require_services, status
    from orchestr8.controller.settings import Settings

    found, down = None, frozenset[str]()
    if services or anything_applied(Settings.from_environment()):
        with opened_fleet() as session:
            names = require_services(session, services or ())
            if session.store.documents.sets():
                found, down = status(session, names), session.stored.down
    if output is Output.JSON:
        _print_json(found, down)
    else:
        _print_text(found, down)
    return 0


def _print_text(found: Status | None, down: frozenset[str]) -> None:
    from orchestr8.cli.terminal import count, say, table

    if not found or not found.services:
        say("nothing is applied on this machine; begin with `orchestr8 apply PATH`.")
        return
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
        say(f"not as declared {are} {', '.join(astray)}: `orchestr8 why {astray[0]}`")
    if found.gaps:
        names = ", ".join(gap.feature for gap in found.gaps)
        say(f"{count(len(found.gaps), 'gap')} on this engine ({names}).")
    if found.unknown:
        say(f"left alone, since the store knows nothing of them: {', '.join(found.unknown)}")


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
    from orchestr8.planning.plan import Mark

    if service.set_name in down and not service.boxes:
        return "down"
    words = Counter(one.state for one in service.boxes)
    parts = [
        word if len(words) == 1 and number == service.wanted else f"{number} {word}"
        for word, number in sorted(words.items())
    ]
    waiting = [step for step in service.steps if step.mark is Mark.WAITS]
    parts += [f"{step.count} waits: {step.reason.value if step.reason else step.what}"
              for step in waiting]  # fmt: skip
    planned = [step for step in service.steps if step.mark is not Mark.WAITS]
    parts += [f"{step.count} to {_verb(step.mark.name)}" for step in planned]
    if service.held_back:
        parts.append(f"rolled back to revision {service.held_back}")
    if not parts:
        return "no boxes wanted" if not service.wanted else "no boxes"
    return ", ".join(parts)


def _verb(mark: str) -> str:
    words = {"PROVISION": "provision", "REBALANCE": "change in place", "REPLACE": "replace"}
    return words.get(mark, "release")


def relaxed(service: ServiceStatus) -> str:
    """How many relaxations, the nearest end, and what has ended."""
    from orchestr8.contract.expiry import days_left

    if not service.relaxations:
        return "-"
    parts = [str(service.relaxations)]
    if service.next_end:
        days = days_left(service.next_end, datetime.now(UTC))
        parts.append(f"next end {service.next_end} ({days} days)")
    if service.ended:
        parts.append(f"ended: {', '.join(service.ended)}")
    return ", ".join(parts)


def _is_well(service: ServiceStatus, down: frozenset[str]) -> bool:
    if service.set_name in down and not service.boxes:
        return True
    ill = {"unhealthy", "stopped", "created"}
    return (
        not service.steps
        and not service.held_back
        and not service.ended
        and not any(one.state in ill for one in service.boxes)
    )


def as_json(service: ServiceStatus, down: frozenset[str] = frozenset()) -> dict[str, object]:
    """One service as facts."""
    from orchestr8.cli.conclusion import steps_as_json

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
                "slot": one.slot,
                "state": one.state,
                "cause": one.cause,
                "image": one.box.spec.image if one.box.spec else None,
                "address": one.box.address,
                "started_ms": one.box.started_ms,
                "stopped_ms": one.box.stopped_ms,
                "exit_status": one.box.exit_status,
            }
            for one in service.boxes
        ],
        "steps": steps_as_json(service.steps),
        "relaxations": service.relaxations,
        "next_end": service.next_end,
        "ended": service.ended,
        "held_back": service.held_back,
        "oncall": service.oncall,
        "last_failure": service.last_failure,
        "last_lines": service.last_lines,
    }


def _print_json(found: Status | None, down: frozenset[str] = frozenset()) -> None:
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
    )
