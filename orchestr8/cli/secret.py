"""`secret`: sealed secrets, of which only this machine learns the value."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from orchestr8 import names
from orchestr8.cli.arguments import Output, OutputAs
from orchestr8.errors import RejectedError, UsageError

OwnerName = Annotated[
    str, typer.Argument(metavar="OWNER", help="The owner, as in payments.", show_default=False)
]
SecretName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The secret, as in db-password.", show_default=False),
]
Recipient = Annotated[
    str,
    typer.Option(
        "--recipient",
        metavar="KEY",
        help="The owner's public key, on a machine that has not the owner's key itself.",
        show_default=False,
    ),
]


def recipient(owner: OwnerName, output: OutputAs = Output.TEXT) -> int:
    """Print an owner's public key; the first time, make it.

    Secrets are sealed for this key, which may be known to everybody. The private key stays on this
    machine, in the folder of secrets, and nothing ever prints it.
    """
    from orchestr8.controller.settings import Settings
    from orchestr8.host.sealed_secrets import OwnerKeys

    _require_name(owner, names.OWNER_LENGTH_MAX, "an owner")
    keys = OwnerKeys(Settings.from_environment().secrets)
    public, made = keys.recipient(owner)
    if made:
        print(f"made the key of owner {owner}: {keys.path(owner)}", file=sys.stderr)
        print("keep a copy in a safe place: what is sealed for it is lost with it", file=sys.stderr)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("recipient", owner=owner, recipient=public, made=made)
    else:
        print(public)
    return 0


def seal(
    owner: OwnerName,
    name: SecretName,
    recipient: Recipient = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Seal a value: read from standard input, printed as a file for the repository.

    `orchestr8 secret seal payments db-password < value > db-password.age`, and in the manifest
    `secrets: {db-password: {sealed: ./db-password.age}}`. The value is taken as it is, byte by
    byte. On another machine, `--recipient` takes the key that `orchestr8 secret recipient OWNER`
    prints here.
    """
    from orchestr8.controller.settings import Settings
    from orchestr8.host.sealed_secrets import OwnerKeys, sealed

    _require_name(owner, names.OWNER_LENGTH_MAX, "an owner")
    _require_name(name, names.NAME_LENGTH_MAX, "a secret")
    if not recipient:
        keys = OwnerKeys(Settings.from_environment().secrets)
        if not keys.exists(owner):
            raise RejectedError(
                f"owner {owner} has no key on this machine",
                f"make it:  orchestr8 secret recipient {owner}   or give its public key, made on "
                f"the machine where {owner} runs:  --recipient age1...",
            )
        recipient, _ = keys.recipient(owner)
    value = _value(name)
    if not value:
        raise UsageError(
            "the value is empty", f"orchestr8 secret seal {owner} {name} < VALUE > {name}.age"
        )
    text = sealed(value, recipient).decode("ascii")
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("sealed secret", owner=owner, name=name, recipient=recipient, sealed=text)
        return 0
    print(text, end="")
    if value.endswith(b"\n"):
        print("note: the value ends with a line break, and keeps it", file=sys.stderr)
    print(f"in the manifest:  secrets: {{{name}: {{sealed: ./{name}.age}}}}", file=sys.stderr)
    return 0


COMMANDS = {"recipient": recipient, "seal": seal}


def _value(name: str) -> bytes:
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"value of {name}, not shown: ").encode()
    return sys.stdin.buffer.read()


def _require_name(text: str, length_max: int, kind: str) -> None:
    reason = names.name_problem(text, length_max)
    if reason:
        raise UsageError(f'"{text}" cannot name {kind}: {reason}', "write it as in the manifest")
