"""What a field or a relaxation is, told from the schema and the catalogue."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from pydantic.fields import FieldInfo

from orchestr8.errors import UsageError
from orchestr8.isolation.capabilities import CAPABILITIES
from orchestr8.isolation.consent import Assessment
from orchestr8.isolation.relaxations import RELAXATIONS, Kind, Relaxation
from orchestr8.manifest import describe, hints
from orchestr8.manifest.arguments import KINDS, usage
from orchestr8.manifest.blocks import Block, Shorthand
from orchestr8.manifest.whole import ROOTS


class Explanation(Struct, frozen=True):
    """A field of the language: its place, type, default, effect, an example, and what is below.

    `change` says what a change of it does to running boxes; empty where nothing is to be said.
    `children` are (key, effect) in the schema's order.
    """

    path: str
    type: str
    default: str
    effect: str
    example: str
    children: tuple[tuple[str, str], ...] = ()
    change: str = ""


class RelaxationExplanation(Struct, frozen=True):
    """An entry of the catalogue.

    `parameters` are (name, how it is written, default or empty), `dangers` are (case, danger,
    consent), the case empty where there is only one.
    """

    id: str
    weakens: str
    why: str
    instead: str
    field: str
    parameters: tuple[tuple[str, str, str], ...]
    dangers: tuple[tuple[str, str, str], ...]
    example: str


def explain(path: str = "") -> Explanation:
    """The field at a dotted path, as in `service.limits.memory`; "" is a whole file.

    A path as problems write it, with names and indexes in it, is understood too. Raises
    UsageError for an unknown one, with the nearest.
    """
    steps = [step for step in path.split(".") if step]
    root = _root(steps[0]) if steps else "manifest"
    block, walked = ROOTS[root], root
    rest = steps if root == "manifest" and steps[:1] != ["manifest"] else steps[1:]
    if root != "manifest" and steps[0] != root and rest and rest[0] not in describe.keys_of(block):
        rest = rest[1:]  # the name in `services.api`
    info: FieldInfo | None = None
    for step in rest:
        inner = describe.block_of(info) if info is not None else block
        known = describe.keys_of(inner) if inner is not None else {}
        if step not in known:
            if info is not None and describe.item_of(describe.whole(info)) is not None:
                continue  # the name of an entry, or an index
            raise _unknown(root, walked, step, list(known))
        walked, info = f"{walked}.{step}", known[step]
    if info is None:
        return _block(root, block)
    return _field(walked.removeprefix("manifest."), info)


def _unknown(root: str, walked: str, step: str, known: list[str]) -> UsageError:
    meant = hints.nearest(step, known)
    if meant:
        return UsageError(f'{walked} has no field "{step}"', f"did you mean {walked}.{meant}?")
    everywhere = {path.rpartition(".")[2]: path for path in reversed(_paths(root, ROOTS[root]))}
    meant = hints.nearest(step, everywhere)
    if meant:
        return UsageError(f'{walked} has no field "{step}"', f"did you mean {everywhere[meant]}?")
    has = f"it has {', '.join(known)}" if known else f"`orchestr8 explain {walked}` says all of it"
    return UsageError(f'{walked} has no field "{step}"', has)


def _paths(path: str, block: type[Block]) -> list[str]:
    """Every path at and below a block, those above first."""
    found: list[str] = []
    for key, info in describe.keys_of(block).items():
        found.append(f"{path}.{key}")
        below = describe.block_of(info)
        if below:
            found += _paths(f"{path}.{key}", below)
    return found


def _root(step: str) -> str:
    """The root that a first step means: `services` is `service`, `owner` is of the manifest."""
    for root in (step, step.removesuffix("s")):
        if root in ROOTS:
            return root
    if step in describe.keys_of(ROOTS["manifest"]):
        return "manifest"
    everywhere = {
        path.rpartition(".")[2]: path for path in reversed(_paths("service", ROOTS["service"]))
    }
    meant = hints.nearest(step, [*ROOTS, *everywhere])
    known = f"did you mean {everywhere.get(meant, meant)}?"
    raise UsageError(f'there is no "{step}"', known if meant else "they are " + ", ".join(ROOTS))


def _block(root: str, block: type[Block]) -> Explanation:
    known = describe.keys_of(block)
    needed = describe.must_have(block)
    shown = needed or list(known)[:1]
    body = ", ".join(f"{key}: {describe.extra(known[key], 'x-example')}" for key in shown)
    wanted = ", ".join(needed)
    return Explanation(
        path=root,
        type="a mapping",
        default=f"{wanted} must be written" if wanted else "nothing must be written",
        effect=" ".join((block.__doc__ or "").split()).rstrip("."),
        example=body if root == "manifest" else f"{{{body}}}",
        children=_children(block),
    )


def _field(path: str, info: FieldInfo) -> Explanation:
    block = describe.block_of(info)
    return Explanation(
        path=path,
        type=type_words(describe.whole(info)),
        default=describe.extra(info, "x-default"),
        effect=info.description or "",
        example=f"{path.rpartition('.')[2]}: {describe.extra(info, 'x-example')}",
        children=_children(block) if block else (),
        change=describe.extra(info, "x-change"),
    )


def _children(block: type[Block]) -> tuple[tuple[str, str], ...]:
    return tuple((key, info.description or "") for key, info in describe.keys_of(block).items())


def type_words(annotation: Any) -> str:
    """A type as people say it: "a size", "a mapping from a path in the box to a size"."""
    reader = describe.reader_of(annotation)
    if reader:
        return reader.kind
    item = describe.item_of(annotation)
    if item is not None:
        key = describe.key_of(annotation)
        if key is None:
            return f"a list, each item {type_words(item)}"
        return f"a mapping from {type_words(key)} to {type_words(item)}"
    block = describe.block_of(annotation)
    if block and issubclass(block, Shorthand):
        short = describe.keys_of(block)[block.shorthand]
        return f"{type_words(describe.whole(short))}, or a mapping"
    return "a mapping"


def explain_relaxation(id_: str) -> RelaxationExplanation:
    """An entry of the catalogue; raises UsageError for an unknown one, with the nearest."""
    entry = RELAXATIONS.get(id_)
    if entry is None:
        meant = hints.nearest(id_, RELAXATIONS)
        remedy = f"did you mean {meant}?" if meant else "they are " + ", ".join(sorted(RELAXATIONS))
        raise UsageError(f'there is no relaxation "{id_}"', remedy)
    return RelaxationExplanation(
        id=entry.id,
        weakens=entry.weakens,
        why=entry.why,
        instead=entry.instead,
        field=entry.field,
        parameters=tuple(
            (parameter.name, parameter.kind.value, _default(parameter.default))
            for parameter in entry.parameters
        ),
        dangers=_dangers(entry),
        example=_example(entry),
    )


def _default(value: object) -> str:
    return "" if value is None else str(value)


def _example(entry: Relaxation) -> str:
    if entry.field:
        block = describe.keys_of(ROOTS["service"])
        info = block.get(entry.field.partition(" ")[0])
        example = describe.extra(info, "x-example") if info else ""
        return f"{entry.field.partition(' ')[0]}: {example}"
    return f"relax:\n  - {usage(entry)}\n    why: say it in a few words\n    until: 2027-02-28"


def _cases(entry: Relaxation) -> list[tuple[str, dict[str, Any]]]:
    """Arguments that together show every danger of an entry, and what to call each case."""
    kinds = {parameter.kind: parameter.name for parameter in entry.parameters}
    usual = {p.name: p.default or KINDS[p.kind].example for p in entry.parameters}
    if Kind.CAPABILITY in kinds:
        return [(name, {kinds[Kind.CAPABILITY]: name}) for name in CAPABILITIES]
    if Kind.SOURCE in kinds:
        name = kinds[Kind.SOURCE]
        return [
            ("a path of no meaning to the host", usual),
            ("a path that is as good as the host (/run, /etc, …)", {**usual, name: "/run"}),
        ]
    if Kind.DEVICE in kinds:
        name = kinds[Kind.DEVICE]
        return [
            ("a device with a purpose of its own", usual),
            ("the host's memory, disks or keyboards", {**usual, name: "/dev/mem"}),
        ]
    if entry.id == "net.publish":
        return [
            ("on 127.0.0.1, from port 1024 up", {"address": "127.0.0.1", "port": 8080}),
            ("anywhere else", {"address": "0.0.0.0", "port": 80}),
        ]
    if entry.id == "net.link":
        return [("one's own service", {}), ("another owner's", {"foreign": True})]
    return [("", usual)]


def _dangers(entry: Relaxation) -> tuple[tuple[str, str, str], ...]:
    """Each distinct danger with the cases that have it, with and without a user namespace."""
    grouped: dict[Assessment, list[str]] = {}
    for case, arguments in _cases(entry):
        inside, outside = entry.assess(arguments, True), entry.assess(arguments, False)
        if inside == outside:
            grouped.setdefault(inside, []).append(case)
        else:
            space = " " if case else ""
            grouped.setdefault(inside, []).append(f"{case}{space}with a user namespace")
            grouped.setdefault(outside, []).append(f"{case}{space}without a user namespace")
    return tuple(
        (", ".join(filter(None, cases)), assessment.danger.value, assessment.consent.value)
        for assessment, cases in grouped.items()
    )
