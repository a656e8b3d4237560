"""`why`: why a service is as it is, whose move it is, and what to type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from orchestr8.cli.arguments import Output, OutputAs, ServiceName

if TYPE_CHECKING:
    from orchestr8.boxes.records import Hold
    from orchestr8.controller.advice import Advice
    from orchestr8.controller.session import Session
    from orchestr8.controller.status import BoxStatus, LeavingStatus, ServiceStatus
    from orchestr8.names import BoxId
    from orchestr8.proof.model import Proof

_INDENT = " " * 4


class Looked(Struct, frozen=True):
    """What was looked at beside the service's state: its boxes' proofs, and their phases in
    milliseconds where the engine measures them."""

    proofs: Sequence[Proof]
    phases: Mapping[BoxId, Mapping[str, float]]


def run(service: ServiceName, output: OutputAs = Output.TEXT) -> int:
    """Say why a service is as it is: each box, what waits and why, what failed last.

    Then whose move it is, and what to do. Running boxes are proved while one is looking.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.contract.usual import limits_of
    from orchestr8.controller.borders import measured
    from orchestr8.controller.meant import leaving, require_service, require_services
    from orchestr8.controller.proving import prove_services
    from orchestr8.controller.status import status
    from orchestr8.errors import EngineError
    from orchestr8.store.lock import serving_pid

    with opened_fleet() as session:
        names = require_services(session, [service], also=leaving(session))
        whole = status(session, names)
        for one in whole.leaving:
            return _tell_leaving(one, output)
        require_service(session, names[0])  # no box of it may be there any more
        found = whole.services[0]
        try:
            proofs = prove_services(session, names)[0]
        except EngineError:
            proofs = ()
        files = _files(session, found)
        phases = {one.box.id: measured(session.borders, one.box.id) for one in found.boxes}
        declared = limits_of(session.stored.fleet.services()[found.name], session.strict)
        is_served = bool(serving_pid(session.store.folder))
        wrong = _wrong_secrets(session, found)
    advice = _advice(found, declared.memory_max_bytes)
    whose, what = _next_move(found, advice, files, is_served=is_served)
    what = "; ".join(wrong) or what
    if output is Output.JSON:
        from orchestr8.cli.conclusion import proofs_as_json
        from orchestr8.cli.document import print_document
        from orchestr8.cli.status import as_json
        from orchestr8.controller.settings import now_ms

        print_document(
            "why",
            **as_json(found),
            advice=advice,
            whose_move=whose,
            what_to_do=what,
            proofs=proofs_as_json(proofs),
            proved_ms=now_ms() if proofs else None,
            phases={str(box_id): spent for box_id, spent in phases.items()},
        )
    else:
        _print_text(found, Looked(proofs, phases), advice, whose, what)
    return 0


def _tell_leaving(one: LeavingStatus, output: Output) -> int:
    """What no manifest declares any more and is still there."""
    from orchestr8.boxes.world import Health
    from orchestr8.cli.terminal import count, escaped, paint, say
    from orchestr8.controller.status import BoxStatus

    whose, what = "whoever applies here", "`orchestr8 apply` lets go of it"
    if one.hold:
        whose = f"{one.hold.actor or f'owner {one.name.owner}'}, who holds it"
        what = f"`orchestr8 hold {one.name} --end` ends it; then {what}"
    if output is Output.JSON:
        from orchestr8.cli.document import print_document
        from orchestr8.cli.status import leaving_as_json

        print_document("why", **leaving_as_json(one), whose_move=whose, what_to_do=what)
        return 0
    boxes = count(len(one.boxes), "box of it is", "boxes of it are")
    say(f"{paint().bold(str(one.name))}   declared no more, and {boxes} still there")
    for box in one.boxes:
        _print_box(BoxStatus(box.slot, box, Health.UNKNOWN, box.state.value), None, None)
    if one.hold:
        say(_held(one.hold))
    say(f"whose move: {escaped(whose)}")
    say(f"what to do: {what}")
    return 0


def _held(hold: Hold) -> str:
    """`held until …: its disk is changed (since … by ann)`"""
    from orchestr8.cli.terminal import escaped
    from orchestr8.planning.holds import moment, said

    by = f" by {escaped(hold.actor)}" if hold.actor else ""
    return f"{escaped(said(hold))} (since {moment(hold.at_ms)}{by})"


