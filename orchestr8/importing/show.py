"""Findings as people read them: by what they mean, the most pressing first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from orchestr8.importing.model import Finding, Kind
from orchestr8.manifest.wording import escaped


def shown(findings: Sequence[Finding]) -> str:
    """All findings as plain text; a line for each, and below it the nearest thing that there is."""
    return "\n".join(_lines(findings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for kind in Kind:
        found = [one for one in findings if one.kind is kind]
        if not found:
            continue
        yield f"{kind.value} ({len(found)})"
        if kind is Kind.SAME:
            yield from _summed(found)
            continue
        for one, services in _joined(found):
            path = f"{one.path}: " if one.path else ""
            also = f" (and of {', '.join(services)})" if services else ""
            yield f"  {escaped(f'{one.place}: {path}{one.what}{also}')}"
            if one.nearest:
                yield f"      {escaped(one.nearest)}"


def _joined(found: Sequence[Finding]) -> Iterator[tuple[Finding, list[str]]]:
    """The same thing of several services once, at its first place, with the others' names."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for one in found:
        alike.setdefault((_key(one), one.what, one.nearest), []).append(one)
    for first, *others in alike.values():
        names = dict.fromkeys(one.path.split(".")[1] for one in others if "." in one.path)
        own = first.path.split(".")[1] if "." in first.path else ""
        yield first, [name for name in names if name != own]


def _summed(found: Sequence[Finding]) -> Iterator[str]:
    """What holds anyway is said once for all places."""
    for (key, what), times in Counter((_key(one), one.what) for one in found).items():
        yield f"  {escaped(key)}{f' ({times} times)' if times > 1 else ''}: {escaped(what)}"


def _key(finding: Finding) -> str:
    """The key without the name of the service that has it: `restart`."""
    parts = finding.path.split(".")
    return ".".join(parts[2:] if len(parts) > 2 else parts)
