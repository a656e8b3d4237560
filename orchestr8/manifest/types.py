"""The typed values that several blocks of the language use."""

from typing import Annotated

from orchestr8 import names
from orchestr8.manifest import editor, paths, scalars
from orchestr8.manifest.reads import Reads

Literal = Annotated[
    str,
    Reads(
        scalars.literal,
        "text",
        "info",
        editor.LITERAL,
        'write one text, in quotes where it has special characters; "" is an empty one',
    ),
]
Why = Annotated[
    str, Reads(scalars.sentence_text, "a reason", "card payments", editor.text(maxLength=400))
]
Until = Annotated[str, Reads(scalars.until, "an end", "2027-02-28", editor.UNTIL)]

OwnerName = Annotated[
    str,
    Reads(scalars.owner_name, "an owner's name", "payments", editor.name(names.OWNER_LENGTH_MAX)),
]
ServiceKey = Annotated[
    str,
    Reads(
        scalars.bare_service_name, "a service's name", "api", editor.name(names.SERVICE_LENGTH_MAX)
    ),
]
Name = Annotated[
    str, Reads(scalars.name, "a name", "db-password", editor.name(names.NAME_LENGTH_MAX))
]
Peer = Annotated[
    tuple[str, str], Reads(scalars.service_name, "a service", "migrate", editor.NAME_OF_OWNER)
]
FullPeer = Annotated[
    tuple[str, str],
    Reads(scalars.full_service_name, "a service with its owner", "api.payments", editor.FULL_NAME),
]
Port = Annotated[int, Reads(scalars.port, "a port", "8080", editor.number(1, 65_535))]
Cpu = Annotated[int, Reads(scalars.cpu, "a number of cores", "0.5", editor.CPU)]
Size = Annotated[int, Reads(scalars.size, "a size", "64MiB", editor.SIZE)]
Memory = Annotated[int, Reads(scalars.memory, "a size", "256MiB", editor.SIZE)]
ByteRate = Annotated[int, Reads(scalars.byte_rate, "a rate", "50MiB/s", editor.BYTE_RATE)]
BitRate = Annotated[int, Reads(scalars.bit_rate, "a rate", "20Mbit/s", editor.BIT_RATE)]
BoxPath = Annotated[str, Reads(paths.target, "a path in the box", "/var/cache/api", editor.PATH)]


def count(least: int, most: int, example: str) -> Reads:
    """A whole number within a range."""
    kind = f"a whole number from {least} to {most}"
    return Reads(scalars.whole_number(least, most), kind, example, editor.number(least, most))


def time_within(least: str, most: str, example: str) -> Reads:
    """A time within a range."""
    return Reads(scalars.time_between(least, most), "a time", example, editor.TIME)


def word(*words: str) -> Reads:
    """One of a few words."""
    return Reads(scalars.word(*words), " or ".join(words), words[0], {"enum": list(words)})
