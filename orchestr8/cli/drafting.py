"""From what an image says about itself to a manifest: the fewest lines that can be justified.

What an image says is untrusted: a text of its choice becomes a line only if the language takes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from orchestr8 import names, units
from orchestr8.contract.model import ImageFacts
from orchestr8.importing.naming import fitted
from orchestr8.isolation.strict import NEWEST, VERSIONS
from orchestr8.manifest.paths import target
from orchestr8.manifest.wording import escaped

_PASSING = re.compile(r"(?:^|/)(?:tmp|temp|cache|caches|run|lock|locks|log|logs)(?:/|$)")
_PRIVILEGED_PORTS = 1024
_COMMENT_COLUMN = 46


@dataclass
class _Lines:
    """The service's lines with their comments, and what stands below them."""

    service: list[tuple[str, str]] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def add(self, line: str, comment: str = "") -> None:
        self.service.append((line, comment))


def draft(
    facts: ImageFacts, owner: str, service: str, file: str, taken: Set[int] = frozenset()
) -> str:
    """The whole manifest as text; no port of the host that is `taken` is published."""
    lines = _Lines()
    digest = facts.digest and "@" not in facts.reference
    lines.add(
        f"image: {_quoted(facts.reference)}",
        f"pinned it would be {facts.reference}@{facts.digest}" if digest else "",
    )
    _program(facts, lines)
    _ports(facts, taken, lines)
    _storage(facts, lines)
    _user(facts, lines)
    _environment(facts, lines)
    return "\n".join([*_head(owner, service, file), *_body(lines), *_foot(lines), ""])


def service_from(reference: str) -> str:
    """The last part of an image's name as a service's name."""
    last = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return fitted(last, names.SERVICE_LENGTH_MAX, "app")


def _head(owner: str, service: str, file: str) -> Iterator[str]:
    yield "# Written by `orchestr8 init` from what the image says. Read it, then see what it does:"
    yield f"#   orchestr8 plan {escaped(file)}"
    yield "orchestr8: 1"
    yield f"owner: {owner}".ljust(_COMMENT_COLUMN) + "  # who answers for it"
    yield "services:"
    yield f"  {service}:"


def _body(lines: _Lines) -> Iterator[str]:
    for line, comment in lines.service:
        text = f"    {line}"
        yield f"{text.ljust(_COMMENT_COLUMN)}  # {comment}" if comment else text
    if lines.volumes:
        yield "volumes:"
        yield from (f"  {name}: {{}}" for name in lines.volumes)


def _foot(lines: _Lines) -> Iterator[str]:
    limits = VERSIONS[NEWEST].limits
    cpu = units.format_cpu(limits.cpu_max_millicores)
    memory = units.format_size(limits.memory_max_bytes)
    yield ""
    yield "# What an image does not say, so that you may have to:"
    notes = [
        *lines.unknown,
        "what it must be told (`env`, `args`), and which secrets it reads (`secrets`)",
        "where else it writes: the root is read-only; if that stops it, apply names the line",
        f"how much it needs (`limits`): without a line {cpu} cpu, {memory}, {limits.pids_max} pids",
        "which services it calls (`connects`), and who may call it (`accepts`)",
    ]
    yield from (f"# - {note}" for note in notes)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


def _program(facts: ImageFacts, lines: _Lines) -> None:
    if not facts.entrypoint and not facts.cmd:
        lines.add("entrypoint: [/path/of/the/program]", "the image does not say what to run")


def _ports(facts: ImageFacts, taken: Set[int], lines: _Lines) -> None:
    ports = [port for port in facts.ports if 0 < port < 65_536]
    if not ports:
        lines.unknown.append(
            "whether it listens on a port (`publish`, `health`); without a health line a box "
            "counts as working once it has run for 3 s"
        )
        return
    port, *others = ports
    usual = port if port >= _PRIVILEGED_PORTS else 8_000 + port
    host_port = next((one for one in range(usual, 65_536) if one not in taken), usual)
    comment = "only from this machine" + (f"; {usual} is taken" if host_port != usual else "")
    lines.add(f"publish: {{127.0.0.1:{host_port}: {port}}}", comment)
    lines.add(f"health: {{tcp: {port}}}", f'better where there is a page: {{http: ":{port}/"}}')
    if others:
        lines.unknown.append(f"what its other ports are for: {', '.join(map(str, others))}")


def _storage(facts: ImageFacts, lines: _Lines) -> None:
    """Each declared volume kept or passing, by what its path is called."""
    given = {scratch.path for scratch in VERSIONS[NEWEST].scratch}
    kept: dict[str, str] = {}
    passing: list[str] = []
    for path in sorted({path.rstrip("/") for path in facts.volumes} - given):
        if not _takes(path):
            lines.unknown.append(
                f"what to do with the volume that it declares at {escaped(path) or '/'}: "
                "nothing may be mounted there"
            )
        elif _PASSING.search(path):
            passing.append(path)
        else:
            kept[path] = _volume_name(path, set(kept.values()))
    if kept:
        pairs = ", ".join(f"{path}: {name}" for path, name in kept.items())
        lines.add(f"volumes: {{{pairs}}}", "declared by the image; kept, whatever becomes of a box")
        lines.volumes += kept.values()
    if passing:
        pairs = ", ".join(f"{path}: 16MiB" for path in passing)
        lines.add(f"scratch: {{{pairs}}}", "declared by the image; gone with the box")


def _takes(path: str) -> bool:
    try:
        return target(path) == path and re.fullmatch(r"[/\w.-]+", path, re.ASCII) is not None
    except ValueError:
        return False


def _volume_name(path: str, taken: set[str]) -> str:
    base = fitted(path.rpartition("/")[2], names.NAME_LENGTH_MAX - 3, "data")
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _user(facts: ImageFacts, lines: _Lines) -> None:
    user = facts.user.partition(":")[0]
    if user in ("", "0", "root"):
        lines.unknown.append(
            "whether it minds that it does not start as root: it has a uid of its own and no "
            "capability; if it does, see `orchestr8 explain relaxation user.fixed`"
        )
    else:
        lines.unknown.append(
            f"whether it insists on its own user ({escaped(facts.user)}): it has a uid of the "
            "service's own; if it does, see `orchestr8 explain relaxation user.fixed`"
        )


def _environment(facts: ImageFacts, lines: _Lines) -> None:
    refused = VERSIONS[NEWEST].image_env_refused
    loaders = sorted(name for name, _ in facts.env if name in refused)
    if loaders:
        lines.unknown.append(
            f"whether it needs {', '.join(loaders)}, which it sets and which steers the loader: "
            "left out; see `orchestr8 explain relaxation image.env`"
        )
