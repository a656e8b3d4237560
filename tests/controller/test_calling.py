"""Whoever is on call is called, over HTTP or by a command without rights, for what is theirs."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestr8.controller import calling
from orchestr8.controller.calling import Calling
from orchestr8.controller.clock import CLOCK
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.store.alarms import Alarm, Key
from tests.controller.looping import until
from tests.controller.road import Road

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="another account needs root")
PAY = Key("pay", "failing", "api.pay")
DATA = Key("data", "failing", "db.data")
ALARM = Alarm(PAY, "slot 0 fails", 1_000, True, False)


class Receiver(ThreadingHTTPServer):
    """Takes messages, after it has refused so many."""

    def __init__(self, refusals: int = 0, status: int = 503) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refusals, self.status = refusals, status
        self.asked: list[str] = []
        self.took: list[tuple[str, dict[str, Any]]] = []

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def alarms(self, path: str) -> list[tuple[str, str]]:
        """The state and subject of every alarm that came to a path."""
        return [
            (one["state"], one["subject"])
            for to, message in self.took
            if to == path
            for one in message["alarms"]
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """A message."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        refused = len(self.server.asked) <= self.server.refusals
        if not refused:
            self.server.took.append((self.path, json.loads(body)))
        self.send_response(self.server.status if refused else 204)
        if refused and self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


class _Babbling(BaseHTTPRequestHandler):
    """Another program altogether."""

    def do_POST(self) -> None:
        """A message."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n")

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@contextmanager
def receiving(refusals: int = 0, status: int = 503) -> Iterator[Receiver]:
    """A receiver for as long as a block lasts."""
    with Receiver(refusals, status) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is called may be slow to answer."""
    monkeypatch.setattr(calling, "ANSWER_SECONDS", 60)


