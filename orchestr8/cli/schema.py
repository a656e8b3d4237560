"""`schema`: the JSON Schema of a manifest."""

from __future__ import annotations

from orchestr8.cli.arguments import Output, OutputAs


def run(output: OutputAs = Output.TEXT) -> int:
    """Print the JSON Schema of a manifest, with which an editor completes and checks one.

    With the YAML language server, for instance, write the schema to a file and put this line on
    top of a manifest:  # yaml-language-server: $schema=./orchestr8.schema.json

    It is JSON as it stands; --output json puts it into a document like every other command's.
    """
    import json

    from orchestr8.manifest.jsonschema import json_schema

    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("schema", manifest=json_schema())
        return 0
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
