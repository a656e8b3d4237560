"""The host's own filter of forwarded packets, where it drops what nobody lets through.

Docker sets the policy of the FORWARD chain to DROP and lets in only what it published itself; ufw
sets it too. Our table has decided before that chain sees a packet, so here our bridge's packets are
let through, but into it only what was translated or is an answer: if our table were gone, nothing
would open. The lines stand in the chain that Docker keeps for the rules of others; where there is
none, in FORWARD itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestr8.errors import FeatureMissingError, RejectedError
from orchestr8.host import nft_generation, programs

_FOR_OTHERS = "DOCKER-USER"
_FORWARD = "FORWARD"
_PACKAGE = "iptables"


def lets_through(bridge: str, installation: str) -> bool:
    """Whether nothing in the host's filter stands in the way of our bridge."""
    chain, lines = _chain_to_tell()
    return not chain or all(
        f"-A {chain} {' '.join(rule)}" in lines for rule in _rules(bridge, installation)
    )


class Remembered:
    """The same of one bridge time and again: asked anew once the packet filter has changed."""

    def __init__(self, bridge: str, installation: str) -> None:
        self._bridge = bridge
        self._installation = installation
        self._good_at: int | None = None

    def lets_through(self) -> bool:
        """Whether nothing in the host's filter stands in the way."""
        at = nft_generation.of_all_rules()
        if at is not None and at == self._good_at:
            return True
        is_good = lets_through(self._bridge, self._installation)
        self._good_at = at if is_good else None
        return is_good


def closed_to(bridges: Iterable[str]) -> tuple[str, ...]:
    """Those of these bridges for which nobody has a line where the host drops what it forwards."""
    chain, lines = _chain_to_tell()
    if not chain:
        return ()
    told = {word for line in lines for word in line.split()}
    return tuple(bridge for bridge in bridges if bridge not in told)


def ensure(bridge: str, installation: str) -> None:
    """Put our lines first, once each; nothing where the host drops nothing."""
    if lets_through(bridge, installation):
        return
    remove(bridge, installation)
    chain, _ = _chain_to_tell()
    for rule in _rules(bridge, installation):
        answer = programs.run(["iptables", "-w", "-I", chain, *rule], _PACKAGE)
        if answer.status != 0:
            raise RejectedError(
                f"iptables: {answer.first_error}", "run as root, and look at `iptables -S`"
            )


def remove(bridge: str, installation: str) -> None:
    """Take our lines away, wherever they stand; the absent is success."""
    for chain in (_FOR_OTHERS, _FORWARD):
        lines = _listed(chain)
        for rule in _rules(bridge, installation):
            for _ in range(lines.count(f"-A {chain} {' '.join(rule)}")):
                programs.run(["iptables", "-w", "-D", chain, *rule], _PACKAGE)


def _chain_to_tell() -> tuple[str, list[str]]:
    """The chain that needs our lines, with what it holds; empty where none does."""
    lines = _listed(_FOR_OTHERS)
    if lines:
        return _FOR_OTHERS, lines
    lines = _listed(_FORWARD)
    if lines and lines[0] != f"-P {_FORWARD} ACCEPT":
        return _FORWARD, lines
    return "", []


def _listed(chain: str) -> list[str]:
    """The lines of a chain; none where there is no such chain, or no iptables at all."""
    try:
        answer = programs.run(["iptables", "-w", "-S", chain], _PACKAGE)
    except FeatureMissingError:
        return []
    return answer.output.splitlines() if answer.status == 0 else []


def _rules(bridge: str, installation: str) -> tuple[tuple[str, ...], ...]:
    comment = ("-m", "comment", "--comment", f"orchestr8-{installation}", "-j", "ACCEPT")
    return (
        ("-o", bridge, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED,DNAT", *comment),
        ("-i", bridge, *comment),
    )
