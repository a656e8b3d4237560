"""How a service is kept: health, its end, copies, updates, limits."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

from orchestr8 import units
from orchestr8.importing import quantities
from orchestr8.importing.canonical import text
from orchestr8.importing.draft import Bare
from orchestr8.importing.service import Carried
from orchestr8.isolation.limits import MEMORY_LEAST_BYTES
from orchestr8.manifest import addresses, scalars
from orchestr8.manifest.foreign import Mapping, Scalar, Sequence, Value

CPU_CHOSEN = 1_000
MEMORY_CHOSEN = 512 << 20
"""What a service may use where the file sets no limit: Compose's default is the whole machine."""

_INTERVAL_MS, _RETRIES = 30_000, 3
_SHELL = re.compile(r"[|&;<>()$`\\\"'*?\[\]#~%{}\n]")
_WITH_VALUE = ("-o", "-m", "--max-time", "--output", "-O", "-T", "-t", "--timeout", "--tries")
_LOCAL = re.compile(r"http://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(:[0-9]+)?(/[!-~]*)?")


def carry(service: Carried) -> None:
    """Everything about how a service is kept running."""
    _health(service)
    _stop(service)
    _restart(service)
    _copies(service)
    _update(service)
    _limits(service)


def _health(service: Carried) -> None:
    test = [getattr(item, "text", "") for item in service.items("healthcheck.test")]
    if service.text("healthcheck.disable") == "true" or test[:1] == ["NONE"]:
        service.same("healthcheck", "no check is made that the manifest does not name")
        return
    if "healthcheck" not in service.body.entries:
        return
    if not test:
        what = "changes the image's own check, and checks of images are not read"
        service.must("healthcheck", what, "write health: {command: [program, argument]}")
        return
    check = _checked(service, test)
    if check is None:
        return
    block: dict[str, object] = dict(check)
    given = {key: _time(service, f"healthcheck.{key}") for key in ("interval", "timeout")}
    if given["interval"] is not None:
        block["every"] = _between(given["interval"], 100, 3_600_000)
    if given["timeout"] is not None:
        block["timeout"] = _between(given["timeout"], 10, 600_000)
    retries = service.text("healthcheck.retries")
    tries = int(retries) if retries.isascii() and retries.isdigit() else _RETRIES
    if retries:
        block["failures"] = min(max(tries, 1), 100)
    start = _time(service, "healthcheck.start_period") or 0
    every = given["interval"] if given["interval"] is not None else _INTERVAL_MS
    block["within"] = _between(max(start + every * tries, 30_000), 100, 86_400_000)
    service.draft.put("health", block, "within: its start and all tries")
    if service.text("healthcheck.start_interval"):
        what = "checks are as frequent at the start as later"
        service.left("healthcheck.start_interval", what, "`every`")


def _between(milliseconds: int, least: int, most: int) -> str:
    return units.format_time(min(max(milliseconds, least), most))


def _time(service: Carried, key: str) -> int | None:
    written = service.text(key)
    try:
        return quantities.time(written) if written else None
    except ValueError as error:
        service.must(key, str(error), "write it as in 30s")
        return None


def _checked(service: Carried, test: list[str]) -> dict[str, object] | None:
    """The check as `http` or `tcp` where it is one, else as the command that it is."""
    kind, *given = test
    if kind not in ("CMD", "CMD-SHELL"):
        service.must("healthcheck.test", f'"{kind}" is no kind of check', "CMD or CMD-SHELL")
        return None
    words = given if kind == "CMD" else _plain_words(given[0] if given else "")
    asked = _asked(words) if words else None
    if asked:
        return asked
    if not words:
        words = ["/bin/sh", "-c", given[0] if given else ""]
    place = service.place("healthcheck.test")
    listed = Sequence(place, tuple(Scalar(place, word) for word in words))
    found = service.words("healthcheck.test", listed)
    return {"command": found} if found else None


