"""The road of an import: Compose files to a manifest's text and what it does not carry."""

from __future__ import annotations

import posixpath

from orchestr8 import names, units
from orchestr8.errors import ManifestError, Place
from orchestr8.importing import calls, handed, keys, network, program, storage, upkeep, walls
from orchestr8.importing.canonical import entries, text
from orchestr8.importing.document import Document, read_project
from orchestr8.importing.draft import Bare, Draft, Line, ServiceDraft, written
from orchestr8.importing.model import Findings, Imported, Project
from orchestr8.importing.naming import fitting
from orchestr8.importing.service import Carried, Whole
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Source

_ENDED_WELL = "service_completed_successfully"
_FOOT = (
    "What a Compose file does not say, so that you may have to:",
    "- which image insists on root: there a program starts as root, here each service has a uid of",
    "  its own and no power; see `orchestr8 explain relaxation user.fixed`",
    "- which services do their work and end: what ends is replaced, unless it is `run: once`",
    "- what is called outside this machine: nothing leaves a box but through `net.egress`",
    "- which volumes an image declares: a plan names those that are neither kept nor scratch",
    "- what an image has where a volume is mounted: volumes start empty, nothing is copied",
    "- where else a program writes: the root is read-only; if that stops it, apply names the line",
    "- calls that no variable, argument, file or depends_on names: nothing is reached that",
    "  `connects` does not list",
)


def imported(project: Project, manifest: str) -> Imported:
    """The manifest `manifest` that the project's files make, and the findings.

    Raises ManifestError where a file cannot be read as a Compose file at all.
    """
    findings = Findings()
    document = read_project(project, findings)
    whole = Whole(
        project,
        document,
        findings,
        _begun(project, document, manifest),
        services=fitting(document.services, names.SERVICE_LENGTH_MAX, "app"),
        volumes=fitting(document.part("volumes"), names.NAME_LENGTH_MAX, "data"),
        secrets=fitting(document.part("secrets"), names.NAME_LENGTH_MAX, "secret"),
        ends=_ends(document),
    )
    services = [_drafted(whole, key) for key in document.services]
    calls.connect(services)
    storage.declare_volumes(whole)
    handed.declare_secrets(whole)
    keys.answer_all(document.root, document.services, findings)
    result = written(whole.draft)
    _check(result, manifest, findings)
    return Imported(result, findings.sorted())


def _begun(project: Project, document: Document, manifest: str) -> Draft:
    files = ", ".join(posixpath.basename(one) for one in project.files)
    head = [
        f"Written by `orchestr8 import` from {files}. Read it, do what the import asked for, then:",
        f"  orchestr8 plan {manifest}",
    ]
    chosen = {
        "cpu": Bare(units.format_cpu(upkeep.CPU_CHOSEN)),
        "memory": units.format_size(upkeep.MEMORY_CHOSEN),
    }
    comment = "where the file sets no limit; Compose sets none"
    return Draft(project.owner, head, {"limits": Line(chosen, comment)}, foot=list(_FOOT))


def _ends(document: Document) -> frozenset[str]:
    """The services whose end another one waits for."""
    return frozenset(
        name
        for body in document.services.values()
        for name, one in entries(body.get("depends_on")).items()
        if text(entries(one.value).get("condition", one).value) == _ENDED_WELL
    )


def _drafted(whole: Whole, key: str) -> Carried:
    service = Carried(key, whole.document.services[key], ServiceDraft(whole.services[key]), whole)
    whole.draft.services.append(service.draft)
    for part in (program, network, upkeep, storage, handed, walls):
        part.carry(service)
    _weigh(service)
    return service


def _weigh(service: Carried) -> None:
    """What is written to scratch is memory of the box: more of it than memory cannot be used."""
    lines = service.draft.lines
    block = lines.get("limits", Line({})).value.get("memory")
    most = block.get("max") if isinstance(block, dict) else block
    memory_bytes = units.parse_size(most) if most else upkeep.MEMORY_CHOSEN
    scratch_bytes = sum(map(units.parse_size, lines.get("scratch", Line({})).value.values()))
    if scratch_bytes >= memory_bytes:
        shown = [units.format_size(-(-size >> 20 << 20)) for size in (scratch_bytes, memory_bytes)]
        what = f"its scratch of {shown[0]} is part of its memory, which is {shown[1]}"
        service.must("", what, "limits: {memory: …}, more than the scratch")


def _check(result: str, manifest: str, findings: Findings) -> None:
    """What the language itself says of the text: a problem of it is one for the reader."""
    try:
        load([Source(manifest, result)])
    except ManifestError as error:
        for problem in error.problems:
            place = problem.place if problem.place.line else Place(manifest, 1, 1)
            findings.must(place, "", problem.what, problem.remedy)
