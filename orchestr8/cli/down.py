"""`down`: a set's boxes stop; everything else stays."""

from __future__ import annotations

from orchestr8.cli.arguments import (
    DEFAULT_SET,
    Expect,
    Output,
    OutputAs,
    SetToStop,
    Timeout,
    checked_set,
    checked_timeout,
)


def run(
    set_name: SetToStop = DEFAULT_SET,
    timeout: Timeout = "10m",
    expect: Expect = None,
    output: OutputAs = Output.TEXT,
) -> int:
    """Stop and remove the boxes of a set. Its manifests and its data stay.

    Volumes, secrets and the history of the set are kept; an apply of the same manifests brings
    the boxes back.
    """
    from orchestr8.cli.stopping import Stopping, stop

    stopping = Stopping(checked_set(set_name), checked_timeout(timeout), output, expect)
    return stop(stopping, forget=False)
