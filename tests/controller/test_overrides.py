"""Which values that persons set count, given what the manifests say."""

from __future__ import annotations

import pytest

from orchestr8.controller.overrides import counting, overridden
from orchestr8.isolation.limits import LimitsAsked
from orchestr8.manifest.model import Fleet, ManifestSet, Service
from orchestr8.names import ServiceName
from orchestr8.store.interventions import Override

WEB, DB = ServiceName("me", "web"), ServiceName("me", "db")
PATH = "limits.pids"


def service(name: ServiceName, pids: int | None) -> Service:
    """One that says so, or nothing."""
    return Service(name, "image:1", limits=LimitsAsked(pids_max=pids))


def fleet(*services: Service) -> Fleet:
    """All in one set."""
    return Fleet({"default": ManifestSet(services)})


def override(name: ServiceName, manifest_value: str) -> Override:
    """99 tasks, set when the manifest said so."""
    return Override(name, PATH, "99", manifest_value, "ann", 1)


@pytest.mark.parametrize(
    ("said", "says", "newest", "counts"),
    [
        ("70", 70, None, True),
        ("", None, None, True),
        ("70", 80, None, False),
        ("70", None, None, False),
        ("", 70, None, False),
        ("80", 70, 80, True),
        ("70", 70, 80, True),
        ("90", 70, 80, False),
    ],
)
def test_the_line_of_either_form_counts(
    said: str, says: int | None, newest: int | None, counts: bool
) -> None:
    put_off = {WEB: service(WEB, newest)} if newest else {}
    given = override(WEB, said)
    assert counting(fleet(service(WEB, says)), [given], put_off) == ((given,) if counts else ())


def test_what_is_not_there_has_no_value() -> None:
    put_off = {DB: service(DB, 70)}
    assert counting(fleet(service(WEB, 70)), [override(DB, "70")], put_off) == ()
    changed = overridden(fleet(service(WEB, 70), service(DB, 70)), [override(WEB, "70")])
    pids = {name: one.limits.pids_max for name, one in changed.services().items()}
    assert pids == {WEB: 99, DB: 70}
