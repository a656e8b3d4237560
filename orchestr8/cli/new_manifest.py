"""A manifest that a command writes: for whom, and into which new file."""

from __future__ import annotations

import os
from pathlib import Path

from orchestr8 import names
from orchestr8.errors import UsageError
from orchestr8.importing.naming import fitted


def owner_named(asked: str) -> str:
    """The owner that was typed, else who types; raises UsageError for what is no name."""
    login = os.environ.get("SUDO_USER") or os.environ.get("USER") or ""
    return checked_name(asked, names.OWNER_LENGTH_MAX) or owner_from(login)


def owner_from(user: str) -> str:
    """A login as an owner's name; `me` where that says nothing."""
    return "me" if user == "root" else fitted(user, names.OWNER_LENGTH_MAX, "me")


def checked_name(name: str, length_most: int) -> str:
    """A name that was typed, or the empty text; raises UsageError."""
    reason = names.name_problem(name, length_most) if name else None
    if reason:
        raise UsageError(f'"{name}": {reason}')
    return name


def write_new(out: str, text: str) -> None:
    """Writes a file that is not there yet; raises UsageError."""
    try:
        with Path(out).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{out} is there already, and is left as it is", "name another file"
        ) from None
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
