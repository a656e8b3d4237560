"""What is declared of each service, drawn from its contract when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from orchestr8.boxes.desired import DesiredService
from orchestr8.contract.model import Contract
from orchestr8.names import ServiceName


class Declarations(Mapping[ServiceName, DesiredService]):
    """A mapping that keeps what it was asked for.

    Of a large fleet all declarations together are more than a processor has near, and a plan looks
    at most of them once; see `passing`.
    """

    def __init__(
        self,
        contracts: Mapping[ServiceName, Contract],
        draw: Callable[[Contract], DesiredService],
    ) -> None:
        self._contracts = contracts
        self._draw = draw
        self._kept: dict[ServiceName, DesiredService] = {}

    def __getitem__(self, name: ServiceName) -> DesiredService:
        found = self._kept.get(name)
        if found is None:
            found = self._kept[name] = self._draw(self._contracts[name])
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._contracts

    def __iter__(self) -> Iterator[ServiceName]:
        return iter(self._contracts)

    def __len__(self) -> int:
        return len(self._contracts)

    def passing(self) -> Iterator[DesiredService]:
        """Each once, in order; what is drawn for this alone is not kept."""
        contracts = self._contracts
        if not self._kept:
            return map(self._draw, contracts.values())
        kept = self._kept.get
        return (kept(name) or self._draw(contract) for name, contract in contracts.items())


def passing(services: Mapping[ServiceName, DesiredService]) -> Iterator[DesiredService]:
    """Each of these services once, for who needs none of them afterwards."""
    return services.passing() if isinstance(services, Declarations) else iter(services.values())
