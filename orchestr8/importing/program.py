"""What a service runs: image, build, program, arguments, environment, directory, user."""

from __future__ import annotations

import re
import shlex

from orchestr8.importing.canonical import text
from orchestr8.importing.draft import is_writable
from orchestr8.importing.service import Carried
from orchestr8.manifest import arguments, images, paths, scalars
from orchestr8.manifest.foreign import Scalar, Sequence

_SECRET = re.compile(r"(?i)passw|passphrase|secret|token|api_?key|private_?key|access_?key|_pass$")
_ROOT = ("0", "root")
_SWITCHES = ("yes", "no", "true", "false", "on", "off", "1", "0")
_ELSEWHERE = "say it in the program's own settings (`files`) or arguments (`args`)"


def carry(service: Carried) -> None:
    """Everything about the program of a service."""
    _image(service)
    _command(service)
    _environment(service)
    _workdir(service)
    _user(service)


def _image(service: Carried) -> None:
    name, is_built = service.text("image"), "build" in service.body.entries
    image = name
    try:
        images.image(name or f"{service.draft.name}:1")
    except ValueError as error:
        service.must(
            "image", f'"{name}" {error}' if name else str(error), "name an image that can be had"
        )
        image = ""
    if not image:
        image = f"{service.draft.name}:1"
        if not is_built and not name and not service.is_unfilled("image"):
            service.must("", "names no image", "write image: NAME:TAG")
    service.draft.put("image", image)
    if is_built:
        _build(service, image)
    elif _has_no_version(image):
        service.draft.comment("image", "names no version")
        service.must(
            "image",
            f"{image} names no version, so what runs is whatever the tag meant when it was fetched",
            "write the version that you run, best with its digest: NAME:VERSION@sha256:…",
        )


def _has_no_version(image: str) -> bool:
    name, _, digest = image.partition("@")
    _, colon, tag = name.rpartition("/")[2].partition(":")
    return not digest and (not colon or tag == "latest")


def _build(service: Carried, image: str) -> None:
    words = ["docker", "build", "-t", image]
    target, dockerfile = service.text("build.target"), service.text("build.dockerfile")
    context = service.text("build.context") or "."
    if target:
        words += ["--target", target]
    if dockerfile:
        is_beside = dockerfile.startswith("/") or "://" in context
        words += ["-f", dockerfile if is_beside else f"{context.rstrip('/')}/{dockerfile}"]
    for name, entry in service.entries("build.args").items():
        words += ["--build-arg", f"{name}={text(entry.value)}" if text(entry.value) else name]
    service.draft.comment("image", "built before it is applied")
    typed = shlex.join([*words, context])
    service.must("build", "images are built before an apply, and named", typed)


def _command(service: Carried) -> None:
    entrypoint, command = service.value("entrypoint"), service.value("command")
    arguments_given = service.words("command", command) if isinstance(command, Sequence) else None
    program = service.words("entrypoint", entrypoint) if isinstance(entrypoint, Sequence) else None
    if program:
        service.draft.put("entrypoint", program)
        if arguments_given:
            service.draft.put("args", arguments_given)
    elif program is not None and arguments_given:
        service.draft.put("entrypoint", arguments_given, "the image's entry point is passed over")
    elif arguments_given is not None:
        service.draft.put("args", arguments_given)
    if program == [] and not arguments_given:
        what = "takes the image's entry point away and names no other"
        service.left("entrypoint", what, "write entrypoint: [program, argument]")


def _environment(service: Carried) -> None:
    secret: list[str] = []
    for name, entry in service.entries("environment").items():
        key = f"environment.{name}"
        if not isinstance(entry.value, Scalar):
            service.must(key, "is no text", "write it as one", at=entry.place)
            continue
        if entry.value.is_null:
            what = "has no value, so that Compose takes it from the shell that starts it"
            service.left(key, what, f"write {name} under `env`, or set it in .env", at=entry.place)
            continue
        try:
            scalars.env_name(name)
        except ValueError as error:
            service.left(key, str(error), _ELSEWHERE, at=entry.place)
            continue
        value = text(entry.value)
        if not is_writable(value):
            what = "a manifest cannot hold this text (${…}, or more than 16KiB)"
            service.must(key, what, "put it into a file: `files`", at=entry.place)
            continue
        service.draft.add("env", name, value)
        if _is_secret(name, value):
            secret.append(name)
    if secret:
        service.draft.comment("env", "with secrets in plain text")
        service.must(
            "environment",
            f"what looks like a secret stands in plain text in the manifest: {', '.join(secret)}",
            "`secrets: [name]` gives a file, /run/secrets/name; many images read a variable of the "
            f"same name with _FILE, as in {secret[0]}_FILE",
        )


def _is_secret(name: str, value: str) -> bool:
    """By its name, or an address with a password in it."""
    if not value or value.lower() in _SWITCHES or name.upper().endswith("_FILE"):
        return False
    return bool(_SECRET.search(name) or re.search(r"://[^/\s:@]+:[^/\s@]+@", value))


def _workdir(service: Carried) -> None:
    folder = service.text("working_dir")
    if not folder:
        return
    try:
        service.draft.put("workdir", paths.workdir(folder.rstrip("/") or "/"))
    except ValueError as error:
        service.must("working_dir", str(error), "write workdir: an absolute path")


def _user(service: Carried) -> None:
    user = service.text("user")
    if not user:
        return
    uid, _, gid = user.partition(":")
    if uid in _ROOT:
        service.relax("user", "user.root", {}, f"user: {user}")
        return
    asked = f"{uid}:{gid or uid}"
    try:
        arguments.uid_gid(asked)
    except ValueError:
        service.left(
            "user",
            f'"{user}" means another thing in each image; every service has a uid of its own',
            "where the image's files are closed to others:  relax: [user.fixed: UID:GID]",
        )
        return
    comment = "take it out unless the image's files are closed to others"
    service.draft.append("relax", {"user.fixed": asked})
    service.draft.comment("relax", comment)
    if not gid:
        service.changed("user", f"the group {uid} goes with the user {uid}; Compose's was 0")
