"""What `load` promises beyond the cases: amounts, the fleet around a set, places, stored texts."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from orchestr8.errors import ManifestError, Place
from orchestr8.manifest.check import unchecked_names
from orchestr8.manifest.load import PROBLEMS_MAX, load, load_stored
from orchestr8.manifest.model import Fleet, Source
from orchestr8.manifest.nodes import MappingNode
from orchestr8.manifest.problems import with_sources
from orchestr8.names import ServiceName
from tests.manifest import cases

HEAD = "orchestr8: 1\nowner: me\n"


def one(body: str) -> list[Source]:
    return [Source("m.yaml", HEAD + body)]


def node_count() -> int:
    return sum(isinstance(kept, MappingNode) for kept in gc.get_objects())


def problems(sources: list[Source], outside: Fleet | None = None) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        load(sources, outside)
    return [f"{problem.place}: {problem.what}" for problem in caught.value.problems]


def services(count: int, line: str = "{image: x:1}") -> str:
    return "services:\n" + "".join(f"  s{number}: {line}\n" for number in range(count))


def test_problems_are_capped_and_the_rest_counted() -> None:
    found = problems(one(services(80, "{image: X:1}")))
    assert len(found) == PROBLEMS_MAX + 1
    assert found[-1] == "m.yaml: 30 more problems are not shown"


def test_no_manifest() -> None:
    assert problems([]) == [": no manifest is given"]


def test_one_file_twice() -> None:
    assert problems([*one(""), *one("")]) == ["m.yaml: the file is given twice"]


def test_a_file_of_more_than_a_mebibyte() -> None:
    found = problems(one("# " + "x" * (1 << 20)))
    assert found == ["m.yaml: the file has 1048601 bytes; a manifest has at most 1MiB"]


def test_a_set_of_more_than_sixteen_mebibytes() -> None:
    text = "# " + "x" * ((1 << 20) - 10)
    found = problems([Source(f"{number}.yaml", text) for number in range(17)])
    assert found == ["16.yaml: the set has more than 16MiB of text"]


def test_more_than_twenty_thousand_keys() -> None:
    found = problems(one(services(6_000, "{image: x:1, env: {A: b}}")))
    assert found == ["m.yaml:5003:11: more than 20000 keys in one file"]


def test_more_than_five_thousand_services() -> None:
    texts = [
        Source(f"{owner}.yaml", f"orchestr8: 1\nowner: {owner}\n" + services(2_600))
        for owner in ("one", "two")
    ]
    found = problems(texts)
    assert found == ["two.yaml: the set has 5200 services; at most 5000 go into one"]


def test_a_value_of_more_than_sixteen_kibibytes() -> None:
    found = problems(one(f"services: {{a: {{image: 'x:1', args: ['{'é' * 9_000}']}}}}"))
    assert found == ["m.yaml:3:37: one value has more than 16KiB"]


def test_arguments_and_environment_together() -> None:
    words = ", ".join(["x" * 10_000] * 7)
    variables = ", ".join(f"A{number}: {'x' * 10_000}" for number in range(7))
    found = problems(
        one(f"services:\n  a:\n    image: x:1\n    args: [{words}]\n    env: {{{variables}}}\n")
    )
    assert found == [
        "m.yaml:6:5: services.a.args has more than 64KiB",
        "m.yaml:7:5: services.a.env has more than 64KiB together",
    ]


def test_more_entries_than_anyone_needs() -> None:
    variables = ", ".join(f"A{number}: b" for number in range(10_000))
    links = ", ".join(f"a:{number + 1}" for number in range(1_001))
    body = f"services:\n  a: {{image: 'x:1', env: {{{variables}}}, connects: [{links}]}}\n"
    assert [problem.partition(": ")[2] for problem in problems(one(body))] == [
        "services.a.env has more than 1000 entries",
        "services.a.connects has more than 1000 entries",
    ]


def test_a_long_chain_is_no_cycle_and_needs_no_recursion() -> None:
    chain = "services:\n  s0: {image: x:1}\n" + "".join(
        f"  s{number}: {{image: x:1, after: [s{number - 1}]}}\n" for number in range(1, 2_000)
    )
    assert len(load(one(chain)).services) == 2_000
    closed = chain.replace("s0: {image: x:1}", "s0: {image: x:1, after: [s1999]}")
    assert problems(one(closed)) == [
        "m.yaml:4:28: `after` goes in a circle: s0.me -> s1999.me -> s1998.me -> … (1996 more)"
        " -> s1.me -> s0.me"
    ]


def test_order_of_files_and_services_does_not_matter() -> None:
    texts = [
        Source("a.yaml", HEAD + services(2)),
        Source("b.yaml", HEAD + "services: {z: {image: x:1}}"),
    ]
    assert load(texts) == load(texts[::-1])
    assert [str(service.name) for service in load(texts).services] == ["s0.me", "s1.me", "z.me"]


def test_a_service_of_another_set_that_moves_here_keeps_its_port() -> None:
    body = "services: {a: {image: x:1, publish: {8080: 80}}}"
    assert load(one(body), Fleet({"other": load(one(body))})).services


def test_names_that_nobody_could_check_are_said() -> None:
    body = (
        "services:\n  a:\n    image: x:1\n    connects: [db.data:1, b:1]\n    after: [job.ops]\n"
        "    volumes: {/v: ledger.payments}\n    relax: [{ns.pid.share: web.front}]\n"
        "  b: {image: x:1, accepts: [c.other:1]}\n"
    )
    assert unchecked_names(load(one(body))) == (
        "db.data", "job.ops", "ledger.payments", "web.front",
    )  # fmt: skip


def test_stored_texts_are_not_judged_again() -> None:
    body = "services: {a: {image: x:1, connects: [db:1]}}"
    assert problems(one(body))
    assert load_stored(one(body)).services
    with pytest.raises(ManifestError):
        load_stored(one("services: {a: {image: X:1}}"))


@pytest.mark.parametrize("written", ["1", "null", "[a]", ""])
def test_defaults_that_are_no_mapping_hide_no_other_problem(written: str) -> None:
    text = f"defaults: {written}\nservices:\n  a: {{image: x:1, after: [b]}}\n"
    of_defaults, of_service = problems(one(text))
    assert of_defaults.startswith("m.yaml:3:") and "defaults" in of_defaults
    assert of_service.startswith("m.yaml:5:") and "names b" in of_service


def test_stored_texts_are_read_once() -> None:
    first = load_stored(one("services: {a: {image: x:1}}"))
    assert load_stored(list(one("services: {a: {image: x:1}}"))) is first
    assert load_stored(one("services: {a: {image: x:2}}")) != first


def test_every_part_of_a_service_has_a_place() -> None:
    body = (
        "services:\n  a:\n    image: x:1\n    limits: {memory: 64MiB}\n"
        "    publish: {127.0.0.1:80: 80}\n    connects: [b:1, b:2]\n    relax:\n"
        "      - cap.add: CHOWN\n  b: {image: x:1}\n"
    )
    service = load(one(body)).services[0]
    assert service.name == ServiceName("me", "a")
    assert service.place("") == Place("m.yaml", 4, 3)
    assert service.place("limits.memory") == Place("m.yaml", 6, 14)
    assert service.place("limits.pids") == Place("m.yaml", 6, 5)
    assert service.place("publish.127.0.0.1:80") == Place("m.yaml", 7, 15)
    assert service.place("connects.1") == Place("m.yaml", 8, 21)
    assert service.place("relax.0") == service.relax[0].place == Place("m.yaml", 10, 9)
    assert service.place("edge.listen") == Place("m.yaml", 4, 3)


def test_places_of_defaults_lead_to_the_defaults() -> None:
    body = "defaults: {limits: {memory: 64MiB}}\nservices: {a: {image: x:1}}"
    assert load(one(body)).services[0].place("limits.memory") == Place("m.yaml", 3, 21)


def test_a_set_can_be_compared_and_kept() -> None:
    found = load(one("services: {a: {image: x:1, relax: [user.root]}}"))
    moved = load(one("\n\nservices: {a: {image: x:1, relax: [user.root]}}"))
    assert found == moved
    assert pickle.loads(pickle.dumps(found)) == found


def test_places_outlive_what_was_read_and_hold_nothing_of_it() -> None:
    services = "services: {a: {image: x, scratch: {/c: 2MiB}}, b: {image: y}}"
    body = f"defaults: {{scratch: {{/a.b: 1MiB}}}}\n{services}"
    before = node_count()
    first, second = load(one(body)).services
    assert node_count() == before
    copy = pickle.loads(pickle.dumps(first))
    for service in (first, copy):
        assert service.place("scratch./a.b") == Place("m.yaml", 3, 22)
        assert service.place("scratch./c") == Place("m.yaml", 4, 36)
        assert service.place("limits.memory") == service.place("") == Place("m.yaml", 4, 12)
    assert list(second.places) == ["", "scratch", "scratch./a.b", "image"]
    assert len(second.places) == 4
    assert "image" in second.places and "images" not in second.places


def test_files_that_are_needed() -> None:
    texts = [Source("shop/m.yaml", HEAD + "services: {a: {image: x:1, files: {/b: ./b, /c: d/c}}}")]
    assert load(texts).files_needed() == ("shop/b", "shop/d/c")


def test_a_refusal_made_elsewhere_gets_its_line() -> None:
    sources = one("services: {a: {image: x:1, limits: {memory: 1GiB}}}")
    place = load(sources).services[0].place("limits.memory")
    from orchestr8.errors import Problem

    (found,) = with_sources([Problem(place, "too much")], sources)
    assert found.source.startswith("services:")
    assert found.width == len("memory")


def test_without_libyaml_the_same_is_taken_and_refused() -> None:
    """The parser in Python words some problems differently; what is refused is the same."""
    script = (
        "import sys\n"
        "if sys.argv[1] == 'python': sys.modules['yaml._yaml'] = None\n"
        "from tests.manifest import cases\n"
        "import yaml\n"
        "assert hasattr(yaml, 'CSafeLoader') == (sys.argv[1] == 'c')\n"
        "for path in cases.case_files():\n"
        "    case, _ = cases.read(path)\n"
        "    for line in cases.outcome(case).split(chr(10)):\n"
        "        if case.get('values'):\n"
        "            print(path.stem, 'taken' if line.endswith('->  taken') else 'refused')\n"
        "        else:\n"
        "            print(path.stem, line[:2])\n"
    )
    said = {
        kind: subprocess.run(
            [sys.executable, "-c", script, kind],
            cwd=Path(cases.__file__).parents[2],
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.splitlines()
        for kind in ("c", "python")
    }
    assert {line for line in said["c"] if "taken" in line} == {
        line for line in said["python"] if "taken" in line
    }
    assert {line.split()[0] for line in said["c"]} == {line.split()[0] for line in said["python"]}


def test_brackets_without_end_are_too_deep_whoever_counts_them() -> None:
    (problem,) = problems(one("services: " + "[" * 5_000))
    assert problem.endswith(": nested deeper than 32 levels")
