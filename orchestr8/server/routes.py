"""Which routes there are: one table, from which requests are led and the API is documented."""

from __future__ import annotations

from typing import NamedTuple

PREFIX = "/v1"
HOOKS = f"{PREFIX}/hooks/"


class Route(NamedTuple):
    """One method of one path.

    `verb` is the command that it is, or empty; `changes` is whether the command may change
    something, so that it waits its turn and is done once for each idempotency key.
    """

    method: str
    path: str
    summary: str
    verb: str = ""
    changes: bool = False
    platform: bool = False
    """Whether it is the platform's alone."""
    of_set: bool = False
    """Whether it is of one set, whose revision it tells, or expects where it changes something."""
    monitors: bool = False
    """Whether it is for whoever watches machines."""
    hears: bool = False
    """Whether it is for forges, which have a secret and no identity; a source ends its path."""
    joins: bool = False
    """Whether its command may be joined to the connection that it comes by."""

    @property
    def name(self) -> str:
        """The operation's name in the document."""
        return self.path.rpartition("/")[2].partition(".")[0].strip("{}")


def _look(verb: str, summary: str, *, of_set: bool = False, joins: bool = False) -> Route:
    return Route("POST", f"{PREFIX}/commands/{verb}", summary, verb, of_set=of_set, joins=joins)


def _change(verb: str, summary: str, *, platform: bool = False, of_set: bool = False) -> Route:
    path = f"{PREFIX}/commands/{verb}"
    return Route("POST", path, summary, verb, changes=True, platform=platform, of_set=of_set)


ROUTES = (
    Route("GET", f"{PREFIX}/openapi.json", "This document."),
    Route("GET", f"{PREFIX}/me", "Who you are to this machine."),
    Route("GET", "/healthz", "Whether the server lives.", monitors=True),
    Route("GET", "/readyz", "Whether boxes are kept as they shall be.", monitors=True),
    Route("GET", "/metrics", "Figures for Prometheus, of what is yours.", monitors=True),
    Route("POST", f"{HOOKS}{{source}}", "A forge says that something was pushed.", hears=True),
    _look("plan", "What an apply would do, and why.", of_set=True),
    _change("apply", "Make the manifests true.", of_set=True),
    _look("status", "What runs, what waits, and whose it is."),
    _look("top", "What owners and boxes use: cpu, memory, pressure, network."),
    _look("why", "Why a service is as it is, whose move it is, and what to type."),
    _look("logs", "The last lines of a box, and those that come."),
    _look("exec", "Run a command in a box.", joins=True),
    _look("history", "Who applied what and when; and the journal.", of_set=True),
    _look("events", "What happened to what is yours; and what happens, line by line."),
    _look("trace", "Which commit led to a box, who signed it, who approved what."),
    _look("prove", "Check running boxes against the kernel, claim by claim."),
    _change("restart", "Replace the boxes of a service by fresh ones."),
    _change("set", "Set a limit or the replicas live, beside the manifest."),
    _change("hold", "Leave a service alone for a while, whatever happens to it."),
    _change("down", "Stop the boxes of a set; manifests and data stay.", of_set=True),
    _change("remove", "Stop the boxes of a set and forget its manifests; data stays.", of_set=True),
    _change("sync", "Ask sources for their newest commit, and apply it if it is new and good."),
    _change("rollback", "Take a whole set back to an earlier revision.", of_set=True),
    _change("volume", "Volumes and their copies: ls, copy, restore, delete."),
    _change("token", "Let somebody in from elsewhere, or no longer.", platform=True),
    _change("upgrade", "Take up a newer version of STRICT.", platform=True),
)
BY_PLACE = {(route.method, route.path): route for route in ROUTES}
