"""Who uses what a change takes away, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from orchestr8.contract.losses import losses
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import Fleet, Source

BASE = """\
orchestr8: 1
owner: data
services:
  db: {image: "db:1", accepts: [api.shop:5432, web.shop:5432], volumes: {/d: rows}, secrets: [key]}
  job: {image: "job:1", run: once}
volumes: {rows: {share: {report.bi: ro}}}
secrets: {key: {}}
"""
FOREIGN = 'orchestr8: 1\nowner: shop\nservices: {api: {image: "a:1", connects: [db.data:5432]}}\n'
READS = 'orchestr8: 1\nowner: bi\nservices: {report: {image: "r:1", volumes: {/in: rows.data}}}\n'
OWN = """\
orchestr8: 1
owner: data
services:
  beside: {image: "b:1", connects: [db:5432], secrets: [key], after: [job], accepts: [db:80]}
  watch: {image: "w:1", relax: [{ns.pid.share: {with: db}, why: looks at it}]}
"""


def fleet(base: str, **others: str) -> Fleet:
    """The set that changes, and others by name; one without a text is not there."""
    texts = {"base": base, **others}
    found = {name: [Source(f"{name}.yaml", text)] for name, text in texts.items() if text}
    return Fleet({name: load_stored(text) for name, text in found.items()})


def told(
    after: str, base: str = BASE, others: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """What the change of the set from one text to the other takes from others."""
    return [
        f"{one.place.line} {one.service} {one.field}: {one.what}, {one.why}"
        for one in losses(fleet(base, **others), fleet(after, **others), "base")
    ]


def without(line: str) -> str:
    """The set's text after a line of it, or a part of a line, was taken out."""
    assert line in BASE
    return BASE.replace(line, "")


@pytest.mark.parametrize(
    ("gone", "other", "lost"),
    [
        (", web.shop:5432", FOREIGN, []),
        ("api.shop:5432, ", FOREIGN,
         ["3 api.shop connects: connects to db.data:5432, which accepts that no longer"]),
        (": {share: {report.bi: ro}}", READS,
         ["3 report.bi volumes: mounts the volume rows.data, which is shared with it no longer"]),
        ('  job: {image: "job:1", run: once}\n', OWN,
         ["4 beside.data after: comes after job.data, which is there no longer"]),
        ("secrets: {key: {}}\n", OWN,
         ["4 beside.data secrets: is given the secret key, which is there no longer"]),
        (BASE.splitlines(keepends=True)[3], OWN,
         ["4 beside.data connects: connects to db.data:5432, which is there no longer",
          "4 beside.data accepts: accepts db.data, which is there no longer",
          "5 watch.data relax: joins db.data, which is there no longer"]),
    ],
)  # fmt: skip
def test_what_another_set_uses_is_a_loss(gone: str, other: str, lost: list[str]) -> None:
    after = without(gone).replace("volumes: {rows}", "volumes: {rows: {}}")
    assert told(after, others={"other": other}) == lost


def test_a_whole_set_that_goes_is_one_loss_a_line() -> None:
    lost = told("", others={"shop": FOREIGN, "bi": READS})
    assert lost == [
        "3 report.bi volumes: mounts the volume rows.data, which is there no longer",
        "3 api.shop connects: connects to db.data:5432, which is there no longer",
    ]


def test_what_moves_to_another_set_is_no_loss() -> None:
    before, after = fleet(BASE, shop=FOREIGN), fleet("", base2=BASE, shop=FOREIGN)
    assert losses(before, after, "base2") == ()


def test_what_another_set_has_too_is_no_loss() -> None:
    too = "orchestr8: 1\nowner: data\nservices: {}\nsecrets: {key: {}}\n"
    after = without("secrets: {key: {}}\n").replace(", secrets: [key]", "")
    assert told(after, others={"own": OWN}) != []
    assert told(after, others={"own": OWN, "too": too}) == []


def test_what_was_untrue_before_is_no_news() -> None:
    assert told("", others={"shop": FOREIGN.replace("api:", "never-accepted:")}) == []
