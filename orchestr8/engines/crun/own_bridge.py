"""The bridge of an installation, and the wires of boxes that live: whoever is cut off is seen."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from orchestr8.engines.crun import carried
from orchestr8.engines.crun.places import Places
from orchestr8.engines.crun.plugs import Plugs
from orchestr8.host import wires
from orchestr8.kernel import files


class OwnBridge(Struct, frozen=True):
    """Made by us, and looked at with each look at the network."""

    plugs: Plugs
    places: Places

    def make(self) -> None:
        """Make it, with its address."""
        self.plugs.make_bridge()

    def lacks(self) -> str:
        """Whether boxes are cut off, in words."""
        return wires.told(self.plugs.bridge, self._cut_off())

    def mend(self) -> None:
        """Put their wires back."""
        wires.put_on(self.plugs.bridge, self._cut_off())

    def _cut_off(self) -> frozenset[str]:
        """The wires of boxes that live and that carry nothing.

        Those that carry nothing are asked for first: a wire that is going with its box does so
        after that. And again, since a listing may miss what others change meanwhile.
        """
        idle = self.plugs.idle()
        return idle.intersection(self._living()) & self.plugs.idle() if idle else idle

    def _living(self) -> Iterator[str]:
        for box_id in self.places.box_ids():
            held = carried.read(self.places.box(box_id).record)
            first = held.process if held else None
            # A task that ends loses its namespaces first.
            if first and first.alive and files.identity(f"/proc/{first.pid}/ns/net"):
                yield self.plugs.name(box_id)
