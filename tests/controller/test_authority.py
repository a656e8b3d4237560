"""Owners change and see what is theirs; what is not theirs is answered like what is not there."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.boxes.records import Failures
from orchestr8.controller import (
    apply,
    history,
    hold,
    inside,
    logs,
    making,
    meant,
    proving,
    restart,
    rollback,
    status,
)
from orchestr8.controller.authority import NOBODY, Asker, Authority, authority_of
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session
from orchestr8.errors import ManifestError, RefusedError, UsageError
from orchestr8.manifest.model import Owner, Platform
from orchestr8.names import ServiceName
from tests.controller.road import TIMEOUT_MS, Notes, Road, manifest, reader, sources

API, DB, NONE = (ServiceName("pay", "api"), ServiceName("data", "db"), ServiceName("data", "nix"))
DAEMON, MAIL, GAMES = (pwd.getpwnam(name) for name in ("daemon", "mail", "games"))
PLATFORM = """\
orchestr8: 1
platform:
  mode: team
  members: [user:games]
  owners:
    pay: {members: [user:daemon], may: [fs.volume.shared, net.publish]}
    data: {members: [group:mail], may: [fs.volume.shared, net.publish]}
"""


def asker(uid: int, *gids: int) -> Asker:
    """An account of this host."""
    return Asker(f"uid {uid}", uid, frozenset(gids))


PAY, DATA, STRANGER = asker(DAEMON.pw_uid), asker(4711, MAIL.pw_gid), asker(4712, 4712)


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A team's machine: two owners, each with a set of its own and a part of the default set."""
    made = Road(tmp_path)
    for reference, mark in (("api:1", "a"), ("api:2", "b"), ("db:1", "c"), ("page:1", "d")):
        made.image(reference, mark)
    made.image("sheet:1", "e")
    made.apply({"platform.yaml": PLATFORM}, "platform")
    made.apply({"pay.yaml": manifest("pay", "api")}, "pay")
    made.apply({"data.yaml": manifest("data", "db")}, "data")
    made.apply({"page.yaml": manifest("pay", "page")})
    made.apply({"sheet.yaml": manifest("data", "sheet")})
    return made


def applied(session: Session, texts: dict[str, str], set_name: str) -> Notes:
    """What a watcher hears of an apply."""
    notes = Notes()
    request = Request(sources(texts), reader({}), set_name)
    apply.apply_request(session, request, notes, TIMEOUT_MS)
    return notes


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (asker(0), Authority(True)),
        (asker(GAMES.pw_uid), Authority(True)),
        (PAY, Authority(False, frozenset({"pay"}))),
        (DATA, Authority(False, frozenset({"data"}))),
        (asker(DAEMON.pw_uid, MAIL.pw_gid), Authority(False, frozenset({"data", "pay"}))),
        (STRANGER, Authority(False)),
        (asker(NOBODY, MAIL.pw_gid), Authority(False)),
    ],
)
def test_members_are_accounts_and_groups(road: Road, who: Asker, expected: Authority) -> None:
    with road.open() as session:
        assert session.of(who).authority == expected


def test_nobodys_group_makes_no_member() -> None:
    name = grp.getgrgid(NOBODY).gr_name
    owned = Platform(owners=(Owner("data", (f"group:{name}", "user:no-such", "group:no-such")),))
    assert authority_of(asker(4711, NOBODY), owned).is_nobody
    assert authority_of(asker(4711), replace(owned, members=("token:a", "ssh:b"))).is_nobody


def test_an_owner_applies_what_is_theirs_and_hears_of_nothing_else(road: Road) -> None:
    road.machine.crash(next(b for b in road.machine.boxes if b.service_name == DB))
    with road.open() as session:
        notes = applied(session.of(PAY), {"pay.yaml": manifest("pay", "api api:2")}, "pay")
        told = {phase.box.owner for phase in notes.phases if phase.box}
        assert told == {"pay"}
        row = session.store.documents.history("pay")[-1]
        assert row.deed.actor == PAY.name


