"""Readers of relaxations: one catalogue id with typed arguments, and `why` and `until` beside it.

Everything about the entries comes from the catalogue; here is only how each kind of argument is
written. Arguments come out sorted by name with canonical values, so that equal requests are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from orchestr8.isolation.capabilities import CAPABILITIES
from orchestr8.isolation.relaxations import (
    ASKED_BY_NAME,
    RELAXATIONS,
    Kind,
    Parameter,
    Relaxation,
    Value,
)
from orchestr8.manifest import addresses, hints, paths, scalars
from orchestr8.manifest.reads import EMPTY, WrongError, WrongsError, sentence, shape_of
from orchestr8.manifest.wording import shortened

Arguments = tuple[tuple[str, Value], ...]


class Asked(Struct, frozen=True):
    """A relaxation as written; a service argument may still lack its owner."""

    id: str
    arguments: Arguments
    why: str = ""
    until: str = ""


def asked(value: Any) -> Asked:
    """One item of `relax`: `{id: arguments, why: …, until: …}`. Raises WrongsError."""
    if isinstance(value, str) and value:
        value = {value: EMPTY}
    if not isinstance(value, dict):
        raise WrongError(
            f"must be a relaxation, and is {shape_of(value)}", "write it as in cap.add: CHOWN"
        )
    flaws: list[WrongError] = []
    words = {
        "why": _read(value, "why", scalars.sentence_text, flaws),
        "until": _read(value, "until", scalars.until, flaws),
    }
    ids = [key for key in value if key not in words]
    entry = _entry(ids, flaws)
    arguments = _arguments(entry, value[entry.id], flaws) if entry else ()
    if flaws:
        raise WrongsError(tuple(flaws))
    assert entry is not None
    return Asked(entry.id, arguments, words["why"], words["until"])


def waived(value: Any) -> Asked:
    """The `relax` of a waiver: one id with its arguments alone."""
    if isinstance(value, dict):
        for key in ("why", "until"):
            if key in value:
                raise WrongError(
                    f'"{key}" belongs to the waiver itself', "write it beside `relax`", (key,), True
                )
    return asked(value)


def _read(
    value: dict[str, Any], key: str, read: Callable[[str], str], flaws: list[WrongError]
) -> str:
    if key not in value:
        return ""
    text = value[key]
    if not isinstance(text, str):
        what = "has no value" if text is EMPTY else f"must be text, and is {shape_of(text)}"
        usual = {"why": "say it in a few words", "until": "2027-02-28"}[key]
        flaws.append(WrongError(what, f"write {key}: {usual}", (key,)))
        return ""
    try:
        return read(text)
    except ValueError as error:
        flaw = sentence(error)
        flaws.append(WrongError(flaw.what, flaw.remedy, (key,)))
        return ""


def _entry(ids: list[str], flaws: list[WrongError]) -> Relaxation | None:
    known = [key for key in ids if key in ASKED_BY_NAME]
    for key in ids:
        if key not in known:
            flaws.append(_unknown(key, bool(known)))
    if not ids:
        flaws.append(
            WrongError("names no relaxation", "write one of " + ", ".join(sorted(ASKED_BY_NAME)))
        )
    for key in known[1:]:
        flaws.append(
            WrongError(
                f"{known[0]} and {key} in one item",
                "write each as an item of its own",
                (key,),
                True,
            )
        )
    return ASKED_BY_NAME[known[0]] if len(known) == 1 and len(ids) == 1 else None


def _unknown(key: str, beside_known: bool) -> WrongError:
    plain = RELAXATIONS.get(key)
    if plain:
        return WrongError(
            f"{key} is not written under `relax`",
            f"write the plain field `{plain.field.partition(' ')[0]}`, which implies it",
            (key,),
            True,
        )
    known = [*ASKED_BY_NAME, "why", "until"] if beside_known else list(ASKED_BY_NAME)
    meant = hints.nearest(key, known)
    remedy = f'did you mean "{meant}"?' if meant else "they are " + ", ".join(sorted(known))
    subject = "key" if beside_known else "relaxation"
    return WrongError(f'unknown {subject} "{shortened(key)}"', remedy, (key,), True)


def _arguments(entry: Relaxation, value: Any, flaws: list[WrongError]) -> Arguments:
    given = _by_name(entry, value, flaws)
    if given is None:
        return ()
    known = {parameter.name: parameter for parameter in entry.parameters}
    found: dict[str, Value] = {}
    misspelled: set[str] = set()
    for key, argument in given.items():
        if key not in known:
            meant = hints.nearest(key, known)
            misspelled.add(meant)
            flaws.append(
                WrongError(
                    f'has no argument "{shortened(key)}"',
                    f'did you mean "{meant}"?' if meant else _usage(entry),
                    (entry.id, key),
                    True,
                )
            )
            continue
        at = (entry.id, key) if isinstance(value, dict) else (entry.id,)
        argument_value = _argument(known[key], argument, at, flaws)
        if argument_value is not None:
            found[key] = argument_value
    lacking = []
    for parameter in entry.parameters:
        if parameter.name in given or parameter.name in misspelled:
            continue
        if parameter.default is None:
            lacking.append(f"`{parameter.name}`")
        else:
            found[parameter.name] = parameter.default
    if lacking:
        what = f"{entry.id} lacks {' and '.join(lacking)}"
        flaws.append(WrongError(what, _usage(entry), (entry.id,), True))
    return tuple(sorted(found.items()))


def _by_name(entry: Relaxation, value: Any, flaws: list[WrongError]) -> dict[str, Any] | None:
    """The arguments as a mapping; a bare value stands for the only parameter."""
    if value is EMPTY:
        return {}
    if isinstance(value, dict):
        return value
    if len(entry.parameters) == 1:
        return {entry.parameters[0].name: value}
    flaws.append(
        WrongError(f"must be a mapping, and is {shape_of(value)}", _usage(entry), (entry.id,))
    )
    return None


def usage(entry: Relaxation) -> str:
    """How an entry is written, with an example value for every parameter."""
    shown = [
        (parameter.name, KINDS[parameter.kind].example)
        for parameter in entry.parameters
        if parameter.default is None
    ]
    if not shown:
        return f"{entry.id}: {{}}"
    if len(entry.parameters) == 1:
        return f"{entry.id}: {shown[0][1]}"
    return f"{entry.id}: {{{', '.join(f'{name}: {example}' for name, example in shown)}}}"


def _usage(entry: Relaxation) -> str:
    return f"write it as in {usage(entry)}"


def _argument(
    parameter: Parameter, value: Any, at: tuple[str | int, ...], flaws: list[WrongError]
) -> Value | None:
    kind = KINDS[parameter.kind]
    if isinstance(value, list) and kind.many is None:
        flaws.append(
            WrongError(
                "is one value, not a list",
                "write each as an item of its own, with its own `why`",
                at,
            )
        )
        return None
    items = value if isinstance(value, list) else [value]
    before = len(flaws)
    read = [
        _item(parameter, item, (*at, index) if isinstance(value, list) else at, flaws)
        for index, item in enumerate(items)
    ]
    if len(flaws) > before:
        return None
    try:
        return kind.many(read) if kind.many else read[0]
    except ValueError as error:
        flaw = sentence(error)
        flaws.append(WrongError(flaw.what, flaw.remedy, at))
        return None


def _item(
    parameter: Parameter, value: Any, at: tuple[str | int, ...], flaws: list[WrongError]
) -> Any:
    kind = KINDS[parameter.kind]
    try:
        if not isinstance(value, str):
            raise ValueError(
                f"must be {parameter.kind.value.partition(',')[0]}, and is {shape_of(value)}; "
                f"write it as in {kind.example}"
            )
        return kind.read(value)
    except ValueError as error:
        flaw = sentence(error)
        flaws.append(WrongError(flaw.what, flaw.remedy, at))
        return None


def capability(text: str) -> str:
    """A capability's kernel name without CAP_."""
    if text in CAPABILITIES:
        return text
    plain = text.upper().replace("-", "_").removeprefix("CAP_")
    if plain == "ALL":
        raise ValueError("ALL is not granted to anyone; name the capabilities that are needed")
    if plain in CAPABILITIES:
        raise ValueError(f'"{text}" is spelled {plain} here; write {plain}')
    if "," in text or " " in text:
        raise ValueError(
            "is one capability a line; write each as an item of its own, with its own `why`"
        )
    meant = hints.nearest(plain, CAPABILITIES).upper()
    guess = f'did you mean "{meant}"?' if meant in CAPABILITIES else "as in CHOWN or NET_RAW"
    raise ValueError(f'"{shortened(text)}" is not a capability of the kernel; {guess}')


