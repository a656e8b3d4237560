"""Mutants: enough are killed, each survivor has a sentence, and the machinery finds and kills."""

from __future__ import annotations

import ast

from tests.mutants import operators, places, report
from tests.mutants.__main__ import PACKAGES
from tests.mutants.report import Judged

SOURCE = '''
LIMIT = 3
def f(a: int = 1) -> int:
    """Words."""
    if a > LIMIT and a.good:
        return 0
    return a + 1
class C:
    def g(self, items):
        for one in items:
            if not one:
                continue
            self.note(one)
        return any(items)
rule = lambda x: x == 2
'''


def test_enough_is_killed_and_every_survivor_is_judged() -> None:
    judged = report.load()
    assert set(judged) == set(PACKAGES)
    for name, one in judged.items():
        assert one.part_killed >= report.KILLED_LEAST[name], name
        assert [mutant for mutant, why in one.survivors.items() if len(why) < 10] == []
        assert one.tried - one.killed == len(one.survivors)


def test_the_document_says_what_is_judged() -> None:
    assert report.DOCUMENT.read_text("utf-8") == report.render(report.load())


def test_wrongs_are_found_and_differ() -> None:
    found = operators.mutants("m.py", SOURCE)
    assert [one.id for one in found] == [
        "m.py f: return 0 -> left out",
        "m.py f: a > LIMIT and a.good -> a > LIMIT or a.good",
        "m.py f: a > LIMIT -> a >= LIMIT",
        "m.py f: 0 -> 1",
        "m.py f: a + 1 -> a - 1",
        "m.py f: 1 -> 2",
        "m.py C.g: self.note(one) -> left out",
        "m.py C.g: continue -> left out",
        "m.py C.g: not one -> not not one",
        "m.py C.g: any(items) -> all(items)",
        "m.py lambda: x == 2 -> x != 2",
        "m.py lambda: 2 -> 3",
    ]
    wrongs = {ast.unparse(operators.mutated(one, SOURCE)) for one in found}
    assert len(wrongs) == len(found)


def test_a_wrong_is_put_into_functions_that_are_loaded() -> None:
    source = "class A:\n    def f(self, a):\n        return a > 1\n\nrules = (lambda a: a < 5,)\n"
    loaded: dict[str, object] = {}
    exec(compile(source, "loaded.py", "exec", dont_inherit=True), loaded)
    held = loaded["A"]().f, loaded["rules"][0]  # type: ignore[operator, index]
    for mutant in operators.mutants("loaded.py", source):
        if mutant.after in ("a >= 1", "a <= 5"):
            changed = places.compare(source, operators.mutated(mutant, source), "loaded.py")
            assert places.put_in(changed) == 1
    assert (held[0](1), held[1](5)) == (True, True)


def test_a_wrong_is_put_into_functions_that_another_made() -> None:
    source = "def f(a):\n    def g(b):\n        return b > a\n    return g\n\nmade = f(1)\n"
    loaded: dict[str, object] = {}
    exec(compile(source, "loaded.py", "exec", dont_inherit=True), loaded)
    held = loaded["made"]
    [mutant] = operators.mutants("loaded.py", source)
    changed = places.compare(source, operators.mutated(mutant, source), "loaded.py")
    assert places.put_in(changed) == 2
    assert held(1) is True  # type: ignore[operator]


def test_sentences_stay_with_their_survivors() -> None:
    before = Judged(3, 1, survivors={"a": "known", "b": "gone"})
    results = {"a": "survived", "c": "never called", "d": "killed: died", "e": "no change"}
    assert report.renewed(before, results, 7) == Judged(3, 1, 7, {"a": "known", "c": ""})
