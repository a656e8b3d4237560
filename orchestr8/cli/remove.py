"""`remove`: a set's boxes stop, and its manifests are forgotten; data stays."""

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
    """Stop and remove the boxes of a set, and forget its manifests. Its data stays.

    Volumes and the secrets on this host are kept and named; nothing here deletes data.
    """
    from orchestr8.cli.stopping import Stopping, stop

    stopping = Stopping(checked_set(set_name), checked_timeout(timeout), output, expect)
    return stop(stopping, forget=True)