def uid_gid(text: str) -> str:
    """`uid:gid` in digits, neither of them 0 nor one with a meaning to the kernel."""
    uid, colon, gid = text.partition(":")
    if text in ("0", "00", "root"):
        raise ValueError(f"{text} is the root user; that is the relaxation user.root")
    if uid.isascii() and uid.isdigit() and not gid:
        raise ValueError(
            f'"{shortened(text)}" lacks its group; write uid:gid in digits, as in 999:999'
        )
    for number in (uid, gid) if colon else (uid,):
        if not (number.isascii() and number.isdigit()):
            raise ValueError(
                f'"{shortened(number)}" is not a number; names mean another thing in each '
                "image: write uid:gid in digits, as in 999:999"
            )
        if number == "0":
            raise ValueError("0 is the root user; that is the relaxation user.root")
        scalars.whole_number(1, 65_535)(number)
    return text


def access(text: str) -> str:
    """Letters of rwm in that order."""
    if not text or set(text) - set("rwm") or len(set(text)) != len(text):
        raise ValueError(f'"{shortened(text)}" is not made of r, w and m; as in rw')
    return "".join(letter for letter in "rwm" if letter in text)


def _ranges(read: list[Any]) -> tuple[str, ...]:
    if not read:
        raise ValueError("is an empty list; name a range, as in 198.51.100.0/24")
    if words := addresses.overlap(read):
        raise ValueError(f"{words}; keep one")
    return tuple(str(network) for network in sorted(read))


