"""Who calls whom, on which port: drawn from what a service is told, since Compose does not say.

A Compose network lets everybody call everybody. Here each call is a line, so names of services are
looked for where programs are told them: variables, arguments, files; then in `depends_on`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from orchestr8.importing import known
from orchestr8.importing.canonical import entries, text
from orchestr8.importing.draft import Line
from orchestr8.importing.model import Absent
from orchestr8.importing.network import joined
from orchestr8.importing.service import Carried
from orchestr8.importing.upkeep import health_port
from orchestr8.manifest.foreign import Mapping

_HOST_VARIABLE = re.compile(
    r"(?i)HOST|SERVER|ADDR|ENDPOINT|UPSTREAM|PEER|BROKER|RELAY|PROXY|NODES?$|URL|URI|SERVICE"
)
_OWN_PORT = re.compile(r"\s--port[= ]([1-9][0-9]{1,4})(?![0-9])")
_FILE_BYTES_LOOKED_AT = 256 << 10
_DEFAULT_NETWORK = "default"


class _Peer(Struct, frozen=True):
    """A service that may be called, and every name under which the caller knows it."""

    service: Carried
    names: tuple[str, ...]

    def pattern(self) -> re.Pattern[str]:
        """Any of its names as a host, and what stands around it."""
        either = "|".join(re.escape(name) for name in self.names)
        return re.compile(
            rf"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/\s\"']*@)?(?![^/\s\"']*@)"
            rf"|(?P<option>(?:-h|--host(?:name)?)[= ]|\b(?i:host|server)=))?"
            rf"(?P<name>{either})(?![A-Za-z0-9_-]|\.[A-Za-z0-9])"
            rf"(?::(?P<port>[0-9]{{2,5}})(?![0-9])"
            rf"|[\s;]+(?:-p|--port|(?i:port))[= ](?P<its_port>[0-9]{{2,5}}))?"
        )


def connect(services: Sequence[Carried]) -> None:
    """Gives every service the lines for what it calls."""
    for caller in services:
        peers = [
            _Peer(peer, _names(caller, peer))
            for peer in services
            if peer is not caller and _meet(caller, peer)
        ]
        for peer in peers:
            _call(caller, peer, services)
        # A name with a dot is what it is called from elsewhere: in its own mouth it stays.
        own = tuple(name for name in _names(caller, caller) if "." not in name)
        _rename(caller, _Peer(caller, own))
        _wait(caller, services)


def _names(caller: Carried, peer: Carried) -> tuple[str, ...]:
    found = {peer.key, peer.draft.name, peer.text("container_name"), peer.text("hostname")}
    for entry in peer.entries("networks").values():
        aliases = entry.value.get("aliases") if isinstance(entry.value, Mapping) else None
        found |= {text(item) for item in getattr(aliases, "items", ())}
    for item in caller.items("links"):
        name, _, alias = text(item).partition(":")
        if name == peer.key and alias:
            found.add(alias)
    return tuple(sorted(found - {""}, key=lambda name: (-len(name), name)))


def _meet(caller: Carried, peer: Carried) -> bool:
    """Whether Compose has both in one network."""
    return bool(_networks(caller) & _networks(peer))


def _networks(service: Carried) -> set[str]:
    peer = joined(service)
    if service.text("network_mode") and not peer:
        return set()
    if peer:
        found = service.whole.document.services.get(peer)
        names = set(entries(found.get("networks"))) if found else set()
    else:
        names = set(service.entries("networks"))
    return names or {_DEFAULT_NETWORK}


def _call(caller: Carried, peer: _Peer, services: Sequence[Carried]) -> None:
    ports, is_named = _ports_told(caller, peer)
    to = peer.service
    waits = to.key in caller.entries("depends_on") or _is_linked(caller, to)
    if to.draft.lines.get("run") and not ports:
        return
    if not ports and (is_named or waits):
        ports = listening(to)
        if not ports:
            name = to.draft.name
            what = f"{'calls' if is_named else 'waits for'} {name}, on a port that no line names"
            nearest = f"connects: [{name}:PORT], if it calls it"
            caller.must("depends_on" if waits else "environment", what, nearest)
    for port in sorted(ports):
        _add(caller, f"{to.draft.name}:{port}", services)
    _rename(caller, peer)


def _is_linked(caller: Carried, peer: Carried) -> bool:
    return any(text(item).partition(":")[0] == peer.key for item in caller.items("links"))


def _add(caller: Carried, link: str, services: Sequence[Carried]) -> None:
    """A line for a call; who is in another's network calls from there."""
    host = joined(caller)
    holder = next((one for one in services if one.key == host), caller)
    if link.partition(":")[0] == holder.draft.name:
        return
    holder.draft.append("connects", link)
    if holder is caller:
        holder.draft.comment("connects", "drawn from what it is told")
    else:
        holder.draft.comment("connects", f"for {caller.draft.name}, too, which is in its network")


def listening(service: Carried) -> set[int]:
    """The ports on which a service may be called, as far as anything says so."""
    words = " ".join(("", *service.draft.lines.get("args", Line([])).value))
    told = _OWN_PORT.search(words)
    found = {int(told[1])} if told else set(known.ports_of(service.text("image"))[:1])
    if found:
        return found
    for item in service.items("expose"):
        first = text(item).partition("/")[0]
        if first.isdigit():
            found.add(int(first))
    for item in service.items("ports"):
        is_tcp = isinstance(item, Mapping) and text(item.get("protocol")) in ("", "tcp")
        target = text(item.get("target")) if isinstance(item, Mapping) else ""
        if is_tcp and target.isdigit():
            found.add(int(target))
    checked = health_port(service)
    return found or ({checked} if checked else set())


