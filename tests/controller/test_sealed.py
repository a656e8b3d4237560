"""Sealed secrets on their way from the repository to the engine, over the memory engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.controller.apply import apply_request, plan_request
from orchestr8.controller.cycle import walk
from orchestr8.controller.fleet import stored_fleet
from orchestr8.controller.history import chapters
from orchestr8.controller.progress import Phase
from orchestr8.controller.request import Request, aim_in_force
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.errors import ManifestError
from orchestr8.host.sealed_secrets import OwnerKeys, sealed
from orchestr8.manifest.model import Source
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Mark
from orchestr8.planning.show import plan_text

JOB = ServiceName("shop", "job")


class Nobody:
    """Watches and says nothing."""

    def phase(self, phase: Phase) -> None: ...

    def note(self, text: str) -> None: ...


def manifest(secret: str, owner: str = "shop") -> str:
    return (
        f"orchestr8: 1\nowner: {owner}\n"
        'services: {job: {image: "job:1", run: once, secrets: [db]}}\n'
        f"secrets: {{db: {secret}}}\n"
    )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Session]:
    """A session on a simulated machine whose owner `shop` has a key."""
    settings = Settings(tmp_path / "state", tmp_path / "run", tmp_path / "secrets", "memory", "ann")
    OwnerKeys(settings.secrets).recipient("shop")
    with session(settings) as made:
        yield made


def seal(machine: Session, value: bytes, owner: str = "shop") -> bytes:
    return sealed(value, OwnerKeys(machine.settings.secrets).recipient(owner)[0])


def request(file: bytes, text: str = "") -> Request:
    files = {"keys/db.age": file}

    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[path]

    return Request((Source("m.yaml", text or manifest("{sealed: ./keys/db.age}")),), read)


def apply(machine: Session, asked: Request) -> None:
    applied = apply_request(machine, asked, Nobody(), 60_000)
    assert not applied.failures, applied.failures


def test_a_plan_opens_it_and_the_engine_gets_the_value(machine: Session) -> None:
    prospect = plan_request(machine, request(seal(machine, b"one")))
    spec = prospect.cycle.desired.services[JOB].slots[0]
    (secret,) = spec.secrets
    assert machine.contents.secret("shop", "db", secret.digest) == b"one"
    assert not machine.store.documents.sets(), "a plan stores nothing"


def test_rotation_goes_by_the_value_and_not_by_the_file(machine: Session) -> None:
    apply(machine, request(seal(machine, b"one")))
    sealed_again = plan_request(machine, request(seal(machine, b"one")))
    assert sealed_again.cycle.plan.empty
    changed = plan_request(machine, request(seal(machine, b"two"))).cycle.plan
    assert "secret db changed" in plan_text(changed)
    apply(machine, request(seal(machine, b"two")))
    assert plan_request(machine, request(seal(machine, b"two"))).cycle.plan.empty
    assert walk(machine, aim_in_force(machine)).plan.empty, "the store alone has all it takes"


def test_from_the_host_into_the_repository_changes_nothing(machine: Session) -> None:
    path = machine.settings.secrets / "shop" / "db"
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(b"one")
    apply(machine, request(b"", manifest("{}")))
    assert plan_request(machine, request(seal(machine, b"one"))).cycle.plan.empty


def test_a_file_of_another_owner_is_refused_at_its_line(machine: Session) -> None:
    with pytest.raises(ManifestError) as refused:
        plan_request(machine, request(seal(machine, b"one", owner="bank")))
    (problem,) = refused.value.problems
    assert str(problem.place) == "m.yaml:4:11"
    assert problem.what == ("secrets.db: keys/db.age was not sealed for owner shop of this machine")


def test_a_file_that_is_not_there_is_named_at_its_line(machine: Session) -> None:
    with pytest.raises(ManifestError) as refused:
        plan_request(machine, request(b"", manifest("{sealed: ./other.age}")))
    (problem,) = refused.value.problems
    assert (problem.place.line, "other.age cannot be read" in problem.what) == (4, True)


def test_a_service_that_was_taken_back_keeps_the_secret_of_its_revision(machine: Session) -> None:
    apply(machine, request(seal(machine, b"one")))
    apply(machine, request(seal(machine, b"two")))
    machine.store.ledger.hold_back(JOB, 1)
    machine.forget_stored()
    cycle = walk(machine, aim_in_force(machine))
    (secret,) = cycle.desired.services[JOB].slots[0].secrets
    assert machine.contents.secret("shop", "db", secret.digest) == b"one"


def test_a_service_that_was_taken_back_gets_what_is_applied_next(machine: Session) -> None:
    apply(machine, request(seal(machine, b"one")))
    apply(machine, request(seal(machine, b"two")))
    machine.store.ledger.hold_back(JOB, 1)
    machine.forget_stored()

    asked = plan_request(machine, request(seal(machine, b"three")))
    (secret,) = asked.cycle.desired.services[JOB].slots[0].secrets
    assert machine.contents.secret("shop", "db", secret.digest) == b"three"

    with pytest.raises(ManifestError) as refused:
        apply(machine, request(seal(machine, b"three")[:-9] + b"something"))
    assert [problem.what for problem in refused.value.problems] == [
        "secrets.db: keys/db.age is damaged"
    ]


def test_a_lost_key_leaves_what_runs_alone(machine: Session) -> None:
    apply(machine, request(seal(machine, b"one")))
    OwnerKeys(machine.settings.secrets).path("shop").unlink()
    machine.__dict__.pop("contents")
    cycle = walk(machine, aim_in_force(machine))
    assert cycle.desired.services[JOB].missing == ("secret db",)
    assert not [action for action in cycle.plan.actions if "remove" in str(action.call).lower()]


def test_the_history_names_the_service_whose_secret_was_sealed_anew(machine: Session) -> None:
    for value in (b"one", b"two"):
        apply(machine, request(seal(machine, value)))
    assert [one.changes for one in chapters(machine, "default")] == [
        ((Mark.PROVISION, JOB),), ((Mark.REBALANCE, JOB),),
    ]  # fmt: skip


def test_the_store_holds_only_what_is_sealed(machine: Session) -> None:
    apply(machine, request(seal(machine, b"canary-in-a-coal-mine")))
    stored = stored_fleet(machine.store.documents, {})
    (digest,) = [one for key, one in stored.files.items() if key[0] == "sealed"]
    assert machine.store.documents.blob(digest).startswith(b"-----BEGIN AGE")
    for path in machine.settings.state.rglob("*"):
        assert b"canary" not in (path.read_bytes() if path.is_file() else b"")