def _files(session: Session, found: ServiceStatus) -> list[str]:
    """What is applied for it: the files that declared it last. Older ones of the set may declare
    it as well, and are refused beside them."""
    from orchestr8.controller.authority import is_their_revision
    from orchestr8.manifest.load import load_stored

    for revision in reversed(session.stored.live):
        if revision.set_name == found.set_name and is_their_revision(session.authority, revision):
            declared = load_stored(revision.sources).services
            if any(service.name == found.name for service in declared):
                return sorted({source.name for source in revision.sources})
    return []


def _advice(found: ServiceStatus, memory_bytes: int) -> Advice | None:
    """What the last failure means, where it is known."""
    from orchestr8.controller.advice import Ending, advise

    if not found.last_failure:
        return None
    ending = Ending(
        found.name,
        found.last_failure,
        found.last_lines,
        out_of_memory="out of memory" in found.last_failure,
        memory_max_bytes=memory_bytes,
    )
    spec = next((one.box.spec for one in found.boxes if one.box.spec), None)
    return advise(ending, spec)


def _wrong_secrets(session: Session, found: ServiceStatus) -> list[str]:
    """What is wrong with the secrets that it waits for; with sealed ones an apply says it."""
    from orchestr8.errors import RejectedError
    from orchestr8.planning.plan import Reason

    if all(step.reason is not Reason.MISSING for step in found.steps):
        return []
    fleet, wrong = session.stored.fleet, []
    session.contents.know(fleet)
    for name in fleet.services()[found.name].secrets:
        secret = fleet.secrets().get((found.name.owner, name))
        try:
            if not (secret and secret.sealed):
                session.contents.secret(found.name.owner, name)
        except RejectedError as error:
            wrong.append(f"{error.what}: {error.remedy}")
    return wrong


def _next_move(
    found: ServiceStatus, advice: Advice | None, files: Sequence[str], *, is_served: bool
) -> tuple[str, str]:
    """Whose move it is and what to do: the first that applies. Where a server keeps the machine,
    what waits for nothing is done by it."""
    from orchestr8.cli.texts import set_if_named, typed
    from orchestr8.planning.plan import Mark
    from orchestr8.reading import STANDARD_INPUT

    owner = f"owner {found.name.owner}"
    # What came by standard input is nowhere to be named.
    paths = ["PATH" if file == STANDARD_INPUT else file for file in files or ["PATH"]]
    again = f"`orchestr8 apply {typed(paths, set_if_named(found.set_name))}`"
    waiting = [step for step in found.steps if step.mark is Mark.WAITS]
    mend = f"add to {found.name.service}:  {advice.line}   then {again}" if advice else ""
    if waiting:
        step = waiting[0]
        return step.whose_move or owner, mend or step.effect or again
    if found.held_back:
        return owner, mend or f"mend what failed, then {again}"
    if found.steps and is_served and not found.last_failure:
        return "the server's", "wait; it is at it, and its log says how far"
    if found.steps:
        return owner if found.last_failure else "whoever applies here", mend or again
    if found.ended:
        return owner, f"renew {', '.join(found.ended)} or take it out, then {again}"
    if any(one.state == "unhealthy" for one in found.boxes):
        return owner, f"`orchestr8 logs {found.name}` shows what it says"
    if any(one.state == "paused" for one in found.boxes):
        return "whoever paused it", f"let it go on there, or `orchestr8 restart {found.name}`"
    if any(one.state == "starting" for one in found.boxes):
        return "nobody's yet", "wait; a box is on its way"
    if found.overrides:
        return owner, (
            "write into the manifest what is set by hand, or "
            f"`orchestr8 set {found.name} --end` gives it back"
        )
    return "nobody's", "nothing; all is as declared"