def _ports_told(caller: Carried, peer: _Peer) -> tuple[set[int], bool]:
    """The ports on which what the caller is told calls the peer, and whether it is named as a host
    without one."""
    pattern, ports, is_named = peer.pattern(), set[int](), False
    told = [*_told(caller)]
    for name, value in (*told, *_contents(caller)):
        for match in _calls(pattern, value):
            number = _port(match)
            ports |= {number} if number else set()
            is_named |= not number
        if _is_host(name, value, peer.names):
            beside = _port_beside(name, dict(told))
            ports |= {beside} if beside else set()
            is_named = True
    return ports, is_named and not ports


def _is_host(name: str, value: str, names: tuple[str, ...]) -> bool:
    """Whether a variable says a host, and it is one of these names."""
    if not _HOST_VARIABLE.search(name):
        return False
    return bool({value, *re.split(r"[\s,;]+", value)} & set(names))


def _calls(pattern: re.Pattern[str], value: str) -> Iterator[re.Match[str]]:
    """Each place that names a host: behind a scheme or an option, or before a port."""
    for match in pattern.finditer(value):
        is_apart = not re.fullmatch(r"[A-Za-z0-9_./-]", value[: match.start("name")][-1:])
        if match["scheme"] or match["option"] or (match["port"] and is_apart):
            yield match


def _port(match: re.Match[str]) -> int | None:
    """The port that is called; by its scheme where none is written."""
    written = match["port"] or match["its_port"]
    usual = known.SCHEMES.get((match["scheme"] or "").partition("+")[0])
    port = int(written) if written else usual
    return port if port and port <= 65_535 else None


def _told(caller: Carried) -> Iterator[tuple[str, str]]:
    lines = caller.draft.lines
    yield from lines.get("env", Line({})).value.items()
    for key in ("entrypoint", "args"):
        yield from (("", word) for word in lines.get(key, Line([])).value)


def _contents(caller: Carried) -> Iterator[tuple[str, str]]:
    for path in caller.draft.lines.get("files", Line({})).value.values():
        content = caller.whole.content(path)
        if not isinstance(content, Absent):
            yield path, content[:_FILE_BYTES_LOOKED_AT].decode("utf-8", "replace")


def _port_beside(name: str, told: dict[str, str]) -> int | None:
    """The port in the variable that goes with a host's: DB_PORT beside DB_HOST."""
    other = re.sub(r"HOST(?:NAME)?|SERVER|ADDR(?:ESS)?", "PORT", name)
    value = told.get(other, "") if other != name else ""
    return int(value) if value.isdigit() and 0 < int(value) <= 65_535 else None


def _rename(caller: Carried, peer: _Peer) -> None:
    """What names the peer as Compose does names it as it is called here."""
    name = peer.service.draft.name
    strange = tuple(one for one in peer.names if one != name)
    if not strange:
        return
    pattern, renamed = _Peer(peer.service, strange).pattern(), set[str]()

    def anew(key: str, words: str) -> str:
        if _is_host(key, words, strange):
            parts = re.split(r"([\s,;]+)", words)
            renamed.update(set(parts) & set(strange))
            return "".join(name if part in strange else part for part in parts)
        for match in reversed([*_calls(pattern, words)]):
            renamed.add(match["name"])
            words = words[: match.start("name")] + name + words[match.end("name") :]
        return words

    caller.draft.rewrite(anew)
    if renamed:
        what = f"calls {', '.join(sorted(renamed))}, which is {name} here, and is told so"
        caller.changed("", what)
    _left_over(caller, pattern, strange, name)


def _left_over(
    caller: Carried, pattern: re.Pattern[str], strange: tuple[str, ...], name: str
) -> None:
    """Names that could not be written anew: in files, and where a word may mean something else."""
    for path, content in _contents(caller):
        found = {match["name"] for match in _calls(pattern, content)}
        if found:
            what = f"{path} calls {', '.join(sorted(found))}, which is {name} here"
            caller.must("volumes", what, f"write {name} there")
    told = " ".join(value for _, value in _told(caller))
    words = set(re.findall(r"[A-Za-z0-9_.-]+", told))
    doubtful = [one for one in strange if "_" in one and one in words]
    if doubtful:
        what = f"is told of {', '.join(doubtful)}: if that is the service, it is {name} here"
        caller.must("", what, f"write {name}")


def _wait(caller: Carried, services: Sequence[Carried]) -> None:
    """`depends_on`: who is called is waited for anyway; the others stand under `after`."""
    by_key = {one.key: one for one in services}
    for key, entry in caller.entries("depends_on").items():
        path = f"depends_on.{key}"
        found = {name: text(one.value) for name, one in entries(entry.value).items()}
        peer = by_key.get(key)
        if peer is None:
            if found.get("required") != "false":
                what = "is not among the services that are imported"
                caller.left(path, what, "after: [service], once it is there", at=entry.place)
            continue
        if found.get("required") == "false":
            what = "is waited for, though Compose would do without it"
            caller.changed(path, what, "take it out of `connects` or `after`", at=entry.place)
        if found.get("condition", "service_started") == "service_healthy":
            caller.same(path, "who is waited for is healthy, or has run for a while without one")
        if not _is_called(caller, peer):
            caller.draft.append("after", peer.draft.name)
        if found.get("restart") == "true":
            what = "restart: a box is not replaced because one that it calls was"
            caller.left(path, what, "programs that connect anew", at=entry.place)


def _is_called(caller: Carried, peer: Carried) -> bool:
    links = caller.draft.lines.get("connects", Line([])).value
    return any(link.partition(":")[0] == peer.draft.name for link in links)
