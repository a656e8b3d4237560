"""`schema`: the JSON Schema of a manifest."""

from __future__ import annotations


def run() -> int:
    """Print the JSON Schema of a manifest, with which an editor completes and checks one.

    With the YAML language server, for instance, write the schema to a file and put this line on
    top of a manifest:  # yaml-language-server: $schema=./orchestr8.schema.json
    """
    import json

    from orchestr8.manifest.jsonschema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
