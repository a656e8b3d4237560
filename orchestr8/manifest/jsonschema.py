"""The JSON Schema of the language, with which an editor completes and checks a manifest.

It refuses no manifest that `load` takes. What needs more than one value to judge is left to
`orchestr8 validate`.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from orchestr8.manifest import describe
from orchestr8.manifest.blocks import Block, Shorthand
from orchestr8.manifest.whole import Manifest

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OURS = ("x-example", "x-default", "x-change")


class _Generate(GenerateJsonSchema):
    """pydantic's generator; an optional key is left out in a manifest and never null."""

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        return {
            "type": "object",
            "propertyNames": self.generate_inner(schema["keys_schema"]),
            "additionalProperties": self.generate_inner(schema["values_schema"]),
        }


def json_schema() -> dict[str, Any]:
    """The whole schema as one JSON document."""
    document = Manifest.model_json_schema(by_alias=True, schema_generator=_Generate)
    definitions = document.pop("$defs", {})
    blocks = {block.__name__: block for block in _blocks(Manifest)}
    finished = {name: _definition(blocks[name], body) for name, body in definitions.items()}
    whole = cast(dict[str, Any], _told(document))
    return {
        "$schema": DIALECT,
        **whole,
        "title": "an orchestr8 manifest",
        "anyOf": [{"required": ["owner"]}, {"required": ["platform"]}],
        "$defs": dict(sorted(finished.items())),
    }


def _blocks(block: type[Block]) -> set[type[Block]]:
    found = {block}
    for info in describe.keys_of(block).values():
        below = describe.block_of(info)
        if below:
            found |= _blocks(below)
    return found


def _definition(block: type[Block], body: dict[str, Any]) -> Any:
    """A block, or the bare value that stands for one of its keys, or nothing at all."""
    whole = cast(dict[str, Any], _told(body))
    if issubclass(block, Shorthand):
        short = {**whole["properties"][block.shorthand]}
        return {"anyOf": [short, whole], "description": whole["description"]}
    if not describe.must_have(block) and block.__name__ in ("VolumeBlock", "SecretBlock"):
        return {**whole, "type": ["object", "null"]}
    return whole


def _told(body: Any) -> Any:
    """A fragment in which each field says its effect, default, change and example in words."""
    if isinstance(body, list):
        return [_told(item) for item in body]
    if not isinstance(body, dict):
        return body
    words = {key: body[key] for key in _OURS if key in body}
    kept = {key: _told(value) for key, value in body.items() if key not in words}
    if isinstance(kept.get("title"), str):
        del kept["title"]
    if words:
        said = [kept["description"]]
        said += [f"default: {words['x-default']}"] if words["x-default"] else []
        said += [words["x-change"]] if words["x-change"] else []
        said += [f"example: {words['x-example']}"]
        kept["description"] = "\n".join(said)
    return kept
