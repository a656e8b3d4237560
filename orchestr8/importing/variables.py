"""Variables as Compose has them: `$NAME`, `${NAME:-default}` and its kin, and `.env` files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from orchestr8.errors import Place
from orchestr8.importing.model import Findings
from orchestr8.manifest import foreign

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:([=:])\s*(.*))?$", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}
_DEPTH_MAX = 20

Lookup = Callable[[str], str | None]


class WrongVariableError(ValueError):
    """A `$` that starts nothing that Compose knows, or a variable that must be set and is not."""


class MissingVariableError(WrongVariableError):
    """The variable `name` must be set and is not."""

    def __init__(self, name: str, word: str) -> None:
        super().__init__(f"{name} must be set: {word or 'it has no default'}")
        self.name = name


def replaced(text: str, lookup: Lookup, depth: int = 0) -> str:
    """The text with every variable replaced, `$$` as one `$`. Raises WrongVariableError."""
    if depth > _DEPTH_MAX:
        raise WrongVariableError("variables within variables, too deep")
    parts: list[str] = []
    position = 0
    while (found := text.find("$", position)) >= 0:
        parts.append(text[position:found])
        following = text[found + 1 : found + 2]
        if following == "$":
            parts.append("$")
            position = found + 2
        elif following == "{":
            end = _closing(text, found + 2)
            parts.append(_braced(text[found + 2 : end], lookup, depth))
            position = end + 1
        elif match := _NAME.match(text, found + 1):
            parts.append(lookup(match[0]) or "")
            position = match.end()
        else:
            raise WrongVariableError(f'"${following}" is no variable; a plain $ is written $$')
    return "".join([*parts, text[position:]])


def _closing(text: str, start: int) -> int:
    """Where the brace closes that was opened before `start`."""
    open_braces, position = 1, start
    while position < len(text):
        if text.startswith("${", position):
            open_braces += 1
            position += 1
        elif text[position] == "}":
            open_braces -= 1
            if not open_braces:
                return position
        position += 1
    raise WrongVariableError("${ without its }")


def _braced(inner: str, lookup: Lookup, depth: int) -> str:
    match = _NAME.match(inner)
    if not match:
        raise WrongVariableError(f'"${{{inner[:30]}}}" names no variable')
    rest = inner[match.end() :]
    value = lookup(match[0])
    operator = next((one for one in _OPERATORS if rest.startswith(one)), "")
    if rest and not operator:
        raise WrongVariableError(f'"${{{inner[:30]}}}" is no form that Compose knows')
    is_set = value is not None and (value != "" or not operator.startswith(":"))
    word = rest[len(operator) :]
    match operator[-1:]:
        case "-":
            return value or "" if is_set else replaced(word, lookup, depth + 1)
        case "+":
            return replaced(word, lookup, depth + 1) if is_set else ""
        case "?" if not is_set:
            raise MissingVariableError(match[0], word)
    return value or ""


@dataclass
class Variables:
    """What is set, and which were asked for and are not set: taken as empty, or told as missing."""

    values: Mapping[str, str]
    unset: dict[str, Place] = field(default_factory=dict)
    _missing: set[str] = field(default_factory=set)

    def lookup(self, name: str) -> str | None:
        """A variable's value, or None."""
        return self.values.get(name)

    def fill(self, value: foreign.Value, findings: Findings, path: str = "") -> foreign.Value:
        """A value with every variable in it replaced; keys stay as they are.

        What cannot be filled in is told and is not there: nothing else is to be said of it.
        """
        match value:
            case foreign.Mapping():
                entries = {
                    key: foreign.Entry(one.place, filled)
                    for key, one in value.entries.items()
                    if (filled := self._filled(one.value, findings, f"{path}.{key}".lstrip(".")))
                }
                return replace(value, entries=entries)
            case foreign.Sequence():
                filled_items = (self._filled(one, findings, path) for one in value.items)
                return replace(value, items=tuple(filter(None, filled_items)))
        return value

    def _filled(self, value: foreign.Value, findings: Findings, path: str) -> foreign.Value | None:
        if not isinstance(value, foreign.Scalar):
            return self.fill(value, findings, path)
        return self._text_filled(value, findings, path) if "$" in value.text else value

    def _text_filled(
        self, scalar: foreign.Scalar, findings: Findings, path: str
    ) -> foreign.Scalar | None:
        def look(name: str) -> str | None:
            found = self.lookup(name)
            if found is None:
                unset.append(name)
            return found

        unset: list[str] = []
        try:
            text = replaced(scalar.text, look)
        except MissingVariableError as error:
            findings.unfilled.add(path)
            if error.name not in self._missing:
                self._missing.add(error.name)
                remedy = "set it in .env, or import again with --env-file"
                findings.must(scalar.place, path, str(error), remedy)
            return None
        except WrongVariableError as error:
            findings.unfilled.add(path)
            findings.must(scalar.place, path, str(error), "write it as Compose reads it")
            return None
        for name in unset:
            if re.search(rf"\$(?:{name}\b|{{{name}}})", scalar.text):
                self.unset.setdefault(name, scalar.place)
        # YAML types what is written, and a value that is filled in was written as text; a number
        # or a word for true is one in either case where the field takes such a thing.
        return replace(scalar, text=text, plain=False)


def read_env_file(text: str, outer: Mapping[str, str]) -> dict[str, str | None]:
    """The variables of a `.env` file; a name alone has no value. Raises WrongVariableError.

    Values may name variables above them and outer ones; single quotes keep a `$` as it is.
    """
    values: dict[str, str | None] = {}

    def look(name: str) -> str | None:
        return values[name] if name in values else outer.get(name)

    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line)
        if not match:
            raise WrongVariableError(f"line {number} is not NAME=value")
        name, sign, rest = match.groups()
        if not sign:
            values[name] = outer.get(name)
            continue
        quote = rest[:1]
        while quote in ("'", '"') and _end_of_quoted(rest, quote) < 0:
            following = next(lines, None)
            if following is None:
                raise WrongVariableError(f"line {number} opens a quote that does not close")
            rest += "\n" + following[1]
        values[name] = _value(rest, look)
    return values


def _end_of_quoted(text: str, quote: str) -> int:
    position = 1
    while position < len(text):
        if text[position] == "\\" and quote == '"':
            position += 1
        elif text[position] == quote:
            return position
        position += 1
    return -1


def _value(text: str, look: Lookup) -> str:
    if text.startswith("'"):
        return text[1 : _end_of_quoted(text, "'")]
    if text.startswith('"'):
        inner = text[1 : _end_of_quoted(text, '"')]
        inner = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), inner)
        return replaced(inner, look)
    return replaced(re.split(r"\s#", text, maxsplit=1)[0].strip(), look)
