"""Bytes to checked text: UTF-8 only, of bounded size, without characters that mislead a reader.

A manifest is read by people in a review, so what they see must be what is parsed: control
characters, byte order marks, bidirectional controls and the like are refused, comments included.
"""

from __future__ import annotations

import re

from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.manifest.model import Source
from orchestr8.reading import ENDINGS as ENDINGS
from orchestr8.reading import FILE_BYTES_MAX as FILE_BYTES_MAX
from orchestr8.reading import SET_BYTES_MAX as SET_BYTES_MAX
from orchestr8.reading import looks_like_a_manifest as looks_like_a_manifest

SCALAR_BYTES_MAX = 16 << 10
DEPTH_MAX = 32
"""How deep mappings and lists may lie in each other."""

_PLANE_ENDS = "".join(chr((plane << 16) + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but tab, line feed, return
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029\ufeff\ud800-\udfff\ufdd0-\ufdef" + _PLANE_ENDS + "]"
)
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_LONE_RETURN = "\r(?!\n)"
_BIDI = "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"


def decode(name: str, content: bytes) -> Source:
    """Reads one file's bytes; raises ManifestError for a size or an encoding that is refused."""
    problem = _size_problem(name, len(content))
    if problem is None and (content.startswith(_WIDE) or b"\x00" in content[:4]):
        problem = Problem(Place(name, 1, 1), "the file is UTF-16 or UTF-32", "save it as UTF-8")
    if problem is None:
        try:
            return Source(name, content.decode("utf-8"))
        except UnicodeDecodeError as error:
            problem = _encoding_problem(name, content, error.start)
    raise ManifestError((problem,))


def check_text(source: Source) -> list[Problem]:
    """What is wrong with a text before anything is parsed; one problem for each kind of flaw."""
    size_bytes = len(source.text.encode("utf-8", "surrogatepass"))
    problem = _size_problem(source.name, size_bytes)
    if problem:
        return [problem]
    if source.text.startswith("\ufeff"):
        return [
            Problem(
                Place(source.name, 1, 1),
                "the file starts with a byte order mark (U+FEFF)",
                "save it as UTF-8 without a byte order mark",
            )
        ]
    found: dict[str, Problem] = {}
    for match in _REFUSED.finditer(source.text):
        if match[0] not in found and len(found) < 10:
            found[match[0]] = character_problem(_place(source, match.start()), match[0])
    if not found and (match_return := re.search(_LONE_RETURN, source.text)):
        place = _place(source, match_return.start())
        return [
            Problem(place, "a carriage return without a line feed", "end lines with a line feed")
        ]
    return list(found.values())


def refused_character(text: str) -> str | None:
    """The first character of `text` that no manifest may contain, or None."""
    match = _REFUSED.search(text)
    return match[0] if match else None


def without_refused(text: str) -> str:
    """The text with every refused character replaced, so that it can be handled at all."""
    return _REFUSED.sub("?", text)


def character_problem(place: Place, character: str) -> Problem:
    """Names a refused character by its code point."""
    code = f"U+{ord(character):04X}"
    if re.match(_BIDI, character):
        return Problem(
            place,
            f"{code} changes the direction of text, so a reader sees something else than is parsed",
            "take the character out",
        )
    return Problem(place, f"the character {code} is not allowed in a manifest", "take it out")


def _place(source: Source, offset: int) -> Place:
    before = source.text[:offset]
    return Place(source.name, before.count("\n") + 1, offset - before.rfind("\n"))


def _size_problem(name: str, size_bytes: int) -> Problem | None:
    if size_bytes <= FILE_BYTES_MAX:
        return None
    return Problem(
        Place(name),
        f"the file has {size_bytes} bytes; a manifest has at most 1MiB",
        "split it into several files of one folder",
    )


def _encoding_problem(name: str, content: bytes, offset: int) -> Problem:
    before = content[:offset]
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return Problem(
        Place(name, before.count(b"\n") + 1, column),
        f"the byte 0x{content[offset]:02x} is not UTF-8",
        "save the file as UTF-8",
    )
