"""The one table: its rules as text, the transactions on it, and what a listing of it says. Pure.

The rules never grow with the boxes; only sets and maps do. An accept here still has to pass the
chains of others, a drop is final. Every packet of a flow between boxes, and of one to the outside,
is compared with the sets, not only the first: a link that is taken away is closed at once, for
connections that are open as well. Only who is no longer served by any route (it drains) may finish.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from orchestr8.host import elements
from orchestr8.host.elements import Content

Part = Mapping[str, Any]

PREFIX = "orchestr8_"
"""What the names of all installations' tables begin with."""

_TYPES = {
    elements.LINKS: "type ipv4_addr . ipv4_addr . inet_service;",
    elements.SERVED: "type ipv4_addr . inet_service;",
    elements.SHOWN: "type ipv4_addr . inet_service;",
    elements.OUT: "type ipv4_addr . ipv4_addr . inet_service; flags interval;",
    elements.OUT_NAMED: "type ipv4_addr . ipv4_addr . inet_service; flags interval;",
    elements.OUT_COVERED: "type ipv4_addr . ipv4_addr . ipv4_addr . inet_service;",
    elements.ROUTES: "type ipv4_addr . inet_service : verdict;",
    elements.DOORS: "type ipv4_addr . inet_service : verdict;",
    elements.DOORS_ANY: "type inet_service : verdict;",
    elements.TURNS: "typeof ip daddr . tcp dport . numgen random mod 2 : ip daddr . tcp dport;",
    elements.TURNS_ANY: "typeof tcp dport . numgen random mod 2 : ip daddr . tcp dport;",
}

# Before Docker's chains (-100, 0, 100), so that our verdict comes first and our translation wins.
_CHAINS = """
chain guard {
  type filter hook prerouting priority -300; policy accept;
  iifname != "{bridge}" accept
  meta nfproto ipv6 drop
  ip daddr 127.0.0.0/8 drop
  ip saddr != {subnet} drop
}
chain arriving {
  type nat hook prerouting priority -110; policy accept;
  iifname "{bridge}" ip daddr . tcp dport vmap @routes
  iifname "{bridge}" accept
  ip daddr 127.0.0.0/8 accept
  fib daddr type local ip daddr . tcp dport vmap @doors
  fib daddr type local tcp dport vmap @doors_any
}
chain calling {
  type nat hook output priority -110; policy accept;
  fib daddr type local ip daddr . tcp dport vmap @doors
  fib daddr type local tcp dport vmap @doors_any
}
chain leaving {
  type nat hook postrouting priority 90; policy accept;
  oifname "{bridge}" ip saddr 127.0.0.0/8 masquerade
  oifname != "lo" oifname != "{bridge}" ip saddr {subnet} masquerade
}
chain passing {
  type filter hook forward priority -10; policy accept;
  iifname "{bridge}" oifname "{bridge}" goto between
  iifname "{bridge}" goto outward
  oifname "{bridge}" goto inward
}
chain between {
  meta nfproto ipv6 drop
  ip saddr . ip daddr . tcp dport @links accept
  ct state established ct direction reply ip daddr . ip saddr . tcp sport @links accept
  ct state established ct direction original ip daddr . tcp dport != @served accept
  ct state established ct direction reply ip saddr . tcp sport != @served accept
  ct state related meta l4proto icmp accept
  drop
}
chain outward {
  meta nfproto ipv6 drop
  ip daddr {service_range} meta l4proto tcp reject with tcp reset
  ip daddr {service_range} drop
  meta l4proto { tcp, udp } ip saddr . ip daddr . th dport @out_named accept
  ct state established ct direction reply ct status dnat accept
  ct state related meta l4proto icmp accept
  ip daddr @private drop
  meta l4proto { tcp, udp } ip saddr . ip daddr . th dport @out accept
  drop
}
chain inward {
  meta nfproto ipv6 drop
  ct state established ct direction original ct status dnat accept
  ct status dnat ip daddr . tcp dport @shown accept
  ct state established ct direction reply meta l4proto { tcp, udp } goto answered
  ct state related meta l4proto icmp accept
  drop
}
chain answered {
  ip daddr . ip saddr . th sport @out_named accept
  ip saddr @private drop
  ip daddr . ip saddr . th sport @out accept
  drop
}
chain receiving {
  type filter hook input priority -10; policy accept;
  iifname != "{bridge}" accept
  meta nfproto ipv6 drop
  ct state established ct direction reply accept
  ct state related meta l4proto icmp accept
  drop
}
chain sending {
  type filter hook output priority -10; policy accept;
  oifname != "{bridge}" accept
  meta nfproto ipv6 drop
  meta l4proto icmp icmp type redirect drop
  ct state related accept
  drop
}
"""


class Layout(Struct, frozen=True):
    """The rules of one installation's table on one bridge."""

    installation: str
    bridge: str
    subnet: str
    service_range: str

    @property
    def table(self) -> str:
        """The table's name: two installations never touch each other's."""
        return f"{PREFIX}{self.installation}"

    @property
    def rules(self) -> str:
        """Sets, maps and chains without any element."""
        parts = [
            *(f"set {name} {{ {_TYPES[name]} }}" for name in elements.SETS),
            *(f"map {name} {{ {_TYPES[name]} }}" for name in elements.MAPS),
            "set private { type ipv4_addr; flags interval; elements = { "
            + ", ".join(map(str, elements.PRIVATE))
            + " } }",
        ]
        chains = _CHAINS
        for word, value in (
            ("bridge", self.bridge),
            ("subnet", self.subnet),
            ("service_range", self.service_range),
        ):
            chains = chains.replace(f"{{{word}}}", value)
        return "\n".join(parts) + chains


