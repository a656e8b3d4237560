"""Command probes: in the box, with its full process document, and their failures as sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestr8.engines.protocol import Exec
from orchestr8.errors import EngineError, TimedOutError
from orchestr8.names import BoxId

_SHOWN_MAX = 200


def command_probe(programs: Exec) -> Callable[[BoxId, Sequence[str], int], str]:
    """Runs a command in a box within so many milliseconds; empty, or what was seen."""

    def check(box_id: BoxId, command: Sequence[str], timeout_ms: int) -> str:
        try:
            result = programs.execute(box_id, command, timeout_ms)
        except TimedOutError:
            return f"the command did not end within {timeout_ms} ms"
        except EngineError as error:
            return error.what
        if result.exit_status == 0:
            return ""
        said = (result.stderr or result.stdout).decode("utf-8", "backslashreplace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        shown = f": {last[:_SHOWN_MAX]}" if last else ""
        return f"the command ended with status {result.exit_status}{shown}"

    return check
