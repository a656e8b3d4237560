"""What has changed, in a manifest's words: numbers in their units, lists by what came and went."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.spec import BoxSpec, FieldChange, SpecVolume
from orchestr8.isolation.features import everything
from orchestr8.isolation.limits import MIB, Limits, Quota
from orchestr8.planning.changes import (
    NONE,
    TEXT_MOST,
    UNLIMITED,
    limit_changes,
    quota_changes,
    spec_changes,
)

ALL = everything()
SPEC = BoxSpec("sha256:1", image="x:1")


@pytest.mark.parametrize(
    ("field", "before", "after", "name", "said"),
    [
        ("cpu_max_millicores", 500, 1_500, "limits.cpu.max", ("0.5", "1.5")),
        ("memory_max_bytes", 64 * MIB, 96 * MIB, "limits.memory.max", ("64MiB", "96MiB")),
        ("pids_max", 256, 300, "limits.pids", ("256", "300")),
        ("io_read_bytes", None, 50 * MIB, "limits.io.read", (NONE, "50MiB/s")),
        ("bandwidth_out_bits", 20_000_000, None, "limits.bandwidth.out", ("20Mbit/s", NONE)),
    ],
)
def test_a_limit_is_said_in_its_unit(
    field: str, before: int | None, after: int | None, name: str, said: tuple[str, str]
) -> None:
    seen, wanted = (replace(Limits(), **{field: value}) for value in (before, after))
    assert limit_changes(wanted, seen, ALL) == (FieldChange(name, *said),)
    assert limit_changes(seen, seen, ALL) == ()


def test_memory_counts_in_pages_and_no_maximum_is_none() -> None:
    wanted = Limits(memory_max_bytes=64 * MIB)
    assert limit_changes(wanted, replace(wanted, memory_max_bytes=64 * MIB + 4_095), ALL) == ()
    assert limit_changes(wanted, replace(wanted, memory_max_bytes=64 * MIB + 4_096), ALL)
    assert quota_changes(Quota(), Quota(memory_bytes=UNLIMITED, pids=UNLIMITED)) == ()
    assert quota_changes(Quota(pids=9), Quota(pids=UNLIMITED)) == (
        FieldChange("quota.pids", NONE, "9"),
    )


def test_of_a_list_only_what_came_and_went_is_told() -> None:
    env = replace(SPEC, env=(("A", "1"), ("B", "2")))
    assert spec_changes(replace(env, env=(("B", "2"), ("C", "3"))), env) == (
        FieldChange("env", "A=1", "C=3"),
    )
    mounted = replace(SPEC, volumes=(SpecVolume("/data", "rows", owner_uid=7),))
    assert spec_changes(mounted, SPEC) == (FieldChange("volumes", NONE, "/data=rows"),)
    profile = replace(SPEC.profile, capabilities=("CAP_KILL",))
    assert spec_changes(replace(SPEC, profile=profile), SPEC) == (
        FieldChange("capabilities", NONE, "CAP_KILL"),
    )


def test_arguments_are_told_whole_and_a_new_order_too() -> None:
    ordered = replace(SPEC, env=(("A", "1"), ("B", "2")))
    (change,) = spec_changes(replace(ordered, env=(("B", "2"), ("A", "1"))), ordered)
    assert change.before != change.after != NONE
    (change,) = spec_changes(replace(SPEC, args=("a", "b")), replace(SPEC, args=("a",)))
    assert "a" in change.before and "b" in change.after and "a" in change.after


def test_a_long_text_is_cut_to_a_line() -> None:
    (change,) = spec_changes(
        replace(SPEC, workdir="/" + "b" * TEXT_MOST), replace(SPEC, workdir="/" + "a" * 55)
    )
    assert change.before == "/" + "a" * 55 and len(change.before) == TEXT_MOST
    assert len(change.after) == TEXT_MOST
    assert change.after == "/" + "b" * 54 + "…"
