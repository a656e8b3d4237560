"""The project's own tests inside the machine, where boxes are as users have them.

What asks the kernel is run there: how the host is changed and read, what engines promise, the
attempts to get out of a box, and how memory is shared, on crun and on a Docker Engine of the
machine's own packages.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from tests.hosts.crun import NEWER
from tests.hosts.vm import Machine
from tests.parts import COMPUTING
from tests.vm import setting

SECONDS_MOST = 3600
SUITES = {
    COMPUTING: ("tests/host", "tests/kernel"),
    "crun": ("tests/conformance", "tests/attacks", "tests/scenarios/test_sharing.py"),
    "docker20": ("tests/conformance", "tests/attacks", "tests/kernel"),
}
"""What is run of each part: what needs no engine, and the engines that the machine has."""
CHOSEN = " and ".join(f"not crun-{name}" for name in NEWER)
"""The machine has the crun of its own packages alone."""


@pytest.fixture(scope="module")
def prepared(installed: Machine) -> Machine:
    """The machine with what the tests need."""
    setting.prepare_tests(installed)
    return installed


@pytest.mark.parametrize("part", SUITES)
def test_all_of_a_part_pass_inside(prepared: Machine, part: str) -> None:
    report, folders = f"/root/{part}.xml", " ".join(SUITES[part])
    pytest_there = f"timeout {SECONDS_MOST} .venv/bin/python -m pytest -q -rs --tb=short"
    answer = prepared.run(
        f"cd {setting.HOME} && {pytest_there} -k '{CHOSEN}' --part={part} --junitxml={report} "
        f"{folders}",
        timeout=SECONDS_MOST + 60,
    )
    print(answer.output)
    found = ElementTree.fromstring(prepared.check(f"cat {report}"))
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in found.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    assert not failed
    assert answer.status == 0, "the run itself failed, and none of its tests"
