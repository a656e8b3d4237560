"""The page of attempts is what the tests try."""

from __future__ import annotations

from tests.attacks import document
from tests.attacks.attempts import ATTEMPTS


def test_the_document_says_what_is_tried() -> None:
    assert document.FILE.read_text("utf-8") == document.render(), (
        "run `python -m tests.attacks.document`"
    )


def test_every_class_that_can_be_tried_is() -> None:
    """Two dozen were promised."""
    assert len({attempt.row for attempt in ATTEMPTS.values()}) >= 24
