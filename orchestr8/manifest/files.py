"""One file read as far as it can be: its services, volumes, secrets and platform part.

What is wrong in one part does not hide what is wrong in another, and a service that cannot be
read is still declared, so that nobody is told it does not exist.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestr8.errors import Place, Problem
from orchestr8.manifest import build, scalars
from orchestr8.manifest.defaults import merged
from orchestr8.manifest.model import Platform, Secret, Service, Source, Volume
from orchestr8.manifest.nodes import SMALLEST, MappingNode, Node, Parsed, ScalarNode, parse
from orchestr8.manifest.reading import as_mapping, problems_at, read_block, values
from orchestr8.manifest.reads import sentence, shape_of
from orchestr8.manifest.schema import (
    Header,
    SecretBlock,
    ServiceBlock,
    ServiceDefaults,
    VolumeBlock,
)
from orchestr8.manifest.text import check_text
from orchestr8.manifest.wording import said, shortened
from orchestr8.names import ServiceName

STANDARD_INPUT = "-"
_PARTS = ("defaults", "services", "volumes", "secrets", "platform")
_OF_COMPOSE = frozenset(
    {"build", "container_name", "depends_on", "environment", "env_file", "ports", "restart"}
)
_EXAMPLES = {
    "defaults": "{stop: {grace: 30s}}",
    "services": '{hello: {image: "hello:1"}}',
    "volumes": "{ledger: {}}",
    "secrets": "{db-password: {}}",
    "platform": "{mode: team}",
}


class FileRead:
    """What one file declares. `readable` is False where not even that can be said.

    `declared` has by part ("services") every name, whether what it names could be read or not.
    """

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.owner = ""
        self.readable = False
        self.services: list[Service] = []
        self.volumes: list[Volume] = []
        self.secrets: list[Secret] = []
        self.platform: Platform | None = None
        self.platform_place: Place | None = None
        self.declared: dict[str, dict[str, Place]] = {}
        self.default_places: set[tuple[str, int, int]] = set()

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with it so far."""
        return self.parsed.problems


def read_file(source: Source) -> FileRead:
    """Reads one file; never raises for what is in it."""
    flaws = check_text(source)
    if flaws:
        return FileRead(Parsed(source, flaws))
    parsed = parse(source)
    file = FileRead(parsed)
    if parsed.root is None:
        return file
    root = parsed.root
    if not isinstance(root, MappingNode):
        is_now = shape_of(values(root))
        what = "has no content" if is_now == "nothing" else f"must be a mapping, and is {is_now}"
        parsed.add(root, f"the file {what}", SMALLEST)
        return file
    if _is_of_compose(root):
        # one answer instead of one for every key
        parsed.problems.clear()
        remedy = f"`orchestr8 import {shortened(source.name)}` makes a manifest of it"
        parsed.add(root, "this is a Compose file, not a manifest", remedy)
        return file
    poisoned = problems_at(parsed.problems)
    seen = len(parsed.problems)
    _header(file, root)
    _services(file, root)
    _volumes_and_secrets(file, root)
    _platform(file, root)
    later = [problem for problem in parsed.problems[seen:] if not problems_at([problem]) & poisoned]
    parsed.problems[seen:] = later
    file.readable = file.readable and not seen
    return file


def _is_of_compose(root: MappingNode) -> bool:
    """Whether nothing at the top is ours alone, and a service has what only Compose calls so."""
    if root.entries.keys() & {"orchestr8", "owner", "defaults", "platform"}:
        return False
    _, services = root.entries.get("services", (None, None))
    found = services.entries.values() if isinstance(services, MappingNode) else ()
    blocks = (block for _, block in found if isinstance(block, MappingNode))
    return any(block.entries.keys() & _OF_COMPOSE for block in blocks)


def _header(file: FileRead, root: MappingNode) -> None:
    entries = {key: entry for key, entry in root.entries.items() if key not in _PARTS}
    shell = MappingNode(root.line, root.column, 1, entries, root.incomplete)
    read_block(file.parsed, Header, "manifest", shell, "")
    owner = entries.get("owner")
    if owner and isinstance(owner[1], ScalarNode):
        try:
            file.owner = scalars.owner_name(owner[1].text)
        except ValueError:
            return
    file.readable = bool(file.owner)
    owned = [key for key in root.entries if key in _PARTS and key != "platform"]
    if owner is None and not root.incomplete:
        file.readable = not owned
        if owned:
            key = root.entries[owned[0]][0]
            what = f"the file has `{owned[0]}` and no `owner`"
            file.parsed.add(key, what, "write owner: NAME, the team that answers for this file")


def _part(file: FileRead, root: MappingNode, name: str) -> MappingNode | None:
    entry = root.entries.get(name)
    if entry is None:
        return None
    return as_mapping(file.parsed, _node(entry), name, _EXAMPLES[name])


