"""`serve`: the loop, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestr8.cli.arguments import EngineName, Output, OutputAs
from orchestr8.errors import UsageError

Monitor = Annotated[
    str,
    typer.Option(
        "--monitor",
        metavar="HOST:PORT",
        envvar="ORCHESTR8_MONITOR",
        help="Answer /healthz, /readyz and /metrics there, to everybody who comes.",
        show_default=False,
    ),
]

Listen = Annotated[
    str,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        envvar="ORCHESTR8_LISTEN",
        help="Answer the API there over TLS, to whoever has a token.",
        show_default=False,
    ),
]
Certificate = Annotated[
    str,
    typer.Option(
        "--certificate",
        metavar="FILE[,KEY]",
        envvar="ORCHESTR8_CERTIFICATE",
        help="For --listen: the certificate with its chain, and its private key in the same file "
        "or in a second one; both as PEM.",
        show_default=False,
    ),
]


def run(
    engine: EngineName = "",
    output: OutputAs = Output.TEXT,
    monitor: Monitor = "",
    listen: Listen = "",
    certificate: Certificate = "",
) -> int:
    """Keep this machine as it was applied, until told to stop: in the foreground, a line an event.

    It takes over what runs; heals boxes that end, fall ill, or whose walls or limits are not what
    was declared; backs off from what fails again and again; and proves boxes in turn. SIGTERM
    and SIGINT end it, and boxes run on; SIGHUP reads the store again. Meanwhile no other command
    changes this machine. `orchestr8 enable --serve` has systemd run it.
    """
    from orchestr8.cli.opening import opened, require_not_lost
    from orchestr8.cli.serving import Ways, serve

    if bool(listen) != bool(certificate):
        raise UsageError(
            "--listen and --certificate go together: nobody comes without TLS",
            "write --listen 0.0.0.0:8443 --certificate FILE,KEY",
        )
    chain, _, key = certificate.partition(",")
    files = (Path(chain), Path(key or chain))
    ways = Ways(_address("--monitor", monitor), _address("--listen", listen), files)
    require_not_lost(engine)
    with opened(engine) as session:
        return serve(session, output, ways)


def _address(option: str, text: str) -> tuple[str, int] | None:
    """An address as typed; raises UsageError."""
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UsageError(
            f'{option}: "{text}" is no address and port', f"write {option} 127.0.0.1:9464"
        )
    return host, int(port)
