"""A proof as it is printed."""

from __future__ import annotations

from orchestr8.contract.model import Gap
from orchestr8.names import BoxId
from orchestr8.proof import show
from orchestr8.proof.model import Finding, Proof, Verdict

PROOF = Proof(
    BoxId("web", "front", 7),
    0,
    (
        Finding("seccomp", "no new privileges (4 tasks)", "1", "1", Verdict.HELD),
        Finding("root", "root is mounted read-only", "ro", "rw,relatime", Verdict.BROKEN),
        Finding("swap", "no swap", "0", "(could not be read: no file)", Verdict.UNPROVEN),
    ),
)
GAPS = (Gap("ns.user", "a user namespace", "Docker has one"), Gap("lsm", "a profile", "none here"))


def test_the_table_of_a_box() -> None:
    assert show.table(PROOF) == (
        "0.front.web",
        "claim                        expected  observed                      verdict",
        "no new privileges (4 tasks)  1         1                             held",
        "root is mounted read-only    ro        rw,relatime                   broken",
        "no swap                      0         (could not be read: no file)  unproven",
    )


def test_counts_and_gaps_stand_apart() -> None:
    assert show.summary([PROOF, PROOF]) == "2 held, 2 broken, 2 unproven."
    assert show.summary([PROOF], GAPS) == (
        "1 held, 1 broken, 1 unproven. Gaps of this host: no lsm, no ns.user."
    )
    assert show.brief(PROOF) == "proved 1 of 3"


def test_nothing_observed_steers_a_terminal() -> None:
    hostile = "\x1b[2J\n\u202ex\u2028\x07é"
    finding = Finding("a", "b", "c", hostile, Verdict.BROKEN)
    line = show.table(Proof(PROOF.id, 0, (finding,)))[-1]
    assert line.isprintable()
    assert line.endswith("é  broken")


def test_a_wide_cell_is_never_cut() -> None:
    wide = "x" * 200
    finding = Finding("a", "b", wide, wide, Verdict.BROKEN)
    assert show.table(Proof(PROOF.id, 0, (finding,)))[-1].count(wide) == 2


def test_the_verdict_of_a_box_is_its_worst() -> None:
    held, broken, unproven = PROOF.findings
    for findings, verdict in (
        ((), Verdict.UNPROVEN), ((held,), Verdict.HELD), ((held, broken), Verdict.BROKEN),
        ((held, broken, unproven), Verdict.BROKEN), ((held, unproven), Verdict.UNPROVEN),
    ):  # fmt: skip
        assert Proof(PROOF.id, 0, findings).verdict is verdict
