"""`defaults` of a file laid under each of its services: maps merge, scalars and lists replace.

The merge is done on positioned nodes, so that every value keeps the place where it was written.
"""

from __future__ import annotations

from orchestr8.manifest.nodes import MappingNode, Node, ScalarNode

_SHORTHAND = (("limits", "cpu"), ("limits", "memory"))
"""Where a bare value is the maximum."""
_ONE_OF: dict[tuple[str, ...], frozenset[str]] = {
    ("health",): frozenset({"http", "tcp", "command"})
}
"""Keys of which a block has one; a service's own choice takes the place of the default one."""


def merged(default: MappingNode, own: MappingNode, path: tuple[str, ...] = ()) -> MappingNode:
    """A service's own mapping over the file's defaults."""
    incomplete = default.incomplete or own.incomplete
    result = MappingNode(own.line, own.column, own.width, {}, incomplete)
    choice = _ONE_OF.get(path, frozenset())
    chosen = bool(choice & own.entries.keys())
    for name, (key, value) in default.entries.items():
        if not (chosen and name in choice):
            result.entries[name] = (key, value)
    for name, (key, value) in own.entries.items():
        below = result.entries.get(name)
        if below and isinstance(value, MappingNode):
            base = _long_form(below[1], (*path, name))
            if isinstance(base, MappingNode):
                value = merged(base, value, (*path, name))
        result.entries[name] = (key, value)
    return result


def _long_form(node: Node, path: tuple[str, ...]) -> Node:
    if isinstance(node, ScalarNode) and not node.empty and path in _SHORTHAND:
        return MappingNode(node.line, node.column, node.width, {"max": (node, node)})
    return node
