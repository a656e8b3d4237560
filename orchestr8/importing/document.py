"""The files of one project, read and joined: variables, includes, `extends`, overrides, env files.

What comes out is what Compose's own `config` would print, with every value still at its place.
Paths are relative to the folder of the first file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping as AnyMapping

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.importing import canonical
from orchestr8.importing.canonical import entries, items, text
from orchestr8.importing.merging import laid_over
from orchestr8.importing.model import Absent, Findings, Project
from orchestr8.importing.variables import Variables, WrongVariableError, read_env_file
from orchestr8.manifest import foreign
from orchestr8.manifest.foreign import Entry, Mapping, Scalar, Sequence, Value
from orchestr8.manifest.text import decode

RESOURCES = ("services", "networks", "volumes", "secrets", "configs", "models")
_FILES_MOST = 100
_EXTENDS_MOST = 20


class Document(Struct, frozen=True):
    """One project: the whole mapping, and the services that are wanted."""

    root: Mapping
    services: AnyMapping[str, Mapping]

    def part(self, name: str) -> dict[str, Entry]:
        """What one of the top-level keys holds, by name."""
        return entries(self.root.get(name))


def read_project(project: Project, findings: Findings) -> Document:
    """All files as one document; raises ManifestError where a file cannot be read at all."""
    reading = _Reading(project, findings)
    root = reading.project(project.files, _dot_env(project, findings, "", project.variables), "")
    _look_for_override(project, findings)
    return _wanted(project, root, findings)


def _look_for_override(project: Project, findings: Findings) -> None:
    """Compose reads an override beside a file that it finds by itself."""
    file, *others = project.files
    base, ending = posixpath.splitext(posixpath.basename(file))
    if others or base not in ("compose", "docker-compose"):
        return
    override = posixpath.join(posixpath.dirname(file), f"{base}.override{ending}")
    if project.read(override) is not Absent.MISSING:
        what = f"{override} is beside it, which Compose lays over it"
        findings.must(Place(file, 1, 1), "", what, f"orchestr8 import {file} {override}")


def _wanted(project: Project, root: Mapping, findings: Findings) -> Document:
    services: dict[str, Mapping] = {}
    known: set[str] = set()
    if "orchestr8" in root.entries:
        what = "this is a manifest, not a Compose file"
        remedy = f"apply it as it is:  orchestr8 apply {root.place.file}"
        raise ManifestError((Problem(root.place, what, remedy),))
    for name, entry in entries(root.get("services")).items():
        if not isinstance(entry.value, Mapping):
            findings.must(entry.place, f"services.{name}", "is no mapping", "write image: NAME:TAG")
            continue
        profiles = [text(item) for item in items(entry.value.get("profiles"))]
        known.update(profiles)
        if profiles and not {"*", *profiles} & project.profiles:
            findings.left(
                entry.value.entries["profiles"].place,
                f"services.{name}",
                f"is of the profile {' and '.join(profiles)}, which starts only where it is asked",
                f"import it into a file of its own with --profile {profiles[0]}, "
                "and apply that with a --set of its own",
            )
            continue
        services[name] = entry.value
    if strange := project.profiles - known - {"*"}:
        raise ManifestError((_no_such_profile(root, strange, known),))
    if not services:
        raise ManifestError((_no_services(root, known),))
    return Document(root, services)


def _no_such_profile(root: Mapping, strange: frozenset[str], known: set[str]) -> Problem:
    what = f"no service is of the profile {' or '.join(sorted(strange))}"
    remedy = f"its profiles are {', '.join(sorted(known))}" if known else "leave --profile out"
    return Problem(Place(root.place.file), what, remedy)


def _no_services(root: Mapping, profiles: set[str]) -> Problem:
    """Why nothing is left to import, and what to type instead."""
    if profiles:
        what = f"every service is of a profile: {', '.join(sorted(profiles))}"
        return Problem(root.place, what, f"import again with --profile {min(profiles)}")
    if any({"image", "build"} & entries(one.value).keys() for one in root.entries.values()):
        what = "no services: they stand at the top, as in the first version of Compose"
        return Problem(root.place, what, "indent them below a line `services:`")
    return Problem(root.place, "no services", "name a Compose file that has some")


def _dot_env(
    project: Project, findings: Findings, folder: str, outer: AnyMapping[str, str]
) -> dict[str, str]:
    """What is set from outside, and behind it what the folder's `.env` says."""
    path = posixpath.join(posixpath.dirname(project.files[0]), folder, ".env")
    content = project.read(path)
    if isinstance(content, Absent):
        return dict(outer)
    try:
        found = read_env_file(decode(path, content).text, outer)
    except (WrongVariableError, ManifestError) as error:
        findings.must(Place(path, 1, 1), ".env", _reason(error), "write NAME=value lines")
        return dict(outer)
    return {**{name: value for name, value in found.items() if value is not None}, **outer}


def _reason(error: Exception) -> str:
    return error.problems[0].what if isinstance(error, ManifestError) else str(error)


