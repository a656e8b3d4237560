"""A thousand boxes that do nothing: started, proven, and what the last one costs and holds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.crowd import AT_ONCE, monitor_of, provisioned
from benchmarks.crun_boxes import CrunBoxesOfOurs, crun_boxes
from benchmarks.ground import Ground
from benchmarks.processes import held_kilobytes
from benchmarks.rows import Row
from benchmarks.workload import workload
from orchestr8.boxes.desired import Box
from orchestr8.isolation.limits import Quota
from orchestr8.proof.model import Expectation, Proof, Verdict
from orchestr8.proof.prove import prove_all

TITLE = "A thousand boxes"
COUNTS = (100, 300, 1000)
_MORE = 80
"""So many are timed at each count: those of twenty differ by half, whatever stands beside them."""


def rows(ground: Ground) -> Iterator[Row]:
    """They are made two at a time; then each is read and held against all others, and all go."""
    folder = ground.scratch / "thousand"
    folder.mkdir(mode=0o711)
    ground.scratch.chmod(0o711)
    with crun_boxes(workload(folder).archive) as ours, ThreadPoolExecutor(AT_ONCE) as pool:
        boxes: list[Box] = []
        one_more: list[float] = []
        for count in COUNTS:
            missing = [ours.box() for _ in range(count - _MORE - len(boxes))]
            provisioned(pool, ours, missing)
            more = [ours.box() for _ in range(_MORE)]
            one_more.append(provisioned(pool, ours, more) / _MORE * 1000)
            boxes += missing + more
        held = held_kilobytes(monitor_of(ours, box) for box in boxes) / len(boxes)
        began = time.perf_counter()
        verdicts = Counter(_verdict(proof) for proof in _proofs(ours, boxes))
        proven = (time.perf_counter() - began) * 1000 / len(boxes)
        began = time.perf_counter()
        list(pool.map(lambda box: ours.end(box.id), boxes))
        gone = (time.perf_counter() - began) * 1000 / len(boxes)
        left = len(ours.boxes.observe().boxes)
    first, *_, last = COUNTS
    told = ", ".join(
        f"{taken:.3g} ms at {count}" for count, taken in zip(COUNTS, one_more, strict=True)
    )
    yield Row(
        f"one more box beside {last:,}", one_more[-1], one_more[0], f"one more beside {first}",
        "ms", _MORE, most=1.2, note=told,
    )  # fmt: skip
    yield Row(
        "memory of each beyond the workload", held, None, "", "kB", last, most=500,
        note="the monitor's, proportional (PSS)",
    )  # fmt: skip
    outcomes = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(verdicts.items()))
    yield Row(
        "one of them read and proven", proven, None, "", "ms", last,
        note=f"every claim against the kernel, and each box against all others: {outcomes}",
    )  # fmt: skip
    yield Row(
        f"one of {last:,} stopped and removed", gone, None, "", "ms", last, note=f"{left} are left"
    )


def _proofs(ours: CrunBoxesOfOurs, boxes: Sequence[Box]) -> tuple[Proof, ...]:
    found = {one.id: one for one in ours.boxes.observe().boxes}
    features, witness = ours.boxes.features(), ours.borders.witness
    pairs = []
    for box in boxes:
        expectation = Expectation(
            id=box.id, slot=box.slot, spec=box.spec, limits=box.limits, quota=Quota(),
            address=box.address, volumes={}, features=features,
        )  # fmt: skip
        pairs.append((expectation, witness.read(box.id, found[box.id].pid or 0)))
    return prove_all(pairs)


def _verdict(proof: Proof) -> str:
    """The worst of a box's findings."""
    verdicts = {finding.verdict for finding in proof.findings}
    worst = next(one for one in (Verdict.BROKEN, Verdict.UNPROVEN, Verdict.HELD) if one in verdicts)
    return worst.value
