"""The table of verbs, in the order in which one needs them; and what people type instead."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """A verb's module in this package, and its line in the list of commands.

    The module has the function `run`, or the table `COMMANDS` of what stands after the verb.
    """

    module: str
    summary: str


VERBS = {
    "init": Verb("init", "Write a first manifest from an image."),
    "import": Verb("importing", "Write a manifest from a Compose file, and what it cannot carry."),
    "validate": Verb("validate", "Check manifests; no engine is needed."),
    "plan": Verb("plan", "Show what an apply would do, and why."),
    "apply": Verb("apply", "Make the manifests true."),
    "sync": Verb("sync", "Ask sources for what is new, and apply what is good."),
    "status": Verb("status", "Show what runs, what waits, and whose it is."),
    "top": Verb("top", "Show what owners and boxes use: cpu, memory, pressure, network."),
    "why": Verb("why", "Say why a service is as it is, whose move it is, and what to type."),
    "trace": Verb("trace", "Say which commit led to a box, who signed it, who approved what."),
    "restart": Verb("restart", "Replace the boxes of a service by fresh ones."),
    "set": Verb("override", "Set a limit or the replicas live, beside the manifest."),
    "hold": Verb("hold", "Leave a service alone for a while, whatever happens to it."),
    "logs": Verb("logs", "Print the last lines of a box."),
    "exec": Verb("execute", "Run a command in a box."),
    "down": Verb("down", "Stop the boxes of a set; manifests and data stay."),
    "remove": Verb("remove", "Stop the boxes of a set and forget its manifests; data stays."),
    "history": Verb("history", "Show who applied what and when; and the journal."),
    "events": Verb("events", "Show what happened to what is yours, and what happens now."),
    "rollback": Verb("rollback", "Take a whole set back to an earlier revision."),
    "upgrade": Verb("upgrade", "Take up a newer version of STRICT."),
    "backup": Verb("backup", "The store in one checked file: create, check, restore."),
    "volume": Verb("volume", "Look after data: ls, copy, restore, delete."),
    "secret": Verb("secret", "Seal secrets for the repository: recipient, seal."),
    "token": Verb("token", "Let somebody in from elsewhere, for an owner: create, ls, revoke."),
    "image": Verb("image", "Images of the crun engine: ls, import, rm, gc."),
    "prove": Verb("prove", "Check running boxes against the kernel, claim by claim."),
    "serve": Verb("serve", "Keep everything as it was applied, until told to stop."),
    "enable": Verb("enable", "Have systemd bring the boxes back after a reboot."),
    "disable": Verb("disable", "Take back what enable did; boxes that run stay."),
    "adopt": Verb("adopt", "Take boxes over whose store was lost, without a restart."),
    "schema": Verb("schema", "Print the JSON Schema of a manifest, for editors."),
    "explain": Verb("explain", "Explain a field of the manifest, or a relaxation."),
    "doctor": Verb("doctor", "Say what this host and its engine can and cannot carry."),
}

OF_OTHER_TOOLS = {
    "recover": "adopt",
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
    "stats": "top",
    "htop": "top",
    "describe": "why",
    "inspect": "why",
    "blame": "trace",
    "log": "logs",
    "shell": "exec",
    "ssh": "exec",
    "attach": "exec",
    "pause": "hold",
    "freeze": "hold",
    "scale": "set",
    "update": "set",
    "reload": "restart",
    "pull": "sync",
    "fetch": "sync",
    "recreate": "restart",
    "stop": "down",
    "undo": "rollback",
    "revert": "rollback",
    "rm": "remove",
    "delete": "remove",
    "destroy": "remove",
    "verify": "prove",
    "audit": "prove",
    "watch": "events",
    "tail": "events",
    "help": "--help",
    "daemon": "serve",
    "server": "serve",
    "loop": "serve",
    "new": "init",
    "convert": "import",
    "migrate": "import",
    "kompose": "import",
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
