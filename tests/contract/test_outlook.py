"""What a change of the platform's part would refuse, by set."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestr8.contract.grant import Circumstances
from orchestr8.contract.outlook import outlook
from orchestr8.isolation.features import Features
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import Fleet, Source

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DIGEST = "@sha256:" + "0123456789abcdef" * 4


def fleet(policy: str, *images: str) -> Fleet:
    """A platform's set with this policy, and a set for each image, named by its number."""
    texts = {
        str(number): f"orchestr8: 1\nowner: web\nservices: {{app{number}: {{image: '{image}'}}}}\n"
        for number, image in enumerate(images)
    }
    texts["platform"] = f"orchestr8: 1\nplatform: {{mode: team, owners: {{web: {{}}}}{policy}}}\n"
    return Fleet({name: load_stored([Source(f"{name}.yaml", one)]) for name, one in texts.items()})


def told(before: Fleet, after: Fleet) -> tuple[str, ...]:
    """What a change of the platform's set from one to the other is told."""
    return outlook(after, Circumstances(before, "platform", Features("crun", frozenset()), NOW))


def test_whom_a_new_rule_refuses_is_told_with_its_place() -> None:
    images = ("app:1" + DIGEST, "app:1", "app:2")
    after = fleet(", policy: {images: {digests: required}}", *images)
    assert told(fleet("", *images), after) == tuple(
        f"the next apply of set {number} would be refused, and what runs of it runs on: "
        f"{number}.yaml:3:19: image {image} is named by tag, and the policy demands digests"
        for number, image in ((1, "app:1"), (2, "app:2"))
    )


def test_what_was_refused_before_is_no_news() -> None:
    images = ("app:1", "app:2" + DIGEST)
    before = fleet(", policy: {images: {digests: required}}", *images)
    after = fleet(", policy: {images: {digests: required}, ends: optional}", *images)
    assert told(before, after) == ()


def test_a_change_that_changes_no_rule_refuses_nobody() -> None:
    rule = ", policy: {images: {digests: required}}"
    assert told(fleet(rule), fleet(rule, "app:1")) == ()
