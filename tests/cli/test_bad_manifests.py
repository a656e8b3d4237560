"""A bad manifest gets its problems and exit status 2 or 3, no traceback, and nothing is created."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.cli.console import HELLO, Answer, Console

TYPO = """\
orchestr8: 1
owner: web
services:
  front:
    image: nginx:1
    limits:
        memroy: 256MiB
  back: {image: nginx:1, replicas: many}
"""
WAIVER = """\
orchestr8: 1
owner: web
services:
  front:
    image: nginx:1
    relax:
      - net.egress: {to: 198.51.100.0/24, ports: [443]}
        why: card payments
"""
TEAM = """\
orchestr8: 1
platform: {mode: team, owners: {web: {}}}
"""


@pytest.mark.parametrize("verb", ["validate", "plan", "apply"])
def test_every_problem_is_shown_at_its_place(console: Console, verb: str) -> None:
    console.write("shop.yaml", TYPO)
    answer = console.run(verb, "shop.yaml", ORCHESTR8_ENGINE="memory")
    assert answer.status == 2
    assert answer.output == ""
    assert answer.errors.splitlines()[:4] == [
        'shop.yaml:7:9: unknown key "memroy" in services.front.limits',
        "    7 |         memroy: 256MiB",
        "      |         ^^^^^^",
        '   did you mean "memory"? `orchestr8 explain service.limits` lists all keys',
    ]
    assert "shop.yaml:8:" in answer.errors
    assert answer.errors.endswith("2 problems; nothing was changed.\n")
    assert console.left_behind == []


@pytest.mark.parametrize(
    ("count", "left"), [(50, ""), (51, "1 more problem is"), (73, "23 more problems are")]
)
def test_all_problems_are_counted_and_the_first_are_shown(
    console: Console, count: int, left: str
) -> None:
    services = "".join(f"  s{number}: {{image: X:1}}\n" for number in range(count))
    console.write("shop.yaml", f"orchestr8: 1\nowner: web\nservices:\n{services}")
    errors = console.run("validate", "shop.yaml").errors
    assert errors.endswith(f"{count} problems; nothing was changed.\n")
    assert (f"shop.yaml: {left} not shown" in errors) == bool(left)


def test_problems_as_json(console: Console) -> None:
    console.write("shop.yaml", TYPO)
    answer = console.run("validate", "shop.yaml", "--output", "json")
    assert (answer.status, answer.errors) == (2, "")
    first, second = answer.document["problems"]
    assert (first["file"], first["line"], first["column"]) == ("shop.yaml", 7, 9)
    assert "memory" in first["remedy"]
    assert second["line"] == 8


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_what_policy_refuses_has_its_own_status(console: Console, verb: str) -> None:
    console.write("team/web.yaml", WAIVER)
    console.write("team/platform.yaml", TEAM)
    answer = console.run(verb, "team", ORCHESTR8_ENGINE="memory")
    assert answer.status == 3
    assert "team/web.yaml:7:9: " in answer.errors or "team/web.yaml:7:7: " in answer.errors
    assert "platform" in answer.errors
    assert "^^^" in answer.errors
    assert answer.errors.endswith("1 refusal; nothing was changed.\n")


def test_problems_come_before_refusals(console: Console) -> None:
    console.write("team/web.yaml", WAIVER.replace("why: card payments", "until: 2027-02-30"))
    console.write("team/platform.yaml", TEAM)
    assert console.run("validate", "team").status == 2


def test_a_missing_file_names_the_one_beside_it(console: Console) -> None:
    console.write("shop.yaml", HELLO)
    answer = console.run("validate", "shop.yml")
    assert answer.status == 2
    assert answer.errors.startswith("shop.yml: no such file or directory\n")
    assert 'did you mean "shop.yaml"?' in answer.errors


def test_every_wrong_path_is_told(console: Console) -> None:
    answer = console.run("validate", "a.yaml", "b/c.yaml")
    assert answer.status == 2
    assert "a.yaml: no such file" in answer.errors
    assert "there is no folder b" in answer.errors
    assert "2 problems" in answer.errors


def test_a_folder_without_a_manifest(console: Console) -> None:
    console.write("empty/readme.txt", "")
    answer = console.run("validate", "empty")
    assert answer.status == 2
    assert "empty: no manifest in it" in answer.errors


def test_nothing_waits_for_a_pipe(console: Console) -> None:
    os.mkfifo(console.folder / "pipe.yaml")
    _refused(console.run("validate", "pipe.yaml"), "pipe.yaml: a pipe, not a file")
    _refused(console.run("validate", "."), "pipe.yaml: a pipe, not a file")


def test_devices_and_sockets_are_no_files(console: Console) -> None:
    _refused(console.run("validate", "/dev/zero"), "/dev/zero: a device, not a file")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(console.folder / "s.yaml"))
        _refused(console.run("validate", "s.yaml"), "s.yaml: a socket, not a file")


def test_links_inside_a_folder_are_not_followed_and_that_is_said(console: Console) -> None:
    console.write("elsewhere/hello.yaml", HELLO)
    console.write("fleet/other.yaml", HELLO.replace("hello:", "other:", 1))
    (console.folder / "fleet/hello.yaml").symlink_to(console.folder / "elsewhere/hello.yaml")
    (console.folder / "fleet/more").symlink_to(console.folder / "elsewhere")
    answer = console.run("validate", "fleet")
    _refused(answer, "fleet/hello.yaml: a symbolic link")
    assert "fleet/more: a symbolic link" in answer.errors
    assert console.run("validate", "fleet/hello.yaml").status == 0, "a typed link is followed"


def test_too_large_and_not_text(console: Console) -> None:
    console.write("large.yaml", HELLO + "#" * (1 << 20))
    _refused(console.run("validate", "large.yaml"), "a manifest has at most 1MiB")
    (console.folder / "latin.yaml").write_bytes(HELLO.encode() + b"# \xe9\n")
    _refused(console.run("validate", "latin.yaml"), "the byte 0xe9 is not UTF-8")
    console.write("empty.yaml", "")
    assert console.run("validate", "empty.yaml").status == 2


def test_a_name_cannot_steer_the_terminal(console: Console) -> None:
    console.write("e\x1b[31m.yaml", TYPO)
    answer = console.run("validate", ".")
    assert "\x1b" not in answer.everything
    assert "e\\x1b[31m.yaml:7:9" in answer.errors
    answer = console.run("why", "\x1b[2J.x")
    assert "\x1b" not in answer.everything


def test_a_name_that_is_no_text(console: Console) -> None:
    name = os.fsdecode(b"\xff.yaml")
    console.write(name, TYPO)
    answer = console.run("validate", name)
    assert answer.status == 2
    assert answer.errors.startswith("\\u{dcff}.yaml: the bytes of its name are not UTF-8\n")


WITH_FILE = """\
orchestr8: 1
owner: me
services:
  page: {image: "nginx:1", files: {/etc/page.conf: ./page.conf}}
