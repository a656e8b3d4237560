"""What is handed to a service as a file of its own: secrets, and configs."""

from __future__ import annotations

import posixpath
import re

from orchestr8 import names
from orchestr8.importing.canonical import text
from orchestr8.importing.draft import Line
from orchestr8.importing.naming import fitted
from orchestr8.importing.service import Carried, Whole
from orchestr8.importing.storage import file_beside
from orchestr8.manifest.foreign import Entry, Mapping

_SECRETS = "/run/secrets"


def carry(service: Carried) -> None:
    """The secrets and configs of a service."""
    for item in service.items("secrets"):
        if isinstance(item, Mapping):
            _secret(service, item)
    for item in service.items("configs"):
        if isinstance(item, Mapping):
            _config(service, item)


def _secret(service: Carried, item: Mapping) -> None:
    source, target = text(item.get("source")), text(item.get("target"))
    name = service.whole.secrets.get(source)
    if name is None:
        what = f"{source} is not declared under the top-level `secrets`"
        service.must("secrets", what, "declare it", at=item.place)
        return
    service.draft.append("secrets", name)
    was = target if target.startswith("/") else f"{_SECRETS}/{target or source}"
    is_now = f"{_SECRETS}/{name}"
    if was != is_now:
        service.draft.rewrite(lambda _, words: _path_replaced(words, was, is_now))
        what = f"{was} is {is_now} here"
        nearest = "what the file itself says of it is written anew; look for it elsewhere"
        service.changed("secrets", what, nearest, at=item.place)
    if any(item.get(key) for key in ("uid", "gid", "mode")):
        service.same("secrets", "the program alone may read a secret")


def _path_replaced(words: str, was: str, is_now: str) -> str:
    return re.sub(rf"{re.escape(was)}(?![A-Za-z0-9_.-])", is_now, words)


def _config(service: Carried, item: Mapping) -> None:
    source = text(item.get("source"))
    declared = service.whole.document.part("configs").get(source)
    asked = text(item.get("target")) or f"/{source}"
    asked = asked if asked.startswith("/") else f"/{asked}"
    found = declared.value if declared else None
    file = text(found.get("file")) if isinstance(found, Mapping) else ""
    if file:
        file_beside(service, "configs", item, posixpath.normpath(file), asked)
    else:
        name = f"./{fitted(source, names.NAME_LENGTH_MAX, 'config')}"
        service.draft.remarks.append(f"files: {{{asked}: {name}}}")
        found_at = "elsewhere"
        if isinstance(found, Mapping) and found.get("content"):
            found_at = "in the Compose file"
        elif isinstance(found, Mapping) and found.get("environment"):
            found_at = f"in the variable {text(found.get('environment'))}"
        what = f"the content of {source} is {found_at}, and a manifest names files beside it"
        nearest = f"save it as {name}, then take the comment off its line under `files`"
        service.must("configs", what, nearest, at=item.place)
    if any(item.get(key) for key in ("uid", "gid", "mode")):
        service.left("configs", "a file is read-only, and everybody in the box may read it")


def declare_secrets(whole: Whole) -> None:
    """Each secret's name, and where its content goes, which a manifest never holds."""
    folder = f"/etc/orchestr8/secrets/{whole.project.owner}"
    asked = {
        name
        for service in whole.draft.services
        for name in service.lines.get("secrets", Line([])).value
    }
    for key, entry in whole.document.part("secrets").items():
        name = whole.secrets[key]
        if name not in asked:
            what = "no service that is imported has it"
            whole.findings.left(entry.place, f"secrets.{key}", what, "`secrets` of the service")
            continue
        whole.draft.secrets[name] = {}
        found: dict[str, Entry] = dict(getattr(entry.value, "entries", {}))
        file = text(found["file"].value) if "file" in found else ""
        variable = text(found["environment"].value) if "environment" in found else ""
        where = f"is in {posixpath.normpath(file)}" if file else "is kept outside of the file"
        what = f"its content {f'is in the variable {variable}' if variable else where}"
        typed = f"install -D -m 600 {posixpath.normpath(file)} {folder}/{name}"
        nearest = f"as root:  {typed}" if file else f"put it into {folder}/{name}, mode 600"
        whole.findings.must(entry.place, f"secrets.{key}", what, nearest)
