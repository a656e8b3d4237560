"""Code stays small, documented, and within the glossary."""

from __future__ import annotations

import pytest

from tests.house import ROOT, repository_files, tidy

_VERB = "a verb's options are its parameters"
_TASK = "the kernel's word: a thread or process"
_CGROUP = "Docker's own word for how it makes cgroups"
_BACKENDS = "the load balancer's word for where a route leads; no engine is meant"
EXCEPTED = {
    ("many_parameters", "orchestr8/cli/apply.py", "run"): _VERB,
    ("many_parameters", "orchestr8/cli/enable.py", "run"): _VERB,
    ("many_parameters", "orchestr8/cli/init.py", "run"): _VERB,
    ("many_parameters", "orchestr8/cli/importing.py", "run"): _VERB,
    ("many_parameters", "orchestr8/cli/history.py", "run"): _VERB,
    ("many_parameters", "orchestr8/cli/override.py", "run"): _VERB,
    ("many_parameters", "orchestr8/cli/plan.py", "run"): _VERB,
    ("many_parameters", "orchestr8/cli/rollback.py", "run"): _VERB,
    ("many_parameters", "orchestr8/cli/validate.py", "_print_text"): "what one page is made of",
    ("refused_word", "orchestr8/boxes/network.py", "backends"): _BACKENDS,
    ("refused_word", "orchestr8/cli/dockerd.py", "cgroup_driver"): _CGROUP,
    ("refused_word", "orchestr8/engines/docker/machine.py", "cgroup_driver"): _CGROUP,
    ("refused_word", "orchestr8/engines/memory_use.py", "current"): "the file's own name",
    ("refused_word", "orchestr8/engines/docker/preparation.py", "driver"): _CGROUP,
    ("refused_word", "orchestr8/engines/docker/situation.py", "driver"): _CGROUP,
    ("refused_word", "orchestr8/host/cgroups.py", "driver"): _CGROUP,
    ("refused_word", "orchestr8/planning/links.py", "backends"): _BACKENDS,
    ("refused_word", "orchestr8/planning/replace.py", "backends"): _BACKENDS,
    ("refused_word", "orchestr8/planning/show.py", "backends"): _BACKENDS,
    ("refused_word", "orchestr8/server/headers.py", "RequestHandlerClass"): "the library's word",
}
"""By rule, file and name: what is left as it is, and why."""
EXCEPTED_FOLDERS = {
    ("refused_word", "orchestr8/kernel/", "task"): _TASK,
    ("refused_word", "orchestr8/proof/", "task"): _TASK,
    ("refused_word", "orchestr8/engines/memory/witness.py", "task"): _TASK,
}
"""By rule, beginning of the path and word."""

BAD_SAMPLES = {
    tidy.long_file: "x = 1\n" * 400,
    tidy.long_function: "def f():\n" + "    pass\n" * 69,
    tidy.many_parameters: "class A:\n    def f(self, a, b, c, d, e, *, f): pass\n",
    tidy.undocumented: "x = 1\n",
    tidy.undocumented_public: "class Box:\n    '''A box.'''\n    def stop(self): pass\n",
    tidy.refused_word: "class BoxManagers: pass\n",
    tidy.note_to_oneself: "# TO" + "DO: later\n",
}
GOOD_SAMPLES = {
    tidy.long_file: "x = 1\n" * 399,
    tidy.long_function: "def f():\n" + "    pass\n" * 68,
    tidy.many_parameters: "class A:\n    def f(self, a, b, c, d, *, e): pass\n",
    tidy.undocumented: '"""Words."""\n',
    tidy.undocumented_public: "class Box:\n    '''A box.'''\n    def _stop(self): pass\n",
    tidy.refused_word: "observed = manage(tasks)\n",
    tidy.note_to_oneself: "# later\n",
}


def modules() -> list[tidy.Module]:
    """Every Python file that is part of the repository, or will be."""
    return [
        tidy.Module(str(path.relative_to(ROOT)), path.read_text("utf-8"))
        for path in repository_files("*.py")
    ]


MODULES = modules()


def excepted(rule: tidy.Rule, complaint: tidy.Complaint) -> object:
    """The key of the exception that a complaint falls under, or None."""
    key = (rule.__name__, complaint.path, complaint.subject)
    if key in EXCEPTED:
        return key
    for name, beginning, word in EXCEPTED_FOLDERS:
        same_rule = rule.__name__ == name
        if same_rule and complaint.path.startswith(beginning) and f'"{word}' in complaint.what:
            return name, beginning, word
    return None


def complaints(rule: tidy.Rule, tree: str = "") -> list[str]:
    """What a rule says of every module below a folder, less what is excepted."""
    return [
        str(complaint)
        for module in MODULES
        if module.path.startswith(tree)
        for complaint in rule(module)
        if not excepted(rule, complaint)
    ]


@pytest.mark.parametrize("rule", tidy.EVERYWHERE, ids=lambda rule: rule.__name__)
def test_everything_is_tidy(rule: tidy.Rule) -> None:
    assert complaints(rule) == []


@pytest.mark.parametrize("rule", tidy.PRODUCT, ids=lambda rule: rule.__name__)
def test_the_product_is_tidy(rule: tidy.Rule) -> None:
    assert complaints(rule, "orchestr8/") == []


def test_no_exception_is_surplus() -> None:
    used = {
        excepted(rule, complaint)
        for rule in (*tidy.EVERYWHERE, *tidy.PRODUCT)
        for module in MODULES
        if module.path.startswith("orchestr8/")
        for complaint in rule(module)
    }
    assert {*EXCEPTED, *EXCEPTED_FOLDERS} - used == set()


@pytest.mark.parametrize("rule", BAD_SAMPLES, ids=lambda rule: rule.__name__)
def test_a_rule_sees_what_it_is_for(rule: tidy.Rule) -> None:
    assert list(rule(tidy.Module("sample.py", BAD_SAMPLES[rule])))
    assert not list(rule(tidy.Module("sample.py", GOOD_SAMPLES[rule])))


def test_a_vague_name_is_seen() -> None:
    assert list(tidy.vague_module(tidy.Module("orchestr8/boxes/help.py", ""))) == []
    assert list(tidy.vague_module(tidy.Module("orchestr8/box_helpers/x.py", "")))
    assert list(tidy.vague_module(tidy.Module("orchestr8/utils.py", "")))
    assert list(tidy.vague_module(tidy.Module("orchestr8/helpers/x.py", "")))


def test_every_rule_has_its_samples() -> None:
    rules = {*tidy.EVERYWHERE, *tidy.PRODUCT} - {tidy.vague_module}
    assert rules == set(BAD_SAMPLES) == set(GOOD_SAMPLES)


def test_there_is_something_to_look_at() -> None:
    assert sum(module.path.startswith("orchestr8/") for module in MODULES) > 100
    assert any(module.path == "tests/house/test_tidy.py" for module in MODULES)


def test_the_table_of_contents_stays_short() -> None:
    cycle = next(one for one in MODULES if one.path == "orchestr8/controller/cycle.py")
    assert len(cycle.text.splitlines()) < 100
