"""Tables and rows on terminals of any width: nothing is left out, and no word is cut."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest

from orchestr8.__main__ import run
from orchestr8.cli.columns import gone_on, laid_out
from orchestr8.cli.live_top import picture
from orchestr8.cli.terminal import Terminal, shown_on, table
from tests.cli.shell import Shell
from tests.cli.test_top import SHOP

STATUS = [
    ["SERVICE", "OWNER", "BOXES", "STATE", "RELAXED"],
    ["api.payments", "payments", "2/2", "healthy", "-"],
    ["front.web", "web", "1/2", "1 healthy, 1 waits: back-off", "2, next end 2027-02-01"],
]


def shown(columns: int, *words: str) -> str:
    """What a command prints on a terminal of this width."""
    out = io.StringIO()
    with shown_on(Terminal(out, out, True, True, columns, 24, plain=True)):
        assert run(words) == 0
    return out.getvalue()


def test_what_has_room_stands_as_it_is() -> None:
    (_, api, front) = laid_out(STATUS, 0)
    assert api == ["api.payments  payments  2/2    healthy                       -"]
    assert laid_out(STATUS, len(front[0])) == laid_out(STATUS, 0)


def test_the_widest_cells_go_on_below_at_a_word() -> None:
    assert laid_out(STATUS, 68)[2] == [
        "front.web     web       1/2    1 healthy, 1       2, next end",
        "                               waits: back-off    2027-02-01",
    ]


def test_where_that_is_not_enough_the_last_columns_go_below() -> None:
    head, api, front = laid_out(STATUS, 60)
    assert head[1:] == ["  RELAXED"]
    assert front == [
        "front.web     web       1/2    1 healthy, 1 waits: back-off",
        "  2, next end 2027-02-01",
    ]
    assert len(api) == 1, "there is nothing of it below"


@pytest.mark.parametrize("most", range(12, 90))
def test_no_word_is_lost_or_cut_at_any_width(most: int) -> None:
    for row, lines in zip(STATUS, laid_out(STATUS, most), strict=True):
        words = " ".join(lines).split()
        assert sorted(words) == sorted(word for cell in row if cell != "-" or cell in words
                                       for word in cell.split())  # fmt: skip
        assert max(map(len, lines)) <= max(most, 2 + max(map(len, words)))


def test_a_word_that_is_wider_than_the_terminal_is_whole() -> None:
    digest = f"sha256:{'0' * 64}"
    assert laid_out([["a", digest]], 40) == [["a", f"  {digest}"]]


def test_without_a_terminal_each_row_is_one_line() -> None:
    assert table([["A", "B"], ["x " * 200, "y"]], "  ")[1] == f"  {'x ' * 200}  y"


def test_a_sentence_goes_on_below_at_a_word() -> None:
    assert gone_on("one two three", 9) == ["one two", "     three"]
    assert gone_on("one two three", 0) == ["one two three"]


@pytest.mark.parametrize("columns", [100, 80, 60, 40])
def test_what_matters_is_there_on_every_terminal(shell: Shell, columns: int) -> None:
    shell.apply(SHOP)
    said = {
        "top --once": ["BOX", "0.front.shop", "/64MiB", "1/20", "RESTARTS"],
        "status": ["front.shop", "2/2", "healthy"],
        "history": ["REVISION", "converged", "front.shop"],
        "history --journal": ["WHY", "no box yet"],
        "events": [" UTC  ", "create", "shop--front--1", "by root"],
        "why front.shop": ["healthy, running", "held)"],
    }
    for command, words in said.items():
        output = shown(columns, *command.split())
        assert [word for word in words if word not in output] == []
        assert "…" not in output
        if command in ("top --once", "events"):
            assert max(map(len, output.splitlines())) <= columns


def test_a_box_of_a_narrow_picture_has_its_use_below_it(shell: Shell) -> None:
    shell.apply(SHOP)
    lines = shown(60, "top", "--once").splitlines()
    (below,) = [b for a, b in pairwise(lines) if a.startswith("0.front.shop")]
    assert below.startswith("  ")
    assert below.split()[-1] == "0"


def test_a_live_picture_is_as_wide_as_its_terminal(shell: Shell) -> None:
    shell.apply(SHOP)
    shell.monkeypatch.setenv("COLUMNS", "60")
    status, text, _ = picture(())
    assert (status, max(map(len, text.splitlines())) <= 60) == (0, True)
    assert "RESTARTS" in text
