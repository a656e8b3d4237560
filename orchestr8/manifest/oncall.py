"""Where alarms go: an address of the web, or a command of this machine."""

from __future__ import annotations

import shlex
from typing import Any

from orchestr8.manifest import scalars
from orchestr8.manifest.editor import Schema, text
from orchestr8.manifest.reads import WrongError, sentence, shape_of

WORDS_MOST = 50
_EXAMPLE = "write it as in https://hooks.example/web, or as a list: [/usr/local/bin/page, web]"


def oncall(value: Any) -> str:
    """An address, or the words of a command as one line; raises WrongError.

    A command is a list whose first word is a whole path: no shell reads it, and no PATH is asked.
    """
    if isinstance(value, str):
        if value.startswith("/"):
            raise WrongError("is a command, and not a list of its words", _EXAMPLE)
        try:
            return scalars.url(value)
        except ValueError as error:
            raise sentence(error) from error
    if not isinstance(value, list):
        raise WrongError(f"must be an address or a command, and is {shape_of(value)}", _EXAMPLE)
    if not all(isinstance(one, str) and one.isprintable() for one in value):
        raise WrongError("is a command, and has something else than words in it", _EXAMPLE)
    if not value or not value[0].startswith("/") or "/../" in value[0]:
        raise WrongError(
            "is a command, and does not begin with the whole path of a program", _EXAMPLE
        )
    if len(value) > WORDS_MOST:
        raise WrongError(f"has more than {WORDS_MOST} words", "give the program a file to read")
    return shlex.join(value)


def schema() -> Schema:
    """What an editor knows of it."""
    command = {"type": "array", "items": text(), "minItems": 1, "maxItems": WORDS_MOST}
    return {"anyOf": [text(pattern="^https?://"), command]}