def _node(entry: tuple[ScalarNode, Node]) -> Node:
    """A value, or its key where there is no value, so that a message has a place to point at."""
    key, value = entry
    if isinstance(value, ScalarNode) and value.empty:
        return ScalarNode("", key.line, key.column, key.width, empty=True)
    return value


def _services(file: FileRead, root: MappingNode) -> None:
    defaults = _part(file, root, "defaults")
    if defaults is not None:
        read_block(file.parsed, ServiceDefaults, "defaults", defaults, "defaults")
        file.default_places = _places_below(file.parsed.source.name, defaults)
    known = problems_at(file.problems)
    part = _part(file, root, "services")
    for name, (key, value) in part.entries.items() if part else ():
        path = f"services.{shortened(name)}"
        well_named = _named(file, key, "services", scalars.bare_service_name)
        node = as_mapping(file.parsed, _node((key, value)), path, '{image: "hello:1"}')
        if node is None:
            continue
        if defaults is not None:
            node = merged(defaults, node)
        seen = len(file.problems)
        anchored = MappingNode(key.line, key.column, key.width, node.entries, node.incomplete)
        block = read_block(file.parsed, ServiceBlock, "service", anchored, path)
        if block is not None and block.files and file.parsed.source.name == STANDARD_INPUT:
            file.parsed.add(
                node.entries["files"][0],
                f"{path} has `files`, and standard input has no folder to read them from",
                "give the manifest as a file",
            )
        elif block is not None and well_named:
            service_name = ServiceName(file.owner, name)
            file.services.append(build.service(file.parsed, service_name, block))
        elif defaults is not None:
            fresh = file.problems[seen:]
            file.problems[seen:] = [p for p in fresh if not problems_at([p]) & known]


def _named(file: FileRead, key: ScalarNode, part: str, read: Callable[[str], str]) -> bool:
    """Notes a declared name; says whether it may be one."""
    try:
        read(key.text)
    except ValueError as flaw:
        error = sentence(flaw)
        file.parsed.add(key, said(f"{part}.{shortened(key.text)}", error.what), error.remedy)
        return False
    place = file.parsed.place(key)
    file.declared.setdefault(part, {})[key.text] = place
    return True


def _volumes_and_secrets(file: FileRead, root: MappingNode) -> None:
    volumes = _part(file, root, "volumes")
    for name, (key, value) in volumes.entries.items() if volumes else ():
        node = _block_node(file, key, value, f"volumes.{name}")
        if not _named(file, key, "volumes", scalars.name) or node is None:
            continue
        volume = read_block(file.parsed, VolumeBlock, "volume", node, f"volumes.{name}")
        if volume is not None:
            place = file.parsed.place(key)
            file.volumes.append(build.volume(name, file.owner, volume, place))
    secrets = _part(file, root, "secrets")
    for name, (key, value) in secrets.entries.items() if secrets else ():
        node = _block_node(file, key, value, f"secrets.{name}")
        if not _named(file, key, "secrets", scalars.name) or node is None:
            continue
        secret = read_block(file.parsed, SecretBlock, "secret", node, f"secrets.{name}")
        if secret is not None and secret.sealed and file.parsed.source.name == STANDARD_INPUT:
            file.parsed.add(
                node.entries["sealed"][0],
                f"secrets.{name} is sealed, and standard input has no folder to read it from",
                "give the manifest as a file",
            )
        elif secret is not None:
            place = file.parsed.place(key)
            file.secrets.append(build.secret(name, file.owner, secret, place))


def _block_node(file: FileRead, key: ScalarNode, value: Node, path: str) -> MappingNode | None:
    """A block's mapping; nothing at all is one without any key."""
    if isinstance(value, ScalarNode) and value.empty:
        return MappingNode(key.line, key.column, key.width)
    return as_mapping(file.parsed, value, path, "{}")


def _platform(file: FileRead, root: MappingNode) -> None:
    node = _part(file, root, "platform")
    if node is None:
        return
    from orchestr8.manifest.build_platform import platform  # most files have no such part
    from orchestr8.manifest.platform import PlatformBlock

    file.platform_place = file.parsed.place(root.entries["platform"][0])
    block = read_block(file.parsed, PlatformBlock, "platform", node, "platform")
    if block is not None:
        file.platform = platform(file.parsed, block)


def _places_below(file_name: str, node: Node) -> set[tuple[str, int, int]]:
    found = {(file_name, node.line, node.column)}
    if isinstance(node, MappingNode):
        for key, value in node.entries.values():
            found.add((file_name, key.line, key.column))
            found |= _places_below(file_name, value)
    elif not isinstance(node, ScalarNode):
        for item in node.items:
            found |= _places_below(file_name, item)
    return found
