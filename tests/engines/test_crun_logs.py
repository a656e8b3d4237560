"""Logs on the crun engine: whatever the monitor does to its files, no line within the bound is lost
or told twice, and who follows is not left behind."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.controller.clock import no
from orchestr8.engines.crun import log_files
from orchestr8.engines.crun.log_files import CHANGE_BYTES, FILE_BYTES_MAX, KEPT_BYTES, LogFiles
from orchestr8.engines.crun.logs import GAP, follow, last_lines
from orchestr8.engines.crun.places import BoxPlaces
from tests.conformance.crun import CrunBench, ready_crun

MANY = 10**6
AT_ONCE = 5_000
"""So many lines are far from what is kept though nobody looks."""


class Monitor:
    """A box's monitor as far as its log goes: it does what conmon does, in the same order."""

    def __init__(self, folder: Path) -> None:
        self.places = BoxPlaces(folder / "kept", folder / "run", folder / "crun")
        self.places.kept.mkdir()
        self.places.bundle.mkdir(parents=True)
        os.mkfifo(self.places.bundle / "ctl")
        self._control = os.open(self.places.bundle / "ctl", os.O_RDWR | os.O_NONBLOCK)
        self.files = LogFiles(self.places)
        self.files.begin()
        self._file = os.open(self.places.log, os.O_WRONLY | os.O_APPEND)
        self._written_bytes = 0
        self.count = 0

    def write(self, size_bytes: int, stream: str = "stdout") -> None:
        """So many bytes of numbered lines."""
        filler = "x" * 900
        target = self._written_bytes + size_bytes
        while self._written_bytes < target:
            self.count += 1
            line = (
                f"2026-01-01T00:00:00.000000000+00:00 {stream} F {self.count} {filler}\n".encode()
            )
            if self._written_bytes + len(line) > FILE_BYTES_MAX:
                target -= self._written_bytes
                self.change()
            self._written_bytes += os.write(self._file, line)

    def write_around(self, between: Callable[[], None]) -> None:
        """A line in two pieces, with something between them."""
        self.count += 1
        for kind, text, then in (("P", f"{self.count} begins", between), ("F", " ends", None)):
            record = f"2026-01-01T00:00:00.000000000+00:00 stdout {kind} {text}\n".encode()
            self._written_bytes += os.write(self._file, record)
            if then:
                then()

    def change(self) -> None:
        """The next file, as conmon makes it or finds it."""
        os.close(self._file)
        fresh = self.places.log.with_name("log.tmp")
        self._file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        fresh.rename(self.places.log)
        self._written_bytes = 0

    def obey(self) -> None:
        """Does what it was told by now."""
        try:
            told = os.read(self._control, 4096).decode().splitlines()
        except BlockingIOError:
            return
        for line in told:
            assert line == "2 0 0"
            self.change()

    def tended(self) -> None:
        """Somebody looks, while it hears what it is told."""
        looking = threading.Thread(target=self.files.tend)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_files, "_CHANGE_SECONDS", 60)  # this thread may be slow to hear
            looking.start()
            while looking.is_alive():
                self.obey()
                looking.join(0.001)

    def numbers(self) -> list[int]:
        """The numbers of the lines that are kept; 0 where some may be missing."""
        return [0 if line == GAP else int(line.split()[0])
                for line in last_lines(self.files, MANY)]  # fmt: skip

    def disk_bytes(self) -> int:
        seen = {path.stat().st_ino: path.stat().st_size
                for path in self.places.kept.rglob("*") if path.is_file()}  # fmt: skip
        return sum(seen.values())


@pytest.fixture
def monitor(tmp_path: Path) -> Monitor:
    return Monitor(tmp_path)


def test_a_small_log_lies_in_one_file(monitor: Monitor) -> None:
    monitor.write(5_000)
    monitor.tended()
    assert monitor.numbers() == [1, 2, 3, 4, 5, 6]
    assert last_lines(monitor.files, 2)[0].startswith("5 ")
    assert last_lines(monitor.files, 0) == ()
    assert [one.number for one in monitor.files.written()] == [1]


def test_who_looks_has_the_file_changed_before_it_is_full(monitor: Monitor) -> None:
    for _ in range(5):
        monitor.write(CHANGE_BYTES + 1)
        monitor.tended()
    numbers = monitor.numbers()
    assert numbers == list(range(numbers[0], monitor.count + 1))
    assert numbers[0] > 1, "the oldest go"
    assert len(numbers) * 900 >= KEPT_BYTES * 0.85
    assert monitor.disk_bytes() < 2 * KEPT_BYTES


def test_a_line_in_two_files_is_whole_though_the_first_goes(monitor: Monitor) -> None:
    for _ in range(6):
        monitor.write(CHANGE_BYTES + 1)
        monitor.write_around(monitor.tended)
        monitor.tended()
    numbers = monitor.numbers()
    assert numbers == list(range(numbers[0], monitor.count + 1))
    assert numbers[0] > 1, "the oldest go"
    assert last_lines(monitor.files, MANY)[0] == f"{numbers[0]} begins ends"


