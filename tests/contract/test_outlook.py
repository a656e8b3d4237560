"""What a change of the platform's part would refuse, by set."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestr8.contract.grant import Circumstances
from orchestr8.contract.model import Contracts
from orchestr8.contract.outlook import looked_ahead, outlook
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


USES = {
    "base": "orchestr8: 1\nowner: web\nservices: {db: {image: 'db:1'}}\n",
    "gone": "orchestr8: 1\nowner: web\nservices: {other: {image: 'x:1'}}\n",
    "user": "orchestr8: 1\nowner: web\nservices: {app: {image: 'app:1', connects: [db:5432]}}\n",
}


def of_base(text: str) -> Fleet:
    """A set that has what another one's service connects to, or has it no more."""
    texts = {"base": USES[text], "user": USES["user"]}
    return Fleet({name: load_stored([Source(f"{name}.yaml", one)]) for name, one in texts.items()})


SAID = Contracts({}, {}, (), Features("crun", frozenset()), (), notes=("said before",))


def ahead(before: Fleet, after: Fleet, applying: str) -> Contracts:
    """What is told with the contracts of a change, if it is one."""
    circumstances = Circumstances(before, applying, Features("crun", frozenset()), NOW)
    return looked_ahead(SAID, after, circumstances)


def test_what_a_change_takes_away_and_what_it_refuses_stand_beside_what_was_said() -> None:
    lost = ahead(of_base("base"), of_base("gone"), "base")
    assert lost.notes == SAID.notes and [str(one.service) for one in lost.losses] == ["app.web"]
    images = ("app:1",)
    after = fleet(", policy: {images: {digests: required}}", *images)
    refused = ahead(fleet("", *images), after, "platform")
    assert refused.notes == (*SAID.notes, *told(fleet("", *images), after))
    assert len(refused.notes) == 2 and not refused.losses


def test_where_nobody_loses_anything_and_where_nothing_is_applied_nothing_is_told() -> None:
    assert ahead(of_base("base"), of_base("base"), "base") is SAID
    assert ahead(of_base("base"), of_base("gone"), "") is SAID
