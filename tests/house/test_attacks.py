"""The page of attempts is what the tests try."""

from __future__ import annotations

from tests.attacks import document


def test_the_document_says_what_is_tried() -> None:
    assert document.FILE.read_text("utf-8") == document.render(), (
        "run `python -m tests.attacks.document`"
    )
