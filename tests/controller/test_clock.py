"""Hands that make calls: who asks for them next has the threads of whoever needs none any more."""

from __future__ import annotations

import threading

from orchestr8.controller.clock import LastingClock, working
from orchestr8.controller.settings import PARALLEL_CALLS

SECONDS_MOST = 60.0


def test_threads_that_nobody_needs_are_those_of_whoever_comes_next() -> None:
    clock = LastingClock()
    found = []
    for _ in range(3):
        with working(clock) as workers:
            found.append(workers.submit(threading.get_ident).result())
    assert len(set(found)) == 1


def test_two_at_the_same_time_have_hands_of_their_own() -> None:
    clock, hold = LastingClock(), threading.Event()
    with working(clock) as outer:
        busy = [outer.submit(hold.wait, SECONDS_MOST) for _ in range(PARALLEL_CALLS)]
        with working(clock) as inner:
            assert inner.submit(int, "7").result(SECONDS_MOST) == 7
        hold.set()
        assert all(one.result() for one in busy)


def test_who_ends_them_waits_for_what_runs_and_gives_up_what_has_not_begun() -> None:
    clock, begun, hold = LastingClock(), threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        hold.wait(SECONDS_MOST)

    workers = clock.workers()
    runs = workers.submit(call)
    assert begun.wait(SECONDS_MOST)
    running = [workers.submit(hold.wait, SECONDS_MOST) for _ in range(PARALLEL_CALLS - 1)]
    waiting = workers.submit(int, "7")
    threading.Timer(0.05, hold.set).start()
    workers.shutdown(cancel_futures=True)
    assert waiting.cancelled()
    assert all(one.done() for one in (runs, *running))


def test_a_call_that_fails_leaves_its_thread_to_the_next() -> None:
    clock = LastingClock()
    with working(clock) as workers:
        assert workers.submit(int, "nothing").exception(SECONDS_MOST)
    with working(clock) as workers:
        assert list(workers.map(int, ["1", "2"])) == [1, 2]