def _plain_words(line: str) -> list[str]:
    """A shell's line as words where it needs no shell; none otherwise."""
    bare = re.sub(r"\s*\|\|\s*(?:exit\s+-?[1-9][0-9]*|false)\s*$", "", line).strip()
    try:
        return [] if _SHELL.search(bare.replace('"', "").replace("'", "")) else shlex.split(bare)
    except ValueError:
        return []


def _asked(words: list[str]) -> dict[str, object] | None:
    """An HTTP or TCP check that a program makes of its own box, as the check itself."""
    program = words[0].rpartition("/")[2]
    if program in ("curl", "wget"):
        places = list(_operands(words[1:]))
        match = _LOCAL.fullmatch(places[0]) if len(places) == 1 else None
        if match:
            return {"http": f"{match[1] or ':80'}{match[2] or '/'}"}
    if program == "nc" and len(words) >= 4 and words[1].startswith("-") and "z" in words[1]:
        host, port = words[-2:]
        if host in ("localhost", "127.0.0.1") and port.isdigit():
            return {"tcp": int(port)}
    return None


def _operands(words: list[str]) -> Iterator[str]:
    skip = False
    for word in words:
        if skip or (word.startswith("-") and word not in _WITH_VALUE):
            skip = False
            if word.startswith(("-H", "-X", "-d", "-u", "--header", "--data", "--request")):
                yield from ("", "")  # more than a plain GET
        elif word in _WITH_VALUE:
            skip = True
        else:
            yield word


def _stop(service: Carried) -> None:
    block: dict[str, object] = {}
    signal, grace = service.text("stop_signal"), _time(service, "stop_grace_period")
    if signal:
        name = f"SIG{signal.upper().removeprefix('SIG')}"
        try:
            block["signal"] = scalars.signal(name)
        except ValueError as error:
            service.left("stop_signal", str(error), "write stop: {signal: SIGTERM}")
    if grace is not None:
        block["grace"] = _between(grace, 0, 3_600_000)
    if block:
        service.draft.put("stop", block)


def _restart(service: Carried) -> None:
    condition = service.text("deploy.restart_policy.condition")
    key = "deploy.restart_policy.condition" if condition else "restart"
    asked = condition or service.text("restart")
    if service.text("deploy.mode").endswith("-job"):
        service.draft.put("run", "once")
    elif service.key in service.whole.ends:
        service.draft.put("run", "once", "another service waits for its end")
    elif asked in ("always", "unless-stopped", "any"):
        service.same(key, "boxes are healed, whatever ended them")
    elif asked:
        what = f'"{asked}": a box that ends is replaced, however it ended'
        service.changed(key, what, "for what does its work and ends:  run: once")
    for name in service.entries("deploy.restart_policy"):
        if name != "condition":
            what = "the waits between tries are orchestr8's own, and grow to five minutes"
            service.left(f"deploy.restart_policy.{name}", what)


def _copies(service: Carried) -> None:
    written = service.text("scale") or service.text("deploy.replicas")
    key = "scale" if service.text("scale") else "deploy.replicas"
    if service.text("deploy.mode") == "global":
        service.changed("deploy.mode", "global: there is one machine, and so one box")
    elif written.isascii() and written.isdigit() and written != "1":
        replicas = min(int(written), 1_000)
        service.draft.put("replicas", replicas)
        if replicas > 1 and any(map(_is_shared, service.items("volumes"))):
            what = "each box has a volume of its own, where Compose gave all of them one"
            service.changed(key, what, "replicas: 1, where they must share it")


def _is_shared(mount: Value) -> bool:
    """Whether Compose gives a volume to all copies; a nameless one is each copy's own there."""
    if not isinstance(mount, Mapping):
        return False
    return text(mount.get("type")) == "volume" and bool(text(mount.get("source")))


def _update(service: Carried) -> None:
    found = {key: text(one.value) for key, one in service.entries("deploy.update_config").items()}
    block: dict[str, object] = {}
    for key, value in found.items():
        path = f"deploy.update_config.{key}"
        if key == "order" and value in ("start-first", "stop-first"):
            block["order"] = value
        elif key == "parallelism" and value.isdigit() and 0 < int(value) <= 1_000:
            block["parallel"] = int(value)
        elif key == "failure_action" and value == "rollback":
            service.same(path, "a failed update goes back to what worked")
        else:
            what = "the next box waits until the one before is healthy"
            service.left(path, what, "`update: {within: 60s}`, and `health`")
    if block:
        service.draft.put("update", block)


