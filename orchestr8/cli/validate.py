"""`validate`: everything about manifests that can be known without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, NamedTuple

import typer
from msgspec.structs import replace

from orchestr8.cli.arguments import DEFAULT_SET, Output, OutputAs, Paths, SetName, checked_set
from orchestr8.cli.terminal import NAMES_SHOWN, count, escaped, say
from orchestr8.cli.texts import Texts, read_paths, set_if_named, typed
from orchestr8.contract.expiry import end_of
from orchestr8.contract.grant import Circumstances, grant
from orchestr8.contract.model import Contracts
from orchestr8.controller.files import contents_of
from orchestr8.controller.settings import Settings
from orchestr8.errors import ManifestError, RefusedError, StoreError, UsageError
from orchestr8.isolation.features import everything
from orchestr8.manifest.check import unchecked_names
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Fleet, ManifestSet
from orchestr8.names import ServiceName

At = Annotated[
    str,
    typer.Option(
        "--at",
        metavar="DATE",
        help="Check as of the end of this day (UTC): what will have ended by then is refused.",
        show_default=False,
    ),
]


def run(
    paths: Paths,
    at: At = "",
    set_name: SetName = DEFAULT_SET,
    output: OutputAs = Output.TEXT,
) -> int:
    """Check manifests: names, types, references, policy, consent, ends.

    No engine is needed, and nothing is stored. Where something is applied on this machine already,
    the manifests are judged as a part of it; elsewhere the names of other owners are checked for
    their form alone. Exit status 2 means problems, 3 that something is refused.
    """
    now = _moment(at)
    set_name = checked_set(set_name)
    texts = read_paths(paths)
    surroundings = _surroundings(set_name)
    try:
        part = load(texts.sources, surroundings.others if surroundings.known else None)
        contents_of(part, texts.read_file)
        contracts = grant(
            surroundings.with_part(part),
            Circumstances(
                in_force=surroundings.rules() if at else surroundings.in_force,
                applying=set_name,
                features=everything(),
                now=now,
                strict=surroundings.strict,
            ),
        )
    except (ManifestError, RefusedError) as error:
        from orchestr8.manifest.problems import with_sources

        raise type(error)(with_sources(error.problems, texts.sources)) from error
    unchecked = _unchecked(part, surroundings)
    if output is Output.JSON:
        _print_json(part, unchecked, texts)
    else:
        _print_text(paths, set_name, part, contracts, unchecked, texts)
    return 0


class _Surroundings(NamedTuple):
    """The fleet in which the manifests are judged; `why_unknown` where none can be read."""

    set_name: str
    in_force: Fleet = Fleet()
    others: Fleet = Fleet()
    merged: Mapping[str, ManifestSet] | None = None
    strict: Mapping[ServiceName, int] = MappingProxyType({})
    known: bool = False
    why_unknown: str = ""

    def with_part(self, part: ManifestSet) -> Fleet:
        """The fleet with the set in its new form."""
        if not self.known:
            return Fleet({self.set_name: part})
        from orchestr8.controller.fleet import with_set

        return with_set(self.in_force, self.set_name, part)

    def rules(self) -> Fleet:
        """The platform's part alone: on another day nothing counts as granted before."""
        sets = {name: replace(one, services=()) for name, one in self.in_force.sets.items()}
        return replace(self.in_force, sets=sets)


def _surroundings(set_name: str) -> _Surroundings:
    """The stored fleet where one can be read; a laptop without one is no error."""
    settings = Settings.from_environment()
    try:
        if not (settings.state / "orchestr8.db").exists():
            return _Surroundings(set_name, why_unknown="nothing is applied on this machine")
        from orchestr8.controller.request import without_set
        from orchestr8.controller.session import session

        with session(settings) as found:
            stored = found.stored.fleet
            return _Surroundings(
                set_name,
                stored,
                without_set(stored, set_name),
                strict=found.strict,
                known=True,
            )
    except (OSError, StoreError):
        why = f"what is applied on this machine cannot be read ({settings.state})"
        return _Surroundings(set_name, why_unknown=why)


def _moment(at: str) -> datetime:
    if not at:
        return datetime.now(UTC)
    try:
        return end_of(at)
    except ValueError as error:
        raise UsageError(f"--at: {error}", "write --at 2027-02-28") from error


def _unchecked(part: ManifestSet, surroundings: _Surroundings) -> list[str]:
    """What only a plan can tell."""
    unchecked = [
        "what the images say about themselves",
        "whether this host and its engine carry it all",
    ]
    if part.secrets:
        unchecked.append("whether the secrets are there")
    foreign = unchecked_names(part) if not surroundings.known else ()
    if foreign:
        from orchestr8.planning.wording import first_of

        shown = first_of(foreign, NAMES_SHOWN)
        unchecked.append(f"whether {shown} exist and agree ({surroundings.why_unknown})")
    return unchecked


def _print_text(
    paths: list[str],
    set_name: str,
    part: ManifestSet,
    contracts: Contracts,
    unchecked: list[str],
    texts: Texts,
) -> None:
    owners = {service.name.owner for service in part.services}
    counted = [
        count(len(part.services), "service") + f" of {count(len(owners), 'owner')}",
        *([count(len(part.volumes), "volume")] if part.volumes else []),
        *([count(len(part.secrets), "secret")] if part.secrets else []),
        *(["the platform's part"] if part.platform else []),
    ]
    own = [contracts.services[service.name] for service in part.services]
    relaxed = sum(not one.implied for contract in own for one in contract.grants)
    if relaxed:
        counted.append(count(relaxed, "relaxation"))
    say(f"{', '.join(counted)} in {count(len(texts.sources), 'file')}; no problems.")
    for name in texts.passed_over:
        say(f"passed over: {escaped(name)} (it has none of a manifest's keys)")
    say("not checked here: " + "; ".join(unchecked) + ".")
    say(f"a plan checks that, too:  orchestr8 plan {typed(paths, set_if_named(set_name))}")


def _print_json(part: ManifestSet, unchecked: list[str], texts: Texts) -> None:
    from orchestr8.cli.document import print_document

    print_document(
        "validation",
        files=[source.name for source in texts.sources],
        passed_over=texts.passed_over,
        services=[service.name for service in part.services],
        volumes=[f"{volume.name}.{volume.owner}" for volume in part.volumes],
        secrets=[f"{secret.name}.{secret.owner}" for secret in part.secrets],
        platform=part.platform is not None,
        not_checked=unchecked,
    )