def _print_text(
    found: ServiceStatus,
    looked: Looked,
    advice: Advice | None,
    whose: str,
    what: str,
) -> None:
    from orchestr8.cli.conclusion import last_lines
    from orchestr8.cli.status import relaxed
    from orchestr8.cli.terminal import count, escaped, paint, say
    from orchestr8.controller.overrides import told
    from orchestr8.isolation.strict import newest
    from orchestr8.planning.holds import moment
    from orchestr8.planning.plan import Mark
    from orchestr8.proof.model import Verdict

    colours = paint()
    running = sum(one.box.state.runs for one in found.boxes)
    waiting = sum(step.count for step in found.steps if step.mark is Mark.WAITS)
    wanted = f"{count(found.wanted, 'box', 'boxes')} wanted, {running} running"
    waits = f", {waiting} waiting" if waiting else ""
    if waiting and found.waiting_since_ms:
        waits += f" since {_since(found.waiting_since_ms)}"
    say(colours.bold(str(found.name)) + "   " + wanted + waits)
    by_id = {proof.id: proof for proof in looked.proofs}
    for one in found.boxes:
        _print_box(one, by_id.get(one.box.id), looked.phases.get(one.box.id))
    if any(proof.verdict is not Verdict.HELD for proof in looked.proofs):
        say(f"{_INDENT} `orchestr8 prove {found.name}` shows the claims that are not held")
    for step in found.steps:
        word = "waits" if step.mark is Mark.WAITS else step.what
        why = ": " + escaped(step.cause) if step.cause else ""
        effect = "; " + escaped(step.effect) if step.effect else ""
        say(f"  {step.mark.value}  {word}{why}{effect}")
        for change in (*step.changes, *step.beside):
            say(f"{_INDENT} {escaped(str(change))}")
    revision = f"revision {found.revision} of set {found.set_name}" if found.revision else ""
    if found.held_back:
        say(f"rolled back to {revision}, since what came after it failed")
    elif revision:
        say(f"from {revision}")
    if found.hold:
        say(_held(found.hold))
    if found.strict < newest():
        say(
            f"placed with STRICT {found.strict}; `orchestr8 upgrade --set {found.set_name}` takes "
            f"up STRICT {newest()}"
        )
    for override in found.overrides:
        by = f" by {escaped(override.actor)}" if override.actor else ""
        say(f"set by hand{by} on {moment(override.at_ms)}: {told(override)}")
    if found.relaxations:
        say(f"relaxations: {relaxed(found)}")
    if found.last_failure:
        say(f"last failure: {escaped(found.last_failure)}")
        for line in last_lines(found.last_lines):
            say(f"{_INDENT}{line}")
    if advice:
        say(f"what it means: {escaped(advice.what)}")
    oncall = f" (on call: {escaped(found.oncall)})" if found.oncall and whose != "nobody's" else ""
    say(f"whose move: {whose}{oncall}")
    say(f"what to do: {escaped(what)}")


def _print_box(one: BoxStatus, proof: Proof | None, phases: Mapping[str, float] | None) -> None:
    """One box: how it is, what it is held to, and what it took to make."""
    from orchestr8.cli.columns import gone_on
    from orchestr8.cli.terminal import escaped, say, width
    from orchestr8.names import STANDBY
    from orchestr8.planning.wording import on_cores
    from orchestr8.units import rounded_size

    slot = "-" if one.slot == STANDBY else one.slot
    for line in gone_on(f"  {slot}  {_box(one, proof)}", width()):
        say(line)
    if one.ceiling:
        size = rounded_size(one.ceiling.memory_bytes)
        since = _since(one.ceiling.since_ms)
        say(f"{_INDENT} held to {size} of memory since {since}: {escaped(one.ceiling.cause)}")
    if one.cores:
        say(f"{_INDENT} {on_cores(one.cores, is_own=one.is_alone)}")
    if phases:
        say(f"{_INDENT} {_took(phases)}")


def _box(one: BoxStatus, proof: Proof | None) -> str:
    """`healthy, running since 2026-11-29 14:02:11 UTC (2 d 4 h), proved 14:04:55 (27 of 27 …)`"""
    from orchestr8.cli.terminal import escaped, when
    from orchestr8.controller.settings import now_ms
    from orchestr8.proof.model import Verdict

    text = one.state
    if text == "standby":
        text += ", not proved until it runs"
    if one.box.state.runs and one.box.started_ms:
        since = f"since {_since(one.box.started_ms)}"
        text += f" {since}" if text.endswith("running") else f", running {since}"
    elif one.box.stopped_ms:
        text += f" since {_since(one.box.stopped_ms)}"
    if one.cause:
        text += f": {escaped(one.cause)}"
    if one.box.spec:
        text += f", image {escaped(one.box.spec.image)}"
    if proof:
        _, clock = when(now_ms()).split()
        held = f"{proof.count(Verdict.HELD)} of {len(proof.findings)} claims held"
        text += f", proved {clock} ({held})"
    return text


def _took(phases: Mapping[str, float]) -> str:
    """`took 12.4 ms: root 3.1, cgroup 0.6, create 7.8, gate 0.3, first instruction 0.6`"""
    parts = ", ".join(
        f"{'first instruction' if name == 'first' else name} {spent:.1f}"
        for name, spent in phases.items()
    )
    return f"took {sum(phases.values()):.1f} ms: {parts}"


def _since(at_ms: int) -> str:
    """A moment that has passed, and how long ago it was."""
    from orchestr8.cli.terminal import milliseconds, when
    from orchestr8.controller.settings import now_ms

    return f"{when(at_ms)} UTC ({milliseconds(max(now_ms() - at_ms, 0))})"