@pytest.fixture
def road(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    """A machine on which nobody waits long."""
    monkeypatch.setattr(calling, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(calling, "BETWEEN_SECONDS", 0.05)
    monkeypatch.setattr(calling, "AFTER_FAILURE_SECONDS", 0.1)
    monkeypatch.setattr(calling, "USUAL_PATIENCE_MS", 0)
    return Road(tmp_path)


def settings(road: Road) -> Settings:
    """What the road's commands have."""
    with road.open() as session:
        return session.settings


@contextmanager
def called(
    road: Road, notes: list[str] | None = None, trouble: Callable[[], str] = str
) -> Iterator[None]:
    """Whoever is on call is called for as long as a block lasts."""
    note = (notes if notes is not None else []).append
    caller = Calling(settings(road), CLOCK, note, trouble)
    thread = threading.Thread(target=caller.run)
    thread.start()
    try:
        yield
    finally:
        caller.stop()
        thread.join()


def note(road: Road, stand: dict[Key, str], over: tuple[Key, ...] = ()) -> None:
    """What stands from now on, and what is over."""
    with road.open() as session:
        session.store.alarms.note(stand, over, 1_000)


def told(session: Session) -> dict[str, bool]:
    """Of each alarm's owner, whether somebody has heard of it."""
    return {one.key.owner: one.told for one in session.store.alarms.every()}


def apply_team(road: Road, pay: str, data: str = "https://hooks.example/none") -> None:
    """A team's machine with these on call."""
    called = f"oncall: {pay}" if pay else ""
    owners = f"owners: {{pay: {{{called}}}, data: {{oncall: '{data}'}}, quiet: {{}}}}"
    road.apply({"p.yaml": f"orchestr8: 1\nplatform: {{mode: team, {owners}}}\n"}, "platform")


def test_each_is_told_of_theirs_once_and_of_the_end_once(road: Road) -> None:
    with receiving() as receiver:
        apply_team(road, f"'{receiver.address}/pay'", f"{receiver.address}/data")
        note(road, {PAY: "x", DATA: "y", Key("quiet", "failing", "q.quiet"): "z"})
        with called(road):
            until(lambda: len(receiver.took) == 2)
            note(road, {}, (PAY,))
            until(lambda: len(receiver.took) == 3)
            with road.open() as session:
                until(lambda: told(session) == {"data": True, "quiet": False})
    assert receiver.alarms("/pay") == [("standing", "api.pay"), ("over", "api.pay")]
    assert receiver.alarms("/data") == [("standing", "db.data")]
    first, message = receiver.took[0][1], receiver.took[-1][1]
    assert (message["owner"], message["kind"], message["schema"]) == ("pay", "alarms", 1)
    assert first["alarms"][0]["since"] == "1970-01-01T00:00:01Z"


def test_whoever_is_named_later_is_told_what_stands_and_no_end_of_the_unheard(road: Road) -> None:
    with receiving() as receiver:
        apply_team(road, "")
        note(road, {PAY: "x", Key("pay", "failing", "b.pay"): "y"})
        with called(road):
            note(road, {}, (Key("pay", "failing", "b.pay"),))
            apply_team(road, f"'{receiver.address}/pay'")
            until(lambda: receiver.took)
            apply_team(road, "")
            note(road, {}, (PAY,))
            with road.open() as session:
                until(lambda: told(session) == {})
    assert receiver.alarms("/pay") == [("standing", "api.pay")]


def test_the_platform_hears_of_trouble_that_no_row_speaks_of(road: Road) -> None:
    trouble = ["the disk is full"]
    with receiving() as receiver:
        part = f"{{mode: team, oncall: '{receiver.address}/platform'}}"
        road.apply({"p.yaml": f"orchestr8: 1\nplatform: {part}\n"}, "platform")
        with called(road, trouble=lambda: trouble[-1]):
            until(lambda: receiver.took)
            trouble.append("")
            until(lambda: len(receiver.took) == 2)
    begun, over = receiver.alarms("/platform")
    assert (begun, over) == (("standing", "this machine"), ("over", "this machine"))


def test_what_comes_together_is_one_message(road: Road) -> None:
    with receiving() as receiver:
        apply_team(road, f"'{receiver.address}/pay'")
        many = {Key("pay", "failing", f"a{n:02}.pay"): "x" for n in range(60)}
        note(road, many)
        with called(road):
            until(lambda: len(receiver.alarms("/pay")) == 60)
    assert [len(message["alarms"]) for _, message in receiver.took] == [50, 10]


def test_a_receiver_that_is_not_well_is_asked_again(road: Road) -> None:
    notes: list[str] = []
    with receiving(refusals=6) as receiver:
        apply_team(road, f"'{receiver.address}/pay'")
        note(road, {PAY: "x"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(calling, "WAIT_SECONDS_MOST", 0.01)
            with called(road, notes):
                until(lambda: receiver.took)
    assert receiver.alarms("/pay") == [("standing", "api.pay")]
    assert len(receiver.asked) == 7
    assert notes == ["pay cannot be called: its webhook answers with 503"]


@pytest.mark.parametrize("status", [302, 404, 429])
def test_whoever_refuses_is_asked_once_and_nobody_elsewhere(road: Road, status: int) -> None:
    refused = pytest.raises(RejectedError, match=f"its webhook answers with {status}")
    with receiving(refusals=4, status=status) as receiver, refused:
        calling.tell(settings(road), "pay", f"{receiver.address}/x", [ALARM])
    assert receiver.asked == ["/x"]


def test_of_an_answer_that_is_none_a_word_is_said(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "ATTEMPTS", 1)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Babbling) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with pytest.raises(UnavailableError, match="its webhook does not answer: SSH"):
            calling.tell(settings(road), "pay", f"http://127.0.0.1:{server.server_port}", [ALARM])
        server.shutdown()
        thread.join()


def test_a_state_folder_that_was_deleted_stays_so_and_one_that_came_back_is_read(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, kept = road.folder / "state", road.folder / "kept"
    looks: list[bool] = []

    def noted(asked: Settings, *, make: bool) -> AbstractContextManager[Session]:
        looks.append(state.exists())
        return session(asked, make=make)

    with receiving() as receiver:
        apply_team(road, f"'{receiver.address}/pay'")
        note(road, {PAY: "x"})
        monkeypatch.setattr(calling, "session", noted)
        with called(road):
            until(lambda: receiver.took)
            with road.open() as opened:  # else it was over before anybody was told
                until(lambda: all(one.told for one in opened.store.alarms.every()))
            state.rename(kept)
            until(lambda: looks.count(False) >= 2)
            assert not state.exists()
            kept.rename(state)
            note(road, {}, (PAY,))
            until(lambda: receiver.alarms("/pay")[-1] == ("over", "api.pay"))


@ROOT_ONLY
def test_a_command_has_no_rights_and_gets_the_message() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "took").touch()
        (folder / "took").chmod(0o666)
        program = folder / "page"
        program.write_text(
            '#!/bin/sh\n(id -u; id -G; grep CapBnd /proc/self/status; echo "$1"; cat) '
            f"> {folder}/took\n"
        )
        program.chmod(0o755)
        road = Road(folder)
        calling.tell(settings(road), "pay", f"{program} 'two words'", [ALARM])
        uid, groups, bounding, word, body = (folder / "took").read_text().splitlines()
        assert (uid, groups) == (str(calling.UID), str(calling.UID))
        assert bounding.split()[1] == "0" * 16
        assert word == "two words"
        assert json.loads(body)["alarms"][0]["subject"] == "api.pay"


def test_two_commands_at_once_do_not_share_a_home(
    road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program = tmp_path / "page"
    program.write_text(f"#!/bin/sh\npwd >> {tmp_path}/where\n")
    program.chmod(0o755)
    for owner in ("pay", "data"):
        calling.tell(settings(road), owner, str(program), [ALARM])
    assert len(set((tmp_path / "where").read_text().split())) == 2


def test_a_command_that_fails_is_told_with_its_words(
    road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "ATTEMPTS", 1)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program = tmp_path / "page"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho no line >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(UnavailableError, match="its command ends with 3: no line"):
        calling.tell(settings(road), "pay", str(program), [ALARM])


def test_a_machine_without_a_thread_to_spare_calls_later(road: Road) -> None:
    notes: list[str] = []
    with receiving() as receiver:
        apply_team(road, f"'{receiver.address}/pay'")
        with called(road, notes):
            threading.stack_size(1 << 47)  # more than there are addresses
            try:
                note(road, {PAY: "x"})
                until(lambda: notes)
            finally:
                threading.stack_size(0)
            until(lambda: receiver.took)
    assert notes[0] == "pay cannot be called: can't start new thread"
    assert receiver.alarms("/pay") == [("standing", "api.pay")]