def _ports(read: list[Any]) -> tuple[int, ...]:
    if not read:
        raise ValueError("is an empty list; name the ports, as in [443]")
    return tuple(sorted(_once(read)))


def _names(read: list[Any]) -> tuple[str, ...]:
    if not read:
        raise ValueError("is an empty list; name the variables")
    return tuple(sorted(_once(read)))


def _once(read: list[Any]) -> list[Any]:
    seen: set[Any] = set()
    for item in read:
        if item in seen:
            raise ValueError(f"{item} is listed twice; keep one")
        seen.add(item)
    return read


def _service(text: str) -> str:
    service, owner = scalars.service_name(text)
    return f"{service}.{owner}" if owner else service


class Written(Struct, frozen=True):
    """How a kind of argument is written: the reader of one, the reader of a list, an example."""

    read: Callable[[str], Any]
    example: str
    many: Callable[[list[Any]], Value] | None = None


KINDS: dict[Kind, Written] = {
    Kind.CAPABILITY: Written(capability, "CHOWN"),
    Kind.UID_GID: Written(uid_gid, "999:999"),
    Kind.TARGET: Written(paths.target, "/srv/app"),
    Kind.SOURCE: Written(paths.host_source, "/srv/share"),
    Kind.DEVICE: Written(paths.device, "/dev/fuse"),
    Kind.ACCESS: Written(access, "rw"),
    Kind.MODE: Written(scalars.word("ro", "rw"), "ro"),
    Kind.CIDRS: Written(addresses.cidr, "198.51.100.0/24", _ranges),
    Kind.PORTS: Written(scalars.port, "[443]", _ports),
    Kind.SERVICE: Written(_service, "api.payments"),
    Kind.ENV_NAMES: Written(scalars.env_name, "[NODE_OPTIONS]", _names),
}