def _limits(service: Carried) -> None:
    resources = "deploy.resources"
    cpu = _read(service, quantities.cpu, f"{resources}.limits.cpus", "cpus", "cpu_count")
    quota, period = service.text("cpu_quota"), service.text("cpu_period") or "100000"
    if cpu is None and quota.isdigit() and period.isdigit() and int(quota) and int(period):
        cpu = min(max(round(int(quota) * 1000 / int(period)), 10), quantities.CPU_MOST)
    memory = _read(service, quantities.size, f"{resources}.limits.memory", "mem_limit")
    block: dict[str, object] = {}
    cpu_least = _read(service, quantities.cpu, f"{resources}.reservations.cpus")
    memory_least = _read(
        service, quantities.size, f"{resources}.reservations.memory", "mem_reservation"
    )
    if cpu is not None or cpu_least is not None:
        block["cpu"] = _limit(cpu, cpu_least, CPU_CHOSEN, _cores)
    if memory is not None or memory_least is not None:
        block["memory"] = _limit(memory, memory_least, MEMORY_CHOSEN, _memory)
    pids = _read(service, quantities.count, f"{resources}.limits.pids", "pids_limit")
    if pids is not None and pids > 0:
        block["pids"] = pids
    elif pids is not None:
        service.left("pids_limit", "a box has always a limit of processes", "limits: {pids: 256}")
    rates = dict(_rates(service))
    if rates:
        block["io"] = rates
    if block:
        service.draft.put("limits", block)
    for key in ("generic_resources", "devices"):
        path = f"{resources}.reservations.{key}"
        if service.items(path):
            nearest = "`orchestr8 explain relaxation device.add`"
            service.left(path, "devices are named one by one", nearest)


def _cores(millicores: int) -> str:
    return Bare(units.format_cpu(millicores))


def _memory(size_bytes: int) -> str:
    return quantities.rounded(size_bytes, MEMORY_LEAST_BYTES)


def _limit(most: int | None, least: int | None, chosen: int, write: Callable[[int], str]) -> object:
    if least is None:
        return write(most or chosen)
    return {"guarantee": write(least), "max": write(max(most or chosen, least))}


def _read(service: Carried, read: Callable[[str], int], *keys: str) -> int | None:
    """The first of these keys that says something; 0 is Compose's word for no limit."""
    for key in keys:
        written = service.text(key)
        if written in ("", "0"):
            continue
        try:
            return read(written)
        except ValueError:
            service.must(key, f'"{written}" cannot be read', "write `limits`")
    return None


def _rates(service: Carried) -> Iterator[tuple[str, str]]:
    for key, entry in service.entries("blkio_config").items():
        path = f"blkio_config.{key}"
        rates = [
            text(item.get("rate"))
            for item in getattr(entry.value, "items", ())
            if isinstance(item, Mapping)
        ]
        if key in ("device_read_bps", "device_write_bps") and rates:
            try:
                rate = min(map(quantities.size, rates))
            except ValueError as error:
                service.must(path, str(error), "limits: {io: {read: 50MiB/s}}")
                continue
            yield ("read" if "read" in key else "write"), f"{quantities.rounded(rate)}/s"
            service.changed(path, "the rate holds for all disks together")
        else:
            what = "disks are limited in bytes a second"
            service.left(path, what, "limits: {io: {read: 50MiB/s, write: 20MiB/s}}")


def health_port(service: Carried) -> int | None:
    """The port that a service's own check asks, which it therefore listens on."""
    line = service.draft.lines.get("health")
    if line is None:
        return None
    if "tcp" in line.value:
        return int(line.value["tcp"])
    return addresses.http(line.value["http"]).port if "http" in line.value else None
