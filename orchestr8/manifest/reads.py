"""How one value of the language is read: text to a typed value, or what is wrong and the remedy.

A field of the schema is annotated with a `Reads`: it carries the reader, the words for messages
and for `explain`, and the JSON Schema for editors, so that none of these is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Empty:
    """What stands for a value that is not there: `key:` and nothing after it."""


EMPTY = Empty()
TEXT = {"type": "string"}
"""The JSON Schema of a text of which no more is said."""


class WrongError(ValueError):
    """A value that cannot be read: what is wrong, the remedy, and where below the value.

    `at` leads from the value to the flaw: keys and indexes; `on_key` means the key itself, which
    the sentence names, so that the path in front of it ends above.
    """

    def __init__(
        self, what: str, remedy: str = "", at: tuple[str | int, ...] = (), on_key: bool = False
    ) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.at = at
        self.on_key = on_key


class WrongsError(ValueError):
    """Several flaws of one value."""

    def __init__(self, flaws: tuple[WrongError, ...]) -> None:
        super().__init__("; ".join(flaw.what for flaw in flaws))
        self.flaws = flaws


def shape_of(value: object) -> str:
    """A value's shape in the reader's words."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if isinstance(value, Empty) else "text"


def empty_is_mapping(value: object) -> object:
    """For blocks without a key that must be written: `name:` alone is one without any key."""
    return {} if value is EMPTY else value


def sentence(error: ValueError) -> WrongError:
    """A reader's ValueError, whose sentence has its remedy after a semicolon."""
    if isinstance(error, WrongError):
        return error
    what, _, remedy = str(error).partition("; ")
    return WrongError(what, remedy)


class Reads:
    """The reader of a text with its `kind` in words, an example, and its JSON Schema."""

    def __init__(
        self,
        read: Callable[[str], Any],
        kind: str,
        example: str,
        schema: Mapping[str, Any] = TEXT,
        remedy: str = "",
    ) -> None:
        self.read = read
        self.kind = kind
        self.example = example
        self.schema = schema
        self.remedy = remedy

    def check(self, value: object) -> Any:
        """The typed value; raises WrongError."""
        if not isinstance(value, str):
            if value is EMPTY:
                remedy = self.remedy or f"write {self.kind}, as in {self.example}"
                raise WrongError("has no value", remedy)
            raise WrongError(
                f"must be {self.kind}, and is {shape_of(value)}",
                self.remedy or f"write it as in {self.example}",
            )
        try:
            return self.read(value)
        except ValueError as error:
            raise sentence(error) from None

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> Any:
        return dict(self.schema)


class ReadsShape:
    """The reader of a value that is not one text: it gets the whole value, maps and lists too."""

    def __init__(
        self,
        read: Callable[[Any], Any],
        kind: str,
        example: str,
        schema: Callable[[], dict[str, Any]],
    ) -> None:
        self.read = read
        self.kind = kind
        self.example = example
        self.schema = schema

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> Any:
        return self.schema()
