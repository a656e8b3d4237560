"""`token`: who may come from elsewhere, made and taken back."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestr8.cli.arguments import Output, OutputAs
from orchestr8.errors import UsageError

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="What it is called, as in ci.", show_default=False)
]
Owner = Annotated[
    str,
    typer.Option(
        "--owner", metavar="NAME", help="Whose it is; `platform` for the platform's own.",
        show_default=False,
    ),
]  # fmt: skip
Until = Annotated[
    str,
    typer.Option(
        "--until",
        metavar="TIME",
        help="When it ends, within a year: 30d from now, 2027-02-28, or 2027-02-28T18:00Z.",
        show_default=False,
    ),
]


def create(name: Name, owner: Owner = "", until: Until = "", output: OutputAs = Output.TEXT) -> int:
    """Make a token and print it, once: the machine keeps its hash alone.

    It counts while `token:NAME` is among the members of its owner in the platform's part. Whoever
    comes with it sets ORCHESTR8_SERVER=https://HOST:PORT and ORCHESTR8_TOKEN=FILE, a file that has
    the token and that nobody else may read.
    """
    from orchestr8.cli.moments import until_ms
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.terminal import say, say_beside
    from orchestr8.controller import tokens

    example = f"orchestr8 token create {name} --owner payments --until 30d > {name}.token"
    if not owner or not until:
        raise UsageError("a token has an owner and an end", f"write  {example}")
    with opened_fleet() as session:
        text = tokens.create(session, name, owner, until_ms(until, example))
        (made,) = (one for one in tokens.tokens(session) if one.name == name)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("token", token=text, name=name, owner=owner, until=until)
        return 0
    say(text)
    if not made.counts:
        say_beside(f"it does not count yet: {made.why_not}")
    return 0


def ls(output: OutputAs = Output.TEXT) -> int:
    """List the tokens, whether each counts, and why not."""
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.terminal import say, table, when
    from orchestr8.controller.tokens import tokens

    with opened_fleet() as session:
        found = tokens(session)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("tokens", tokens=list(found))
        return 0
    if not found:
        say("there are no tokens; `orchestr8 token create --help` says how one is made")
        return 0
    rows = [["NAME", "OWNER", "UNTIL (UTC)", "MADE BY", "COUNTS"]]
    for one in found:
        rows.append([one.name, one.owner, when(one.until_ms), one.made_by, one.why_not or "yes"])
    for line in table(rows):
        say(line)
    return 0


def revoke(name: Name, output: OutputAs = Output.TEXT) -> int:
    """Take a token back, at once: whoever has it is nobody from now on."""
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.terminal import say
    from orchestr8.controller import tokens

    with opened_fleet() as session:
        tokens.revoke(session, name)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("token revoked", name=name)
    else:
        say(f"the token {name} is revoked")
    return 0


COMMANDS = {"create": create, "ls": ls, "revoke": revoke}