"""


def test_files_are_read_beside_the_manifest(console: Console) -> None:
    console.write("deep/page.yaml", WITH_FILE)
    _refused(console.run("validate", "deep/page.yaml"), "deep/page.yaml:4:")
    console.write("deep/page.conf", "x")
    assert console.run("validate", "deep/page.yaml").status == 0
    assert console.run("validate", "./deep").status == 0
    assert console.run("validate", str(console.folder / "deep")).status == 0


def test_a_file_may_not_lead_out_of_the_folder(console: Console, tmp_path: Path) -> None:
    console.write("deep/page.yaml", WITH_FILE)
    (console.folder / "deep/page.conf").symlink_to("/etc/passwd")
    _refused(console.run("validate", "deep"), "it is a symbolic link, not a file")
    (console.folder / "deep/page.conf").unlink()
    os.mkfifo(console.folder / "deep/page.conf")
    _refused(console.run("validate", "deep"), "it is a pipe, not a file")
    console.write("deep/page.yaml", WITH_FILE.replace("./page.conf", "./conf/page.conf"))
    console.write("conf/page.conf", "x")
    (console.folder / "deep/conf").symlink_to(console.folder / "conf")
    _refused(console.run("validate", "deep/page.yaml"), "links are not followed here")


def test_standard_input_has_no_files(console: Console) -> None:
    console.write("page.conf", "x")
    _refused(
        console.run("validate", "-", stdin=WITH_FILE),
        "standard input has no folder to read them from",
    )


def _refused(answer: Answer, what: str) -> None:
    assert answer.status == 2
    assert what in answer.errors
    assert "nothing was changed." in answer.errors
