"""Transactions on the packet filter, and listings of it, in the language of `nft`.

By the library where it is there, else by the program: the same words, a process more each time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestr8.errors import (
    EngineError,
    FeatureMissingError,
    RejectedError,
    UnavailableError,
)
from orchestr8.host import nft_library, programs

_PACKAGE = "nftables"
_ABSENT = "No such file or directory"
_NO_RIGHTS = ("Operation not permitted", "Permission denied")
_NO_KERNEL = ("Protocol not supported", "Operation not supported", "Protocol not available")
_BUSY = ("Device or resource busy", "Resource temporarily unavailable", "Interrupted system call")


class CollisionError(Exception):
    """The table is not as the transaction supposed: something was absent or there already."""


def transact(script: str) -> None:
    """All of the script's commands, or none.

    Raises CollisionError where the script does not fit what is there: read again, then repeat.
    """
    answer = _ask(script)
    if answer.status == 0:
        return
    if _ABSENT in answer.errors or "File exists" in answer.errors:
        raise CollisionError(answer.first_error)
    raise _failure(answer)


def listing(table: str) -> list[dict[str, Any]] | None:
    """The parts of our table as nft prints them, or None where there is no such table."""
    return _listed(f"list table inet {table}")


def tables() -> list[str]:
    """The names of all tables of the family that ours is of."""
    return [part["table"]["name"] for part in _listed("list tables inet") or ()]


def sets(table: str, names: Mapping[str, bool]) -> list[dict[str, Any]] | None:
    """The same of these sets only, each with whether it is a map; None where one is missing."""
    found = []
    for name, is_map in names.items():
        parts = _listed(f"list {'map' if is_map else 'set'} inet {table} {name}")
        if parts is None:
            return None
        found += parts
    return found


def _listed(command: str) -> list[dict[str, Any]] | None:
    answer = _ask(command, as_json=True)
    if answer.status != 0:
        if _ABSENT in answer.errors:
            return None
        raise _failure(answer)
    try:
        parts = json.loads(answer.output)["nftables"]
    except (ValueError, KeyError) as error:
        raise RejectedError(
            f"nft printed a listing that cannot be read: {error}", "install nftables 1.0 or later"
        ) from error
    return [part for part in parts if "metainfo" not in part]


def _ask(script: str, *, as_json: bool = False) -> programs.Answer:
    said = nft_library.run(script, as_json=as_json)
    if said:
        return programs.Answer(0 if said.good else 1, said.output, said.errors)
    if as_json:
        return programs.run(["nft", "-j", script], _PACKAGE)
    return programs.run(["nft", "-f", "-"], _PACKAGE, script)


def _failure(answer: programs.Answer) -> EngineError:
    what = f"nft: {answer.first_error}"
    if any(words in answer.errors for words in _NO_RIGHTS):
        return RejectedError(what, "run as root, with CAP_NET_ADMIN")
    if any(words in answer.errors for words in _NO_KERNEL):
        return FeatureMissingError(
            what, "boot a kernel with nf_tables, its inet family and nat (Linux 5.6 or later)"
        )
    if any(words in answer.errors for words in _BUSY):
        return UnavailableError(what, "another program changes the packet filter; try again")
    return RejectedError(what, "report this with the output of `nft --version`")