@pytest.mark.parametrize(
    ("texts", "set_name", "what"),
    [
        ({"d.yaml": manifest("data", "db")}, "mine", "you are not a member of the owner data"),
        ({"n.yaml": manifest("nope", "db")}, "mine", "you are not a member of the owner nope"),
        ({"d.yaml": manifest("pay", "api")}, "data", "a set of this name is not yours"),
        ({"p.yaml": PLATFORM}, "mine", "only the platform changes"),
        ({"p.yaml": manifest("pay", "api")}, "platform", "a set of this name is not yours"),
    ],
)
def test_others_things_are_refused(
    road: Road, texts: dict[str, str], set_name: str, what: str
) -> None:
    before = road.boxes()
    with road.open() as session, pytest.raises(RefusedError) as refused:
        applied(session.of(PAY), texts, set_name)
    assert what in refused.value.problems[0].what
    assert road.boxes() == before
    with road.open() as session, pytest.raises((RefusedError, ManifestError)):
        apply.plan_request(session.of(PAY), Request(sources(texts), reader({}), set_name))


NAMED = {
    "connects": 'api:1, connects: ["SERVICE:80"]',
    "after": 'api:1, after: ["SERVICE"]',
    "volumes": 'api:1, volumes: {/x: "VOLUME"}',
    "a joined namespace": "api:1, relax: [{ns.net.share: {with: SERVICE}, why: x}]",
}


def planned(session: Session, fields: str) -> None:
    """A plan of the service page of pay with these fields."""
    texts = {"p.yaml": manifest("pay", f"page {fields}")}
    apply.plan_request(session.of(PAY), Request(sources(texts), reader({})))


@pytest.mark.parametrize("field", NAMED)
def test_what_a_manifest_names_of_others_is_told_alike(road: Road, field: str) -> None:
    volume = "volumes: {rows: {}}\n"
    road.apply({"data.yaml": manifest("data", "db db:1, volumes: {/d: rows}", more=volume)}, "data")
    answers = set()
    for service, its in ((str(DB), "rows.data"), (str(NONE), "nix.data")):
        fields = NAMED[field].replace("SERVICE", service).replace("VOLUME", its)
        with road.open() as session, pytest.raises(RefusedError) as refused:
            planned(session, fields)
        (problem,) = refused.value.problems
        said = f"{problem.place.column} {problem.what} | {problem.remedy}"
        for name in ("db", "rows", "nix"):
            said = said.replace(name, "NAME")
        answers.add(said)
    assert len(answers) == 1, answers


def test_what_others_agreed_to_is_named(road: Road) -> None:
    fields, share = "db:1, volumes: {/d: rows}, accepts: [page.pay:80]", "{share: {page.pay: ro}}"
    text = manifest("data", f"db {fields}", more=f"volumes: {{rows: {share}}}\n")
    road.apply({"data.yaml": text}, "data")
    with road.open() as session:
        for field in ("connects", "after", "volumes"):
            named = NAMED[field].replace("SERVICE", str(DB)).replace("VOLUME", "rows.data")
            planned(session, named)
        with pytest.raises(RefusedError) as refused:
            planned(session, f'api:1, connects: ["{DB}:81"]')
        (problem,) = refused.value.problems
        assert problem.what == "db.data does not accept page.pay on port 81, or is not there"


@pytest.mark.parametrize("left", [None, "db db:1"])
def test_what_was_agreed_to_once_is_told_alike_however_it_ended(
    road: Road, left: str | None
) -> None:
    road.apply({"data.yaml": manifest("data", "db db:1, accepts: [page.pay:80]")}, "data")
    named = NAMED["connects"].replace("SERVICE", str(DB))
    road.apply({"p.yaml": manifest("pay", f"page {named}")})
    road.apply({"data.yaml": manifest("data", left)}, "data") if left else road.down(
        "data", forget=True
    )
    with road.open() as session, pytest.raises(RefusedError) as refused:
        planned(session, named)
    (problem,) = refused.value.problems
    assert problem.what == "db.data does not accept page.pay on port 80, or is not there any more"


def test_a_port_of_the_host_is_taken_by_nobody_who_is_named(road: Road) -> None:
    road.apply({"data.yaml": manifest("data", "db db:1, publish: {127.0.0.1:81: 80}")}, "data")
    with road.open() as session, pytest.raises(ManifestError) as refused:
        planned(session, "page:1, publish: {81: 80}")
    (problem,) = refused.value.problems
    assert problem.what == "port 81 of the host is taken: another owner's service has it"


