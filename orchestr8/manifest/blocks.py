"""What the blocks of the schema share: strictness, how a field is told, and shorthand.

Each field says in one place what it does, its default in words, an example, and what a change of
it does to running boxes; messages, `explain` and the JSON Schema are made from that.
"""

import os
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Other packages have no say in what a manifest means; looking for pydantic's plugins would also
# read files of every installed package each time.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

NEW_BOX = "a change forces a new box"
IN_PLACE = "a change is made in place, no restart"
GROWS = "a larger one is set in place, no restart; a smaller one is refused"
NOTHING = "a change does nothing to running boxes"
ITEMS_MOST = 1_000
NOT_BUILT = "not built yet, so every engine refuses it"
REQUIRED = "none, it must be written"


class Block(BaseModel):
    """A mapping of the language; unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True
    )


class Shorthand(Block):
    """A block whose key `shorthand` may be written as a bare value."""

    shorthand: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _long_form(cls, value: Any) -> Any:
        return {cls.shorthand: value} if isinstance(value, str) else value


def told(
    effect: str, example: str, default: str = "", value: Any = ..., change: str = "", **more: Any
) -> Any:
    """A field: its effect, an example in YAML, its default in words, what a change of it does.

    `value` is what the field holds when it is not written; without one it must be written.
    Lists and mappings have at most 1,000 items.
    """
    words = REQUIRED if value is ... else default
    if isinstance(value, list | dict):
        kind = type(value)
        # A function of ours: pydantic asks for the factory's signature, and Python makes that of
        # `list` and `dict` by parsing text, which costs more than the rest of a block.
        more = {"default_factory": lambda: kind(), "max_length": ITEMS_MOST, **more}
    else:
        more["default"] = value
    extra: Any = {"x-example": example, "x-default": words, "x-change": change}
    return Field(description=effect, json_schema_extra=extra, **more)
