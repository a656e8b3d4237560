"""`top`: what owners and boxes use now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import Output, OutputAs, ServiceNames

if TYPE_CHECKING:
    from orchestr8.boxes.use import Use
    from orchestr8.controller.top import BoxRow, OwnerRow, Rates

SECONDS = 0.5
"""Between the two looks from which rates are told."""
HEAD = ["BOX", "OWNER", "CPU", "MEMORY", "PRESSURE", "PIDS", "NETWORK IN", "OUT", "RESTARTS"]

Once = Annotated[
    bool,
    typer.Option("--once", help="Print one moment and end, as without a terminal.",
                 show_default=False),
]  # fmt: skip


def run(services: ServiceNames = None, once: Once = False, output: OutputAs = Output.TEXT) -> int:
    """Show what owners and their boxes use: cpu, memory, pressure, processes, network, restarts.

    A number after a slash is the limit, or for an owner the quota. PRESSURE is the share of the
    last ten seconds in which some task waited for what it names; `-` where the kernel does not
    count it by box. On a terminal it goes on until Ctrl-C.
    """
    from orchestr8.cli.asking import is_asked
    from orchestr8.cli.terminal import here, say

    if not once and output is Output.TEXT and here().is_live and not is_asked():
        from orchestr8.cli.live_top import show

        return show(services or ())
    from orchestr8.cli.opening import of_yours, opened_fleet
    from orchestr8.controller.meant import require_services
    from orchestr8.controller.top import top

    with opened_fleet() as session:
        owners = top(session, require_services(session, services or ()), SECONDS)
        whose = of_yours(session)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("top", seconds=SECONDS, owners=[_as_json(one) for one in owners])
        return 0
    for line in _lines(owners) if owners else (f"no box{whose} runs.",):
        say(line)
    return 0


def _lines(owners: Sequence[OwnerRow]) -> list[str]:
    """The table, and below it who is held to less than its maximum, and why, and who has cores for
    itself."""
    from orchestr8.cli.terminal import count, escaped, table
    from orchestr8.names import slot_name
    from orchestr8.planning.wording import on_cores
    from orchestr8.units import format_cpu, rounded_size

    rows, held = [HEAD], []
    for owner in owners:
        quota = owner.quota
        first = [f"({count(len(owner.boxes), 'box', 'boxes')})", owner.owner]
        cpu = _of(_cpu(owner.rates), quota.cpu_millicores and format_cpu(quota.cpu_millicores))
        memory = quota.memory_bytes and rounded_size(quota.memory_bytes)
        rows.append(
            [*first, cpu, _of(rounded_size(owner.use.memory_bytes), memory),
             *_rest(owner.use, owner.rates, quota.pids, owner.restarts)]
        )  # fmt: skip
        for box in owner.boxes:
            rows.append(_row(box, owner.owner))
            if box.ceiling:
                name = slot_name(box.slot, box.id.service_name)
                size = rounded_size(box.ceiling.memory_bytes)
                held.append(f"{name} is held to {size} of memory: {escaped(box.ceiling.cause)}")
            if box.is_alone:
                name = slot_name(box.slot, box.id.service_name)
                held.append(f"{name} is {on_cores(box.cores, is_own=True)}")
    return [*table(rows), *([""] if held else []), *held]


def _row(box: BoxRow, owner: str) -> list[str]:
    from orchestr8.names import slot_name
    from orchestr8.units import format_cpu, rounded_size

    limits = box.limits
    return [
        slot_name(box.slot, box.id.service_name),
        owner,
        _of(_cpu(box.rates), format_cpu(limits.cpu_max_millicores)),
        _of(rounded_size(box.use.memory_bytes), rounded_size(limits.memory_max_bytes)),
        *_rest(box.use, box.rates, limits.pids_max, box.restarts),
    ]


def _rest(use: Use, rates: Rates, pids_most: int | None, restarts: int) -> list[str]:
    pressed = [f"{name} {share:.0f}%" for name, share in use.pressure.items() if share >= 1]
    return [
        " ".join(pressed) or ("0%" if use.pressure else "-"),
        _of(str(use.pids), pids_most and str(pids_most)),
        _rate(rates.received_bytes),
        _rate(rates.sent_bytes),
        str(restarts),
    ]


def _of(used: str, most: str | int | None) -> str:
    return f"{used}/{most}" if most else used


def _cpu(rates: Rates) -> str:
    return f"{rates.cpu_millicores / 1000:.2f}"


def _rate(amount: int | None) -> str:
    from orchestr8.units import rounded_size

    return "-" if amount is None else f"{rounded_size(amount)}/s"


def _as_json(owner: OwnerRow) -> dict[str, object]:
    return {
        "owner": owner.owner,
        "use": owner.use,
        "rates": owner.rates,
        "quota": owner.quota,
        "restarts": owner.restarts,
        "boxes": [
            {
                "id": box.id,
                "service": box.id.service_name,
                "slot": box.slot,
                "use": box.use,
                "rates": box.rates,
                "limits": box.limits,
                "restarts": box.restarts,
                "ceiling": box.ceiling,
                "cores": box.cores,
                "cores_alone": box.is_alone,
            }
            for box in owner.boxes
        ],
    }
