"""Limits that nobody wrote: the usual maxima, and never less than what is guaranteed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.contract.usual import limits_of
from orchestr8.isolation.limits import MIB, Limits, LimitsAsked
from orchestr8.isolation.strict import STRICT_1
from orchestr8.manifest.model import Service
from orchestr8.names import ServiceName

WEB = ServiceName("me", "web")
USUAL = STRICT_1.limits


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (LimitsAsked(), USUAL),
        (
            LimitsAsked(dedicated_cores=2),
            replace(
                USUAL, cpu_max_millicores=2000, cpu_guarantee_millicores=2000, dedicated_cores=2
            ),
        ),
        (LimitsAsked(pids_max=7), replace(USUAL, pids_max=7)),
        (
            LimitsAsked(cpu_guarantee_millicores=100),
            replace(USUAL, cpu_guarantee_millicores=100),
        ),
        (
            LimitsAsked(cpu_guarantee_millicores=900),
            replace(USUAL, cpu_max_millicores=900, cpu_guarantee_millicores=900),
        ),
        (
            LimitsAsked(memory_guarantee_bytes=MIB),
            replace(USUAL, memory_guarantee_bytes=MIB),
        ),
        (
            LimitsAsked(memory_guarantee_bytes=200 * MIB),
            replace(USUAL, memory_max_bytes=200 * MIB, memory_guarantee_bytes=200 * MIB),
        ),
        (
            LimitsAsked(memory_max_bytes=64 * MIB, memory_guarantee_bytes=200 * MIB),
            replace(USUAL, memory_max_bytes=64 * MIB, memory_guarantee_bytes=200 * MIB),
        ),
    ],
)
def test_what_is_not_written_is_usual(asked: LimitsAsked, granted: Limits) -> None:
    assert limits_of(Service(WEB, "web:1", limits=asked), {WEB: 1}) == granted
