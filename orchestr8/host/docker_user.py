"""Docker's chain for the rules of others: without a line of ours there, its own policy drops flows.

Docker sets the policy of its FORWARD chain to DROP and lets in only what it published itself. Our
table has decided before Docker's chains see a packet, so here our bridge's packets are let through,
but into it only what was translated or is an answer: if our table were gone, nothing would open.
"""

from __future__ import annotations

from orchestr8.errors import FeatureMissingError, RejectedError
from orchestr8.host import programs

_CHAIN = "DOCKER-USER"
_PACKAGE = "iptables"


def present(bridge: str, installation: str) -> bool | None:
    """Whether our lines are there; None where Docker has no such chain, or there is no iptables."""
    try:
        answer = programs.run(["iptables", "-w", "-S", _CHAIN], _PACKAGE)
    except FeatureMissingError:
        return None
    if answer.status != 0:
        return None
    lines = answer.output.splitlines()
    return all(_is_among(rule, lines) for rule in _rules(bridge, installation))


def ensure(bridge: str, installation: str) -> None:
    """Put our lines first, once each; nothing where Docker has no such chain."""
    if present(bridge, installation) is not False:
        return
    remove(bridge, installation)
    for rule in _rules(bridge, installation):
        answer = programs.run(["iptables", "-w", "-I", _CHAIN, *rule], _PACKAGE)
        if answer.status != 0:
            raise RejectedError(
                f"iptables: {answer.first_error}", "run as root, and look at `iptables -S`"
            )


def remove(bridge: str, installation: str) -> None:
    """Take our lines away; the absent is success."""
    if present(bridge, installation) is None:
        return
    for rule in _rules(bridge, installation):
        while programs.run(["iptables", "-w", "-D", _CHAIN, *rule], _PACKAGE).status == 0:
            pass


def _rules(bridge: str, installation: str) -> tuple[tuple[str, ...], ...]:
    comment = ("-m", "comment", "--comment", f"orchestr8-{installation}", "-j", "ACCEPT")
    return (
        ("-o", bridge, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED,DNAT", *comment),
        ("-i", bridge, *comment),
    )


def _is_among(rule: tuple[str, ...], lines: list[str]) -> bool:
    return f"-A {_CHAIN} {' '.join(rule)}" in lines
