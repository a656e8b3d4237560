"""How a service is reached from the machine, and whose network it is in."""

from __future__ import annotations

from orchestr8 import names
from orchestr8.importing.canonical import entries, text
from orchestr8.importing.service import Carried
from orchestr8.manifest import addresses, scalars
from orchestr8.manifest.foreign import Mapping, Scalar

_ADDRESSES = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address", "driver_opts")
_ORDER = ("priority", "gw_priority", "interface_name")


def carry(service: Carried) -> None:
    """Everything about the network of a service but whom it calls."""
    mode = service.text("network_mode")
    if mode:
        _mode(service, mode)
    for item in service.items("ports"):
        if isinstance(item, Mapping):
            _port(service, item)
    _names(service)
    if service.items("expose"):
        service.same("expose", "a port is opened by `connects` of the service that calls it")
    for name, entry in service.entries("networks").items():
        _membership(service, name, entry.value if isinstance(entry.value, Mapping) else None)


def joined(service: Carried) -> str:
    """The service whose network this one is in, by the file's name for it; empty for its own."""
    kind, _, name = service.text("network_mode").partition(":")
    return name if kind == "service" and name in service.whole.services else ""


def _mode(service: Carried, mode: str) -> None:
    peer = joined(service)
    if peer:
        said = f"network_mode: {mode}"
        service.relax("network_mode", "ns.net.share", service.whole.services[peer], said)
    elif mode in ("none", "bridge"):
        service.same("network_mode", "a box reaches what `connects` names, and nothing else")
    else:
        what = f"{mode}: every box has a network of its own, never the host's or a stranger's"
        nearest = "`publish` for its ports, `connects` for whom it calls, `net.egress` for outside"
        service.left("network_mode", what, nearest)


def _port(service: Carried, port: Mapping) -> None:
    found = {key: text(one.value) for key, one in port.entries.items()}
    target, published = found.get("target", ""), found.get("published", "")
    protocol, address = found.get("protocol", "tcp"), found.get("host_ip", "")
    at = port.place
    written = ":".join(part for part in (address, published, target) if part)
    if protocol != "tcp":
        what = f"{written}/{protocol}: ports are TCP"
        service.left("ports", what, "nothing: boxes are reached by TCP alone", at=at)
        return
    if not published or "-" in published or published == "0":
        what = f"{written}: no port of the machine is named, so Compose takes any"
        nearest = f"publish: {{127.0.0.1:PORT: {target}}}"
        service.must("ports", what, nearest, at=at)
        return
    try:
        place = addresses.published(f"{address or addresses.LOOPBACK}:{published}")
        number = scalars.port(target)
    except ValueError as error:
        service.must("ports", f"{written}: {error}", "write publish: {ADDRESS:PORT: PORT}", at=at)
        return
    if joined(service):
        what = f"{written}: it is in the network of {joined(service)}, whose ports these are"
        service.must("ports", what, "say `publish` there", at=at)
        return
    _publish(service, port, place, number)
    if not address:
        service.changed(
            "ports",
            f"{written} opened every address of the machine; now it is 127.0.0.1 alone",
            f"where others shall call it:  publish: {{0.0.0.0:{published}: {target}}}",
            at=at,
        )
    if found.get("mode") == "host" or found.get("name"):
        service.same("ports", "a port is one of the machine's, and needs no name")
    if found.get("app_protocol"):
        service.left("ports", "app_protocol: bytes are passed on as they are", at=at)


def _publish(service: Carried, port: Mapping, place: tuple[str, int], target: int) -> None:
    address, number = place
    published = service.whole.published
    same = ((one, number) for one in (address, addresses.EVERYWHERE))
    holder = next((published[one] for one in same if one in published), "")
    everywhere = address == addresses.EVERYWHERE
    if not holder and everywhere:
        holder = next((name for (_, taken), name in published.items() if taken == number), "")
    if holder:
        what = f"{address}:{number} is published by {holder} already"
        service.must("ports", what, "choose another port", at=port.place)
        return
    published[place] = service.key
    service.draft.add("publish", f"{address}:{number}", target)


def _names(service: Carried) -> None:
    name, key = service.draft.name, service.key
    if name != key:
        why = "names have small letters, digits and hyphens, 28 at most"
        if key in names.RESERVED:
            why = f"{key} is a reserved word"
        what = f"is called {name}: {why}"
        service.changed("", what)
    if service.text("container_name"):
        service.same("container_name", "a box is named 0.SERVICE.OWNER")
    hostname = service.text("hostname")
    if hostname == name:
        service.same("hostname", "a box has its service's name")
    elif hostname:
        service.left("hostname", f"{hostname}: a box has its service's name, {name}")


def _membership(service: Carried, name: str, found: Mapping | None) -> None:
    for key, entry in entries(found).items():
        at, path = entry.place, f"networks.{name}.{key}"
        if key in _ADDRESSES:
            what = "addresses are given out by orchestr8"
            service.left(path, what, "call the service by its name", at=at)
        elif key in _ORDER:
            service.left(path, "a box has one interface", at=at)
        elif key == "aliases":
            aliases = [text(item) for item in getattr(entry.value, "items", ())]
            others = [one for one in aliases if one != service.draft.name]
            if others:
                what = f"is {service.draft.name} to those who call it, never {', '.join(others)}"
                service.changed(path, what, "what the file says of it is written anew", at=at)
        elif not (isinstance(entry.value, Scalar) and entry.value.is_null):
            service.left(path, f'the Compose specification has no key "{key}" here', at=at)
