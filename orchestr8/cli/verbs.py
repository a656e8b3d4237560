"""The table of verbs, in the order in which one needs them; and what people type instead."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """A verb's module in this package, and its line in the list of commands."""

    module: str
    summary: str


VERBS = {
    "init": Verb("init", "Write a first manifest from an image."),
    "validate": Verb("validate", "Check manifests; no engine is needed."),
    "plan": Verb("plan", "Show what an apply would do, and why."),
    "apply": Verb("apply", "Make the manifests true."),
    "status": Verb("status", "Show what runs, what waits, and whose it is."),
    "why": Verb("why", "Say why a service is as it is, whose move it is, and what to type."),
    "logs": Verb("logs", "Print the last lines of a box."),
    "exec": Verb("execute", "Run a command in a box."),
    "down": Verb("down", "Stop the boxes of a set; manifests and data stay."),
    "remove": Verb("remove", "Stop the boxes of a set and forget its manifests; data stays."),
    "prove": Verb("prove", "Check running boxes against the kernel, claim by claim."),
    "schema": Verb("schema", "Print the JSON Schema of a manifest, for editors."),
    "explain": Verb("explain", "Explain a field of the manifest, or a relaxation."),
    "doctor": Verb("doctor", "Say what this host and its engine can and cannot carry."),
}

OF_OTHER_TOOLS = {
    "up": "apply",
    "create": "apply",
    "start": "apply",
    "run": "apply",
    "deploy": "apply",
    "diff": "plan",
    "check": "validate",
    "lint": "validate",
    "config": "validate",
    "ps": "status",
    "ls": "status",
    "list": "status",
    "get": "status",
    "top": "status",
    "describe": "why",
    "inspect": "why",
    "log": "logs",
    "shell": "exec",
    "ssh": "exec",
    "attach": "exec",
    "stop": "down",
    "rm": "remove",
    "delete": "remove",
    "destroy": "remove",
    "verify": "prove",
    "audit": "prove",
    "help": "--help",
    "new": "init",
    "info": "doctor",
    "version": "--version",
}
"""Words that people bring along, and the verb that does it here."""


def nearest_verb(word: str) -> str:
    """The verb that was probably meant, or the empty text."""
    if word in OF_OTHER_TOOLS:
        return OF_OTHER_TOOLS[word]
    from difflib import get_close_matches

    return next(iter(get_close_matches(word[:40].lower(), VERBS, n=1, cutoff=0.6)), "")