def build(layout: Layout, wanted: Content) -> str:
    """One transaction that makes the table afresh with this content, whatever was there.

    There is no moment without it: the old table goes and the new one comes in the same commit.
    """
    name = f"inet {layout.table}"
    lines = [f"add table {name}", f"delete table {name}", f"table {name} {{", layout.rules, "}"]
    return "\n".join([*lines, change(layout, {}, wanted)])


def change(layout: Layout, held: Content, wanted: Content) -> str:
    """One transaction from what is held to what is wanted; empty where they are equal."""
    lines: list[str] = []
    for name in (*elements.SETS, *elements.MAPS):
        before, after = held.get(name, {}), wanted.get(name, {})
        gone = [text for text, value in before.items() if after.get(text) != value]
        fresh = [text for text, value in after.items() if before.get(text) != value]
        if gone:
            lines.append(_line("delete", layout, name, gone))
        if fresh:
            values = (f"{text} : {after[text]}" if after[text] else text for text in fresh)
            lines.append(_line("add", layout, name, values))
            lines[:0] = _spread_chains(layout, {after[text] for text in fresh})
    return "\n".join(lines)


def change_links(layout: Layout, added: Content, removed: Content) -> str:
    """The commands that open and close links, whatever is there: to add what is there is no error,
    and what was added for it can be deleted."""
    gone, fresh = removed[elements.LINKS], added[elements.LINKS]
    lines = []
    if gone:
        lines += [_line(verb, layout, elements.LINKS, gone) for verb in ("add", "delete")]
    if fresh:
        lines.append(_line("add", layout, elements.LINKS, fresh))
    return "\n".join(lines)


def mark(layout: Layout, parts: Iterable[Part]) -> str:
    """The command that writes down, in the table itself, that its rules are complete as they are.

    Kept as the name of an empty chain, which every version of nft can list. Observing compares the
    rules with it, so a rule that somebody changed by hand is seen.
    """
    return f"add chain inet {layout.table} {_mark(layout, parts)}"


def intact(layout: Layout, parts: Iterable[Part]) -> bool:
    """Whether the table has the rules of this layout, unchanged since they were made."""
    parts = list(parts)
    chains: set[str] = {part["chain"]["name"] for part in parts if "chain" in part}
    dealing: list[str] = [part["rule"]["chain"] for part in parts if "rule" in part]
    spread = {name for name in chains if name.startswith("spread_") and not name.endswith("_0")}
    whole = all(dealing.count(name) == 1 for name in spread)
    return whole and _mark(layout, parts) in chains


def held(parts: Iterable[Part]) -> dict[str, dict[str, str]]:
    """What the sets and maps of a listing hold, in the words of `elements.content`."""
    found: dict[str, dict[str, str]] = {name: {} for name in (*elements.SETS, *elements.MAPS)}
    for part in parts:
        described = part.get("set") or part.get("map")
        if not described or described["name"] not in found:
            continue
        for element in described.get("elem", ()):
            match element:
                case [left, right]:
                    found[described["name"]][_text(left)] = _text(right)
                case _:
                    found[described["name"]][_text(element)] = ""
    return found


def _line(verb: str, layout: Layout, name: str, texts: Iterable[str]) -> str:
    return f"{verb} element inet {layout.table} {name} {{ {', '.join(texts)} }}"


def _spread_chains(layout: Layout, values: set[str]) -> list[str]:
    """The chains that these verdicts lead to; a number of boxes not met before needs a new one."""
    lines = []
    for value in sorted(values):
        if not value.startswith("goto "):
            continue
        chain, count = value.removeprefix("goto "), int(value.rpartition("_")[2])
        any_address = chain == elements.spread_chain(count, any_address=True)
        place = "tcp dport" if any_address else "ip daddr . tcp dport"
        turns = elements.TURNS_ANY if any_address else elements.TURNS
        where = f"inet {layout.table} {chain}"
        lines += [f"add chain {where}", f"flush chain {where}"]
        if count:
            lines.append(
                f"add rule {where} dnat ip addr . port to "
                f"{place} . numgen random mod {count} map @{turns}"
            )
    return lines


def _mark(layout: Layout, parts: Iterable[Part]) -> str:
    rules = [_steady(part) for part in parts if _is_fixed(part)]
    seen = hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()
    meant = hashlib.sha256(layout.rules.encode()).hexdigest()
    return f"layout_{meant[:12]}_{seen[:12]}"


def _is_fixed(part: Part) -> bool:
    """Whether a part belongs to the layout, and not to what is changed from hour to hour."""
    name = str(part.get("chain", {}).get("name") or part.get("rule", {}).get("chain") or "")
    if "chain" in part or "rule" in part:
        return not name.startswith(("spread_", "layout_"))
    return bool(part.get("set", {}).get("name") == "private")


def _steady(value: Any) -> Any:
    """A part without what differs from listing to listing: handles, and the order of a set."""
    if isinstance(value, dict):
        return {
            name: sorted(map(_steady, inner), key=repr)
            if name in ("set", "elem") and isinstance(inner, list)
            else _steady(inner)
            for name, inner in value.items()
            if name not in ("handle", "index")
        }
    return [_steady(inner) for inner in value] if isinstance(value, list) else value


def _text(value: Any) -> str:
    """One JSON value of an element as nft writes it in its own language."""
    match value:
        case {"concat": list(inner)}:
            return " . ".join(map(_text, inner))
        case {"prefix": {"addr": addr, "len": length}}:
            return f"{addr}/{length}"
        case {"goto": {"target": target}}:
            return f"goto {target}"
        case {"elem": {"val": inner}}:
            return _text(inner)
        case _:
            return str(value)