class _Reading(Struct):
    """The files as they are read; `prefix` leads from the first file's folder to a path's own."""

    asked: Project
    findings: Findings
    _files_read: int = 0
    _extending: list[tuple[str, str]] = field(default_factory=list)

    def project(
        self,
        files: tuple[str, ...],
        variables: AnyMapping[str, str],
        prefix: str,
        named: Place | None = None,
    ) -> Mapping:
        """Files laid over each other, with what they include below them; `named` is where."""
        filled = Variables(variables)
        whole: Mapping | None = None
        for path in files:
            found = self._extended(path, self._file(path, filled, prefix, named), filled, prefix)
            found = self._with_included(found, variables, prefix)
            whole = laid_over(whole, found) if whole else found
        assert whole is not None
        for name, place in filled.unset.items():
            what = f"the variable {name} is not set, and so was taken as empty"
            nearest = "set it in .env, or import again with --env-file"
            self.findings.must(place, "", what, nearest)
        return self._with_environments(whole, filled)

    def _file(
        self, path: str, variables: Variables, prefix: str, named: Place | None = None
    ) -> Mapping:
        """One file with its variables filled in, services in long forms, paths led from the top."""
        self._files_read += 1
        content = self.asked.read(path)
        if isinstance(content, Absent) or self._files_read > _FILES_MOST:
            what, remedy = "includes in a circle, or of more than 100 files", "include it once"
            if isinstance(content, Absent):
                name = f"the Compose file {path}" if named else "the Compose file"
                what, remedy = f"{name} {content.value}", "look at its path"
            raise ManifestError((Problem(named or Place(path), what, remedy),))
        root = foreign.read(decode(path, content))
        filled = variables.fill(root, self.findings)
        assert isinstance(filled, Mapping)
        services: dict[str, Entry] = {}
        for name, entry in entries(filled.get("services")).items():
            if isinstance(entry.value, Mapping):
                body = canonical.service(name, entry.value, self.findings)
                entry = Entry(entry.place, _led(body, prefix))
            services[name] = entry
        made = {
            key: Entry(one.place, _led_resources(one.value, prefix))
            if key in ("secrets", "configs")
            else one
            for key, one in filled.entries.items()
        }
        return _with_services(replace(filled, entries=made), services)

    def _extended(self, path: str, root: Mapping, variables: Variables, prefix: str) -> Mapping:
        services = {
            name: Entry(one.place, self._base_below(path, name, root, variables, prefix))
            for name, one in entries(root.get("services")).items()
        }
        return _with_services(root, services)

    def _base_below(
        self, path: str, name: str, root: Mapping, variables: Variables, prefix: str
    ) -> Value:
        """A service with what it extends below it."""
        found = entries(root.get("services")).get(name)
        body = found.value if found else None
        extends = body.get("extends") if isinstance(body, Mapping) else None
        if not isinstance(body, Mapping) or not isinstance(extends, Mapping):
            return body or Mapping(root.place)
        base_name, file = text(extends.get("service")), text(extends.get("file"))
        if (path, name) in self._extending or len(self._extending) >= _EXTENDS_MOST:
            what = f"services.{name}.extends goes in a circle"
            raise ManifestError((Problem(extends.place, what, "take one of the lines out"),))
        self._extending.append((path, name))
        try:
            if file:
                path, prefix = self._beside(prefix, file), posixpath.dirname(_joined(prefix, file))
                root = self._file(path, variables, prefix, extends.place)
            if base_name not in entries(root.get("services")):
                what = f"services.{name}.extends names {base_name}, which is not in {path}"
                raise ManifestError((Problem(extends.place, what, "name a service of the file"),))
            base = self._base_below(path, base_name, root, variables, prefix)
        finally:
            self._extending.pop()
        assert isinstance(base, Mapping)
        own = {key: one for key, one in body.entries.items() if key != "extends"}
        return laid_over(base, replace(body, entries=own))

    def _beside(self, prefix: str, file: str) -> str:
        folder = posixpath.dirname(self.asked.files[0])
        return posixpath.normpath(posixpath.join(folder, prefix, file))

    def _with_included(
        self, root: Mapping, variables: AnyMapping[str, str], prefix: str
    ) -> Mapping:
        """The file with what it includes: other projects whole, each from its own folder."""
        made = dict(root.entries)
        for item in items(root.get("include")):
            for part, entry in self._included(item, variables, prefix).entries.items():
                if part not in RESOURCES or not isinstance(entry.value, Mapping):
                    continue
                old = made.get(part, Entry(entry.place, Mapping(entry.value.place)))
                for name in entry.value.entries.keys() & entries(old.value).keys():
                    at = entries(old.value)[name].place
                    what = "is declared here and in a file that is included"
                    self.findings.must(at, f"{part}.{name}", what, "keep one of the two")
                both = {**entry.value.entries, **entries(old.value)}
                made[part] = Entry(old.place, Mapping(old.value.place, both))
        return replace(root, entries=made)

    def _included(self, item: Value, outer: AnyMapping[str, str], prefix: str) -> Mapping:
        found = entries(item)
        paths = items(found["path"].value) if "path" in found else items(item)
        files = tuple(self._beside(prefix, text(one)) for one in paths)
        if not files:
            raise ManifestError((Problem(item.place, "include names no file", "name a path"),))
        folder = text(found["project_directory"].value) if "project_directory" in found else ""
        inner = _joined(prefix, folder or posixpath.dirname(text(paths[0])))
        variables = _dot_env(self.asked, self.findings, inner, outer)
        for one in items(found["env_file"].value) if "env_file" in found else ():
            path = Scalar(one.place, _joined(prefix, text(one)))
            variables = {**self._env_file("include.env_file", path, outer), **outer}
        return self.project(files, variables, inner, item.place)

    def _with_environments(self, root: Mapping, variables: Variables) -> Mapping:
        """Each service's env files read, and names without a value filled from the variables."""
        services = entries(root.get("services"))
        for name, entry in services.items():
            if isinstance(entry.value, Mapping):
                body = self._environment(f"services.{name}", entry.value, variables)
                services[name] = Entry(entry.place, body)
        return _with_services(root, services)

    def _environment(self, path: str, body: Mapping, variables: Variables) -> Mapping:
        made: dict[str, Entry] = {}
        for item in items(body.get("env_file")):
            read = self._env_file(f"{path}.env_file", item, variables.values)
            made |= {key: Entry(item.place, Scalar(item.place, one)) for key, one in read.items()}
        for key, one in entries(body.get("environment")).items():
            value, outer = one.value, variables.lookup(key)
            if isinstance(value, Scalar) and value.is_null and outer is not None:
                value = Scalar(value.place, outer)
            made[key] = Entry(one.place, value)
        if not made:
            return body
        at = body.entries.get("environment") or body.entries["env_file"]
        whole = Entry(at.place, Mapping(at.value.place, made))
        return replace(body, entries={**body.entries, "environment": whole})

    def _env_file(self, key: str, item: Value, outer: AnyMapping[str, str]) -> dict[str, str]:
        """What a file of variables says, `{path, format, required}` or a path."""
        found = {name: text(one.value) for name, one in entries(item).items()}
        path = self._beside("", found.get("path") or text(item))
        content = self.asked.read(path)
        if isinstance(content, Absent):
            if found.get("required") != "false":
                what = f"{path} {content.value}, so what it sets is missing"
                self.findings.must(item.place, key, what, "put it there and import again")
            return {}
        try:
            written = decode(path, content).text
            if found.get("format") == "raw":
                lines = (line.partition("=") for line in written.splitlines())
                return {name: value for name, sign, value in lines if sign and name[:1] != "#"}
            read = read_env_file(written, outer)
        except (WrongVariableError, ManifestError) as error:
            self.findings.must(
                item.place, key, f"{path}: {_reason(error)}", "write NAME=value lines"
            )
            return {}
        return {name: value for name, value in read.items() if value is not None}