Deed = Callable[[Session, ServiceName, str], object]
DEEDS: dict[str, Deed] = {
    "why": lambda s, name, _: meant.require_services(s, [str(name)]),
    "logs": lambda s, name, _: logs.logs_of(s, str(name), 5),
    "exec": lambda s, name, _: inside.run_in(s, f"0.{name}", ["/x"]),
    "hold": lambda s, name, _: hold.hold(s, name, 1 << 42, "why"),
    "end hold": lambda s, name, _: hold.end_hold(s, name),
    "restart": lambda s, name, _: restart.restart(s, name, None, Notes(), TIMEOUT_MS),
    "down": lambda s, _, of: making.down(s, of, Notes(), TIMEOUT_MS, forget=False),
    "remove": lambda s, _, of: making.down(s, of, Notes(), TIMEOUT_MS, forget=True),
    "apply again": lambda s, _, of: making.apply_stored(s, of, Notes(), TIMEOUT_MS),
    "history": lambda s, _, of: history.chapters(s, of),
    "revision": lambda s, _, of: history.chapter(s, of, 1),
    "rollback": lambda s, _, of: rollback.roll_back(s, of, 1, Notes(), TIMEOUT_MS),
    "plan of a rollback": lambda s, _, of: rollback.plan_rollback(s, of, 1),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_not_theirs_and_not_there_are_answered_alike(road: Road, deed: str) -> None:
    answers = []
    with road.open() as session:
        session.store.ledger.note_failure(DB, 0, Failures(1, 1, "it failed"), ("secret",))
        for name, set_name in ((DB, "data"), (NONE, "nix")):
            with pytest.raises(UsageError) as refused:
                DEEDS[deed](session.of(PAY), name, set_name)
            said = f"{refused.value.what} | {refused.value.remedy}"
            answers.append(said.replace(str(name), "NAME").replace(f'"{set_name}"', "SET"))
    assert answers[0] == answers[1]
    assert "db.data" not in answers[0] and "sheet" not in answers[0]


def test_the_platform_and_the_owner_may_do_all_of_that(road: Road) -> None:
    for who in (asker(0), DATA):
        with road.open() as session:
            assert meant.require_services(session.of(who), [str(DB)]) == (DB,)
            assert history.chapter(session.of(who), "data", 1)
            assert not making.down(session.of(who), "data", Notes(), TIMEOUT_MS, forget=False).exit
            assert not making.apply_stored(session.of(who), "data", Notes(), TIMEOUT_MS).exit


def test_the_default_set_is_many_owners(road: Road) -> None:
    with road.open() as session:
        seen = session.of(PAY)
        assert [one.revision.number for one in history.chapters(seen, "default")] == [1]
        for forget in (False, True):
            with pytest.raises(UsageError, match="there is no set"):
                making.down(seen, "default", Notes(), TIMEOUT_MS, forget=forget)
        with pytest.raises(UsageError, match="there is no set"):
            rollback.roll_back(seen, "default", 1, Notes(), TIMEOUT_MS)
        with pytest.raises(UsageError, match="has no revision 2; it has 1 to 1"):
            history.chapter(seen, "default", 2)


def test_one_sees_what_is_theirs(road: Road) -> None:
    with road.open() as session:
        seen = session.of(PAY)
        assert {one.name.owner for one in status.status(seen).services} == {"pay"}
        assert {proof.id.owner for proof in proving.prove_services(seen, ())[0]} == {"pay"}
        assert history.sets_ever(seen) == ("default", "pay")
        assert not status.status(session.of(STRANGER)).services
        assert len(status.status(session.of(asker(0))).services) == 4


def test_a_plan_shows_what_is_theirs(road: Road) -> None:
    for box_id in list(road.machine.boxes):
        road.machine.crash(box_id)
    with road.open() as session:
        request = Request(sources({"p.yaml": manifest("pay", "api")}), reader({}), "pay")
        everything = apply.plan_request(session, request).cycle
        own = apply.plan_request(session.of(PAY), request).cycle
        assert {step.service.owner for step in everything.plan.steps} == {"pay", "data"}
        assert {step.service.owner for step in own.plan.steps} == {"pay"}
        assert {name.owner for name in own.contracts.services} == {"pay"}
        for number, action in enumerate(own.plan.actions):
            assert action.service and action.service.owner == "pay"
            assert all(one < number for one in action.needs)
        assert own.plan.actions


def test_members_come_from_the_revision_in_force(road: Road) -> None:
    with road.open() as session:
        asked = session.of(PAY)
        assert asked.may("pay")
        road.apply({"platform.yaml": PLATFORM.replace("user:daemon", "user:bin")}, "platform")
        with pytest.raises(RefusedError):
            applied(asked, {"pay.yaml": manifest("pay", "api api:2")}, "pay")
