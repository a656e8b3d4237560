"""The API's description in OpenAPI 3.1, made of the routes and the models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from orchestr8.server.documents import Command, Event, Health, Me, Refusal
from orchestr8.server.joint import UPGRADE
from orchestr8.server.routes import Route

_REF = "#/components/schemas/{model}"
_REFUSED = {
    "400": "The document is not what the schema says.",
    "403": "You are nobody to this machine, or it is the platform's alone.",
    "404": "There is no such route.",
    "405": "The route has another method.",
    "409": "The same idempotency key is under way, or was given with another command.",
    "411": "The document's length is not given.",
    "412": "The set is at another revision than If-Match says; nothing was changed.",
    "413": "The document is larger than 64 MiB.",
    "429": "You have too many commands under way.",
    "503": "The machine has no thread or no file for the command; nothing was changed.",
}

_JOINING = (
    f"With the header `Upgrade: {UPGRADE}` the connection is joined to the command once the answer "
    "has come: frames both ways, each a byte for the stream, three empty ones, four for the length "
    "(big-endian), and the content. Streams are 0 for the input (an empty frame is its end), 1 and "
    "2 for the outputs, 3 for a terminal's columns and lines as text, 4 for the exit status as "
    "text, the last. Without it the command has no input and ten minutes, its outputs are bounded, "
    "and they come at its end."
)

_ETAG = {
    "description": "The revision that the set is at, 0 for none, where one set is spoken of.",
    "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The revision of the set that the change was made against, as an ETag told it: "
    "the same as --expect among the arguments.",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
}


def description(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The whole document."""
    models = [(model, "validation") for model in (Command, Event, Health, Me, Refusal)]
    _, schemas = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "orchestr8",
            "version": version,
            "description": "Commands of one machine. Who asks is known by the kernel's word for "
            "the other end of the socket. An answer to a command is JSON line by line, each line "
            "one Event; whoever needs facts gives `--output json` among the arguments.",
        },
        "paths": paths,
        "components": {"schemas": schemas["$defs"]},
    }


def _operation(route: Route) -> dict[str, Any]:
    if route.hears:
        return _heard(route)
    answers: dict[str, Any] = {
        code: {"description": text, "content": _content("Refusal")}
        for code, text in _REFUSED.items()
        if (route.verb or code in ("403", "404", "405"))
        and (code != "412" or (route.changes and route.of_set))
    }
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "x-platform": route.platform,
    }
    if route.verb:
        answers["200"] = {
            "description": "What the command says while it runs, and its exit status at the end.",
            "content": {"application/x-ndjson": {"schema": {"$ref": _REF.format(model="Event")}}},
        }
        if route.of_set and not route.changes:
            answers["200"]["headers"] = {"ETag": _ETAG}
        operation["requestBody"] = {"required": True, "content": _content("Command")}
        if route.joins:
            operation["description"] = _JOINING
            answers["101"] = {"description": "The connection is the command's."}
    elif route.path == "/metrics":
        text = {"text/plain": {"schema": {"type": "string"}}}
        answers["200"] = {"description": route.summary, "content": text}
    elif route.monitors:
        for code, what in (("200", "All is well."), ("503", "It is not, and why.")):
            answers[code] = {"description": what, "content": _content("Health")}
    else:
        told = _content("Me") if route.name == "me" else {"application/json": {"schema": {}}}
        answers["200"] = {"description": route.summary, "content": told}
    if route.changes:
        operation["parameters"] = [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The command is done once for each key of yours; whoever gives the "
                "key again within the hour is told what came of it.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
            }
        ]
        if route.of_set:
            operation["parameters"].append(_IF_MATCH)
    return {**operation, "responses": answers}


def _heard(route: Route) -> dict[str, Any]:
    """A forge's word: it has no identity, so that nothing but a secret is asked for."""
    anything: dict[str, Any] = {"application/json": {"schema": {}}}
    return {
        "operationId": route.name,
        "summary": route.summary,
        "description": "The body, of at most 1 MiB, is signed with the secret of the source's "
        "`webhook`, as X-Hub-Signature-256 or X-Gitea-Signature show it, or the secret comes as "
        "X-Gitlab-Token. Nothing in the body is believed: the source is asked what it has.",
        "x-platform": False,
        "parameters": [
            {"name": "source", "in": "path", "required": True, "schema": {"type": "string"}}
        ],
        "requestBody": {"content": anything},
        "responses": {
            "202": {"description": "The source is asked.", "content": anything},
            "404": {"description": "Anything is wrong.", "content": _content("Refusal")},
        },
    }


def _content(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model)}}}
