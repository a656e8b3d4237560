"""What a change would refuse, if every other set were applied as it stands.

Nothing that runs is stopped by a rule that changes, or by a thing that is taken away; so whoever
does either learns here whose next apply it stops.
"""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.contract.grant import Circumstances, grant
from orchestr8.contract.losses import losses
from orchestr8.contract.model import Contracts
from orchestr8.errors import ManifestError, Problem, RefusedError
from orchestr8.manifest.model import Fleet


def looked_ahead(contracts: Contracts, fleet: Fleet, circumstances: Circumstances) -> Contracts:
    """The contracts with everything that the change would refuse others, if it is one."""
    applying = circumstances.applying
    refused = outlook(fleet, circumstances)
    lost = losses(circumstances.in_force, fleet, applying) if applying else ()
    if not (refused or lost):
        return contracts
    return replace(contracts, notes=(*contracts.notes, *refused), losses=lost)


def outlook(fleet: Fleet, circumstances: Circumstances) -> tuple[str, ...]:
    """A sentence for each refusal that the change brings, by set; nothing where no rule changes."""
    before = circumstances.in_force
    if fleet.platform == before.platform:
        return ()
    told = []
    for set_name in sorted(fleet.sets.keys() - {circumstances.applying}):
        earlier = _refused(before, set_name, circumstances)
        for problem in _refused(fleet, set_name, circumstances):
            if problem not in earlier:
                told.append(
                    f"the next apply of set {set_name} would be refused, and what runs of it runs "
                    f"on: {problem.place}: {problem.what}"
                )
    return tuple(told)


def _refused(fleet: Fleet, set_name: str, circumstances: Circumstances) -> tuple[Problem, ...]:
    """What is against an apply of a set that changes nothing."""
    try:
        grant(fleet, replace(circumstances, in_force=fleet, applying=set_name))
    except (ManifestError, RefusedError) as error:
        return error.problems
    return ()