def _with_services(root: Mapping, services: dict[str, Entry]) -> Mapping:
    if not services:
        return root
    old = root.entries["services"]
    value = Mapping(old.value.place, services)
    return replace(root, entries={**root.entries, "services": Entry(old.place, value)})


def _joined(prefix: str, path: str) -> str:
    joined = posixpath.normpath(posixpath.join(prefix, path))
    return "" if joined == "." else joined


def _led(body: Mapping, prefix: str) -> Mapping:
    """A service whose relative paths lead from the project's folder, not from its file's own."""
    if not prefix:
        return body
    made = dict(body.entries)
    for key, name in (("volumes", "source"), ("env_file", "path")):
        if key in made:
            led = tuple(_item_led(item, name, prefix) for item in items(made[key].value))
            old = made[key]
            made[key] = Entry(old.place, Sequence(old.value.place, led, old.value.tag))
    if "build" in made:
        build = _item_led(made["build"].value, "context", prefix)
        made["build"] = Entry(made["build"].place, build)
    return replace(body, entries=made)


def _led_resources(value: Value, prefix: str) -> Value:
    """Secrets or configs whose files lead from the project's folder."""
    if not prefix or not isinstance(value, Mapping):
        return value
    made = {
        name: Entry(one.place, _item_led(one.value, "file", prefix))
        for name, one in value.entries.items()
    }
    return replace(value, entries=made)


def _item_led(item: Value, key: str, prefix: str) -> Value:
    found = item.get(key) if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(found, Scalar):
        return item
    is_path = key != "source" or text(item.get("type")) == "bind"
    if not is_path or found.text.startswith(("/", "~")) or "://" in found.text:
        return item
    led = replace(found, text=f"./{_joined(prefix, found.text)}".rstrip("/"))
    return replace(item, entries={**item.entries, key: Entry(item.entries[key].place, led)})
