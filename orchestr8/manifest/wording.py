"""How a place in a file and a value are put into a sentence."""

from __future__ import annotations

_VERBS = ("is ", "has ", "must ", "lacks ", "names ", "says ")


def said(path: str, what: str) -> str:
    """A place in words before what is wrong there."""
    return f"{path} {what}" if what.startswith(_VERBS) else f"{path}: {what}"


def dotted(path: str, where: tuple[str | int, ...]) -> str:
    """A path in words: `services.api.limits.memory`."""
    steps = [shortened(str(step)) for step in where if step != ""]
    return ".".join([path, *steps] if path else steps) or "the file"


def shortened(text: str) -> str:
    """A value for a message: never more than 40 characters of it."""
    return text if len(text) <= 40 else text[:39] + "…"


def escaped(text: str) -> str:
    """Text that cannot act on a terminal: what is not printable as its code point."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{{{number:x}}}"
