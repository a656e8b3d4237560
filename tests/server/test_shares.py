"""Nobody takes all that there is of threads and connections."""

from __future__ import annotations

import io

from orchestr8.controller.authority import EVERYTHING, ROOT, Asker
from orchestr8.server.application import COMMANDS_MOST, THREADS, Application
from orchestr8.server.shares import Shares
from tests.server.test_api import STATUS, Slow, deaf, well


def test_accounts_with_long_commands_leave_room_for_the_next_and_for_root() -> None:
    slow = Slow()
    application = Application(lambda _: EVERYTHING, slow, well, deaf)

    def begin(uid: int) -> bool:
        status: list[str] = []
        request = {
            "REQUEST_METHOD": "POST", "PATH_INFO": STATUS, "CONTENT_LENGTH": "2",
            "wsgi.input": io.BytesIO(b"{}"), "orchestr8.asker": Asker("one", uid, frozenset()),
        }  # fmt: skip
        application(request, lambda line, _: status.append(line))
        return status == ["200 OK"]

    try:
        begun = [sum(begin(uid) for _ in range(THREADS)) for uid in range(4711, 4716)]
        assert begun == [COMMANDS_MOST, COMMANDS_MOST, 6, 3, 2]
        assert sum(begin(ROOT) for _ in range(THREADS)) == COMMANDS_MOST
    finally:
        slow.let_go.set()


def test_nobody_has_more_than_most() -> None:
    shares = Shares(2)
    assert [shares.take("one") for _ in range(3)] == [True, True, False]
    assert shares.take("another")
    shares.give_back("one")
    assert [shares.take("one") for _ in range(2)] == [True, False]
