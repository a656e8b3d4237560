"""SELinux's labels: which they are, whose, and what carries them.

No kernel at hand has SELinux. What it would enforce is tried by the one test that such a kernel
needs, and skipped elsewhere; labels on files are kept by a kernel without it as well.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.engines.crun.labels import Labels
from orchestr8.engines.crun.levels import Levels
from orchestr8.engines.crun.places import Places
from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.host import selinux as hand
from orchestr8.isolation import selinux
from orchestr8.kernel.tasks import selinux_mode
from orchestr8.names import BoxId
from tests.conformance.crun import ready_crun
from tests.engines.boxes import box

BOXES = [BoxId("web", "front", number) for number in range(1, 301)]
ATTRIBUTE = "security.selinux"


@pytest.fixture
def levels(tmp_path: Path) -> Levels:
    return Levels(tmp_path / "levels", "mine")


@pytest.fixture
def labels(tmp_path: Path, levels: Levels) -> Labels:
    return Labels(levels, Places(tmp_path / "state", tmp_path / "run"))


def test_every_level_is_a_pair_that_confines_a_box() -> None:
    for name in ("a", "b"):
        tried = list(selinux.levels(name))
        assert tried == list(selinux.levels(name)), "the same each time"
        assert len(set(tried)) == selinux.LEVELS_TRIED
        assert all(selinux.level_of(selinux.process_label(one)) == one for one in tried)


@pytest.mark.parametrize(
    "label",
    [
        "", "unconfined", "system_u:system_r:container_t:s0", "system_u:system_r:container_t",
        "system_u:system_r:container_t:s0:c1", "system_u:system_r:container_t:s0:c1,c2,c3",
        "system_u:system_r:container_t:s0:c0.c1023", "system_u:system_r:container_t:s0:c2,c1",
        "system_u:system_r:container_t:s0:c1,c1", "system_u:system_r:container_t:s0:c1,c1024",
        "system_u:system_r:container_t:s0-s0:c1,c2", "system_u:system_r:spc_t:s0:c1,c2",
        "system_u:object_r:container_t:s0:c1,c2", "system_u:system_r:container_t:s0:c1,c2\n",
        "orchestr8.strict-1.0123abcd (enforce)",
    ],
)  # fmt: skip
def test_no_other_label_confines_a_box(label: str) -> None:
    assert selinux.level_of(label) == ""


def test_boxes_have_levels_of_their_own_whoever_asks_at_once(levels: Levels) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(levels.take, BOXES))
    assert len(set(taken)) == len(BOXES)
    assert [levels.take(one) for one in BOXES] == taken, "the same one each time"


def test_what_another_has_is_not_taken_until_it_left(tmp_path: Path, levels: Levels) -> None:
    first, second, *_ = selinux.levels(f"mine/{BOXES[0]}")
    levels.folder.mkdir()
    (levels.folder / first).symlink_to("another/web--front--1")
    assert levels.take(BOXES[0]) == second
    levels.leave(BOXES[0])
    levels.leave(BOXES[0])
    assert [one.name for one in levels.folder.iterdir()] == [first]


def test_a_box_is_not_made_with_anothers_level(levels: Levels) -> None:
    levels.folder.mkdir()
    for level in selinux.levels(f"mine/{BOXES[0]}"):
        (levels.folder / level).symlink_to("another/web--front--1")
    with pytest.raises(UnavailableError, match="is another box's"):
        levels.take(BOXES[0])


def runs(labels: Labels, box_id: BoxId, document: str) -> None:
    process = labels.places.box(box_id).process
    process.parent.mkdir(parents=True)
    process.write_text(document)


def labelled(level: str) -> str:
    return f'{{"args": [], "selinuxLabel": "{selinux.process_label(level)}"}}'


def test_who_shares_processes_or_memory_has_the_others_level(labels: Labels) -> None:
    runs(labels, BOXES[1], labelled("s0:c1,c2"))
    runs(labels, BOXES[2], labelled("s0:c1,c3"))
    alone = box("web--front--1")
    own = labels.level(alone)
    assert labels.level(replace(alone, joins=(("net", BOXES[1]),))) == own
    for kind in ("pid", "ipc"):
        assert labels.level(replace(alone, joins=((kind, BOXES[1]),))) == "s0:c1,c2"
    with pytest.raises(RejectedError, match="keeps apart"):
        labels.level(replace(alone, joins=(("pid", BOXES[1]), ("ipc", BOXES[2]))))


def test_nobody_joins_a_box_without_a_label(labels: Labels) -> None:
    runs(labels, BOXES[1], '{"args": []}')
    with pytest.raises(RejectedError, match="before SELinux was in force"):
        labels.level(replace(box("web--front--1"), joins=(("pid", BOXES[1]),)))


def carried(place: Path) -> str:
    value = os.getxattr(place, ATTRIBUTE, follow_symlinks=False)
    return value.removesuffix(b"\0").decode()


def test_all_of_a_folder_carries_its_label_and_nothing_beside_it(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "volume"
    (folder / "deep" / "deeper").mkdir(parents=True)
    outside.mkdir()
    (outside / "file").touch()
    (folder / "deep" / "file").touch()
    (folder / "link").symlink_to(outside)
    os.mkfifo(folder / "pipe")
    hand.label(folder, selinux.SHARED_FILES)
    inside = [folder, *folder.rglob("*")]
    assert len(inside) == 6
    assert {carried(one) for one in inside} == {selinux.SHARED_FILES}
    for one in (outside, outside / "file"):
        with pytest.raises(OSError, match="No data"):
            carried(one)


def test_what_carries_its_label_is_left_alone_and_another_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    hand.label(tmp_path, selinux.SHARED_FILES)
    os.setxattr(file, ATTRIBUTE, b"a box's own doing")
    hand.label(tmp_path, selinux.SHARED_FILES)
    assert carried(file) == "a box's own doing"
    hand.label(tmp_path, selinux.IMAGE_FILES)
    assert carried(file) == carried(tmp_path) == selinux.IMAGE_FILES


@pytest.mark.parametrize(
    ("enforce", "why"),
    [(None, "not in force"), ("0", "does not enforce"), ("1", "install container-selinux"),
     ("1\n", "install container-selinux")],
)  # fmt: skip
def test_why_there_are_no_labels_is_said(tmp_path: Path, enforce: str | None, why: str) -> None:
    if enforce is not None:
        (tmp_path / "enforce").write_text(enforce)
    assert why in hand.missing(selinux.NEEDED, tmp_path)


def test_a_policy_that_takes_every_label_is_enough(tmp_path: Path) -> None:
    (tmp_path / "enforce").write_text("1")
    (tmp_path / "context").touch()
    assert hand.missing(selinux.NEEDED, tmp_path) == ""


@pytest.mark.on_engine("crun")
def test_the_kernel_holds_a_box_to_its_own_label() -> None:
    if selinux_mode() != "enforcing" or hand.missing(selinux.NEEDED):
        pytest.skip("this kernel does not have SELinux in force with container-selinux's policy")
    with ready_crun() as bench:
        made = [bench.box("wait") for _ in range(2)]
        found = [selinux.level_of(label_of(bench.run(one).pid)) for one in made]
        assert all(found) and len(set(found)) == 2


def label_of(pid: int | None) -> str:
    return Path(f"/proc/{pid}/attr/current").read_text().rstrip("\0\n")
