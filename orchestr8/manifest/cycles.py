"""Cycles of a graph, found without recursion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name")


def cycles(graph: Mapping[Name, Sequence[Name]]) -> list[list[Name]]:
    """One cycle for each knot of a graph, in a stable order; names that lead nowhere are left out.

    A depth-first walk with a stack of its own; a node on the current path that is met again closes
    a cycle. Each node is left once, so the walk ends.
    """
    found: list[list[Name]] = []
    done: set[Name] = set()
    for start in graph:
        if start in done:
            continue
        path: list[Name] = [start]
        on_path = {start: 0}
        ahead = [iter(graph[start])]
        while path:
            following = next(ahead[-1], None)
            if following is None:
                done.add(path[-1])
                path.pop()
                ahead.pop()
                continue
            if following in on_path and following not in done:
                found.append(path[on_path[following] :])
            elif following not in done and following in graph:
                on_path[following] = len(path)
                path.append(following)
                ahead.append(iter(graph[following]))
    return found
