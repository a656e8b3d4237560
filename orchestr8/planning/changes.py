"""What differs, field by field, in the words of the manifest.

Only what an engine carries is compared: a guarantee that no control file holds is never seen, and
what is never seen cannot have drifted.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from orchestr8 import units
from orchestr8.boxes.desired import Desired, DesiredVolume
from orchestr8.boxes.spec import BoxSpec, FieldChange, differences
from orchestr8.boxes.world import ObservedVolume, World
from orchestr8.isolation import features as feature
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota

NONE = "(none)"
PAGE_BYTES = 4096
UNLIMITED = 1 << 62
TEXT_MOST = 56
_CONTENTS = ("file", "secret")
"""How the fields begin whose members are told by name alone."""


class _Number(Struct, frozen=True):
    """One number of a cgroup: its field, its name in the manifest, its unit, who carries it."""

    field: str
    name: str
    unit: str
    carried_by: str = ""


_LIMITS = (
    _Number("cpu_max_millicores", "limits.cpu.max", "cpu"),
    _Number("cpu_guarantee_millicores", "limits.cpu.guarantee", "cpu", feature.CPU_GUARANTEE),
    _Number("memory_max_bytes", "limits.memory.max", "size"),
    _Number("memory_guarantee_bytes", "limits.memory.guarantee", "size", feature.MEMORY_GUARANTEE),
    _Number("pids_max", "limits.pids", "count"),
    _Number("io_read_bytes", "limits.io.read", "byte rate", feature.IO),
    _Number("io_write_bytes", "limits.io.write", "byte rate", feature.IO),
    _Number("bandwidth_out_bits", "limits.bandwidth.out", "bit rate", feature.BANDWIDTH),
    _Number("bandwidth_in_bits", "limits.bandwidth.in", "bit rate", feature.BANDWIDTH),
)
_QUOTA = (
    _Number("cpu_millicores", "quota.cpu", "cpu"),
    _Number("memory_bytes", "quota.memory", "size"),
    _Number("pids", "quota.pids", "count"),
)


def limit_changes(wanted: Limits, seen: Limits, features: Features) -> tuple[FieldChange, ...]:
    """The limits that a running box should have and has not."""
    carried = (one for one in _LIMITS if not one.carried_by or features.has(one.carried_by))
    return _number_changes(tuple(carried), wanted, seen)


def quota_changes(wanted: Quota, seen: Quota) -> tuple[FieldChange, ...]:
    """The numbers of an owner's quota that its cgroup should carry and does not.

    Boxes are counted at admission, and bandwidth is no cgroup's number.
    """
    return _number_changes(_QUOTA, wanted, seen)


def quotas_that_wait(desired: Desired, world: World) -> dict[str, int]:
    """The owners whose boxes hold more memory than their new quota, and how much: a kernel refuses
    it, or ends somebody for it."""
    return {
        owner: held
        for owner, held in sorted(world.held_by_owners.items())
        if held > (desired.quotas[owner].memory_bytes or held)
    }


def volume_grows(wanted: DesiredVolume, seen: ObservedVolume) -> FieldChange | None:
    """The size of a volume that is there and should be larger. No volume becomes smaller, and one
    without a size keeps none."""
    if seen.size_bytes is None or (wanted.size_bytes or 0) <= seen.size_bytes:
        return None
    return FieldChange("size", _say(seen.size_bytes, "size"), _say(wanted.size_bytes, "size"))


def spec_changes(wanted: BoxSpec, carried: BoxSpec) -> tuple[FieldChange, ...]:
    """The fields that force a new box; of a list only what came and went.

    An interface that a link once needed is no reason for a new box: with no link left, the packet
    filter lets nothing through it. The next box has none.
    """
    found = (
        _narrow(change, wanted, carried)
        for change in differences(wanted, carried)
        if change.field != "networked" or wanted.networked
    )
    return tuple(FieldChange(one.field, _cut(one.before), _cut(one.after)) for one in found)


def _number_changes(
    numbers: tuple[_Number, ...], wanted: Limits | Quota, seen: Limits | Quota
) -> tuple[FieldChange, ...]:
    changes = []
    for one in numbers:
        before, after = getattr(seen, one.field), getattr(wanted, one.field)
        if before != after and _carried(before, one.unit) != _carried(after, one.unit):
            changes.append(FieldChange(one.name, _say(before, one.unit), _say(after, one.unit)))
    return tuple(changes)


def _carried(value: int | None, unit: str) -> int | None:
    """The value as a control file holds it: memory in whole pages, no maximum as none."""
    if value is None or value >= UNLIMITED:
        return None
    return value // PAGE_BYTES if unit == "size" else value


def _say(value: int | None, unit: str) -> str:
    if value is None or value >= UNLIMITED:
        return NONE
    match unit:
        case "cpu":
            return units.format_cpu(value)
        case "size":
            return units.format_size(value)
        case "byte rate":
            return f"{units.format_size(value)}/s"
        case "bit rate":
            return units.format_bit_rate(value)
        case _:
            return str(value)


def _narrow(change: FieldChange, wanted: BoxSpec, carried: BoxSpec) -> FieldChange:
    """A list's change as the members that went and those that came."""
    if change.field.startswith(_CONTENTS):
        return change
    of_spec = hasattr(wanted, change.field)
    holders = (carried, wanted) if of_spec else (carried.profile, wanted.profile)
    before, after = (getattr(holder, change.field) for holder in holders)
    if isinstance(before, bool):
        return FieldChange(change.field, _yes_or_no(before), _yes_or_no(after))
    if not isinstance(before, tuple) or change.field in ("entrypoint", "args"):
        return change
    went = tuple(member for member in before if member not in after)
    came = tuple(member for member in after if member not in before)
    if not went and not came:
        return change
    return FieldChange(change.field, _members(went), _members(came))


def _members(members: tuple[Any, ...]) -> str:
    return " ".join(_member(member) for member in members) or NONE


def _member(member: Any) -> str:
    if isinstance(member, str):
        return member
    parts = member if isinstance(member, tuple) else astuple(member)
    return "=".join(str(part) for part in parts[:2])


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def _cut(text: str) -> str:
    """A text that fits a line of the plan; line ends and the like are made visible."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return plain if len(plain) <= TEXT_MOST else plain[: TEXT_MOST - 1] + "…"