def test_two_full_files_are_kept_though_nobody_looks(monitor: Monitor) -> None:
    monitor.write(2 * FILE_BYTES_MAX - CHANGE_BYTES)
    assert monitor.numbers() == list(range(1, monitor.count + 1))
    monitor.write(CHANGE_BYTES + FILE_BYTES_MAX // 2)
    monitor.tended()
    numbers = [one for one in monitor.numbers() if one]
    assert numbers == list(range(numbers[0], monitor.count + 1)), "nor was any of these lost"


def test_what_nobody_could_keep_is_said(monitor: Monitor) -> None:
    monitor.write(5 * FILE_BYTES_MAX)
    monitor.tended()
    numbers = monitor.numbers()
    assert numbers.count(0) == 1
    at = numbers.index(0)
    assert numbers[at + 1] > numbers[at - 1] + 1
    assert monitor.disk_bytes() < 4 * FILE_BYTES_MAX


def test_who_follows_gets_each_line_once_across_files(monitor: Monitor) -> None:
    writes = iter([CHANGE_BYTES + 1] * 6 + [1_000, 0])

    def ended() -> bool:
        size = next(writes, None)
        if size is not None:
            monitor.write(size)
            monitor.tended()
        return size is None

    monitor.write(3_000)
    numbers = [int(line.split()[0]) for line in follow(monitor.files, 2, ended, no)]
    assert numbers == list(range(3, monitor.count + 1))


def test_who_follows_is_told_what_was_too_fast(monitor: Monitor) -> None:
    steps = iter([5 * FILE_BYTES_MAX])

    def ended() -> bool:
        size = next(steps, None)
        if size:
            monitor.write(size)
        return size is None

    monitor.write(1_000)
    lines = list(follow(monitor.files, 10, ended, no))
    assert GAP in lines
    assert lines[-1].startswith(f"{monitor.count} ")


def test_pieces_of_a_line_are_joined_across_files_and_streams(monitor: Monitor) -> None:
    os.write(monitor._file, b"t stdout P one, \nt stderr F other\n")
    monitor.change()
    os.write(monitor._file, b"t stdout F two\nt stdout P three")
    assert last_lines(monitor.files, 9) == ("other", "one, two")
    os.write(monitor._file, b"\n")
    assert last_lines(monitor.files, 9) == ("other", "one, two", "three")


@pytest.mark.parametrize("seed", range(12))
def test_no_order_of_events_tells_a_line_twice_or_out_of_turn(
    monitor: Monitor, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small changes of files, told and untold, between any two steps of who looks."""
    chance = random.Random(seed)
    real = os.link

    def link(*words: Any, **settings: Any) -> None:
        if chance.random() < 0.3:
            monitor.write(500)
            monitor.change()
        real(*words, **settings)

    monkeypatch.setattr(os, "link", link)
    for _ in range(60):
        chance.choice([lambda: monitor.write(2_000), monitor.change, monitor.files.tend])()
        monitor.files.tend()
    numbers = [one for one in monitor.numbers() if one]
    assert numbers == sorted(set(numbers))


def test_a_log_of_a_box_that_was_made_before_is_taken_up(tmp_path: Path) -> None:
    places = BoxPlaces(tmp_path / "kept", tmp_path / "run", tmp_path / "crun")
    places.kept.mkdir()
    assert last_lines(LogFiles(places), 5) == ()
    places.log.write_text("t stdout F old\n")
    LogFiles(places).tend()
    assert last_lines(LogFiles(places), 5) == ("old",)
    LogFiles(BoxPlaces(tmp_path / "gone", tmp_path / "run", tmp_path / "crun")).tend()


@pytest.fixture(scope="module")
def bench() -> Iterator[CrunBench]:
    with ready_crun() as made:
        yield made


def _writing(bench: CrunBench, lines: int) -> Box:
    """A box that writes so many numbered lines of 400 characters, and ends; after each AT_ONCE it
    waits until somebody has read them, or for a minute."""
    read = "[ -e /dev/shm/$i ] || [ $((n+=1)) -gt 1200 ]"
    pause = f"[ $((i % {AT_ONCE})) = 0 ] && n=0 && until {read}; do sleep 0.05; done"
    words = (
        f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo $i {'x' * 400}; {pause}; done; true"
    )
    made = bench.box("wait", "web")
    return replace(made, spec=replace(made.spec, entrypoint=("/bin/sh", "-c", words), args=()))


@pytest.mark.on_engine("crun")
def test_50000_lines_are_followed_and_the_last_of_them_kept(bench: CrunBench) -> None:
    """Over 20 MB, through a real monitor, while its files are changed under it."""
    lines = 50_000
    made = _writing(bench, lines)
    bench.run(made)
    numbers: list[int] = []
    for line in bench.boxes.follow(made.id, lines, no):
        numbers.append(int(line.split()[0]))
        if numbers[-1] % AT_ONCE == 0:
            words = ["/bin/sh", "-c", f": >/dev/shm/{numbers[-1]}"]
            assert bench.boxes.execute(made.id, words).exit_status == 0
    assert numbers == list(range(1, lines + 1))
    kept = [int(line.split()[0]) for line in bench.boxes.logs(made.id, MANY)]
    assert kept == list(range(kept[0], lines + 1))
    assert (lines - kept[0]) * 440 > KEPT_BYTES * 0.9
    folder = bench.state / "crun/boxes" / str(made.id)
    assert len(list((folder / "logs").iterdir())) > 1
    assert max(one.stat().st_size for one in folder.rglob("*")) <= log_files.FILE_BYTES_MAX
