"""Whatever the text, `load` gives a set or problems with places, and never anything else."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestr8.errors import ManifestError
from orchestr8.manifest.load import load
from orchestr8.manifest.model import ManifestSet, Source
from orchestr8.manifest.problems import render

REFERENCE = (
    (Path(__file__).parent / "reference-team.yaml").read_text("utf-8"),
    (Path(__file__).parent / "reference-platform.yaml").read_text("utf-8"),
)
PIECES = (
    "{", "}", "[", "]", ":", ": ", "- ", ",", "&a ", "*a", "!x ", "|", ">", "'", '"', "#", "\n",
    "\t", "  ", "---\n", "...\n", "%", "<<: ", "? ", "~", "null", "0", "-1", "1e9", "é", "\u202e",
    "\x00", "\ufeff", "\r", "${X}", "x" * 300, "\\u0000", "services", "relax", "net.egress",
)  # fmt: skip
MANY = settings(max_examples=250)


def loads_or_says_why(*texts: str) -> None:
    sources = [Source(f"f{index}.yaml", text) for index, text in enumerate(texts)]
    try:
        found = load(sources, None)
    except ManifestError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.what
            assert problem.place.file
            assert "Traceback" not in problem.what
        assert render(error.problems).replace("\n", "").isprintable()
    else:
        assert isinstance(found, ManifestSet)


@MANY
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    loads_or_says_why(text)


@MANY
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_pieces_of_yaml(pieces: list[str]) -> None:
    loads_or_says_why("".join(pieces))


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=5) | st.just(text[end : end + 20]))
        text = text[:start] + piece + text[end:]
    return text


@MANY
@given(mutated(REFERENCE[0]), mutated(REFERENCE[1]))
def test_the_reference_with_a_few_changes(team: str, platform: str) -> None:
    loads_or_says_why(team, platform)


VALUES = st.recursive(
    st.sampled_from(["", "x", "1", "a.b:1", "/a", "16MiB", "1s", "once", "null", '""', "'y z'"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(
            st.sampled_from(["a", "max", "/a", "http", "to", "8080"]), inner, max_size=3
        ).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=6,
)
KEYS = (
    "image", "run", "entrypoint", "args", "env", "workdir", "files", "secrets", "replicas",
    "standby", "after", "limits", "scratch", "volumes", "accepts", "connects", "publish", "health",
    "stop", "update", "edge", "relax", "unknown",
)  # fmt: skip


@MANY
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6), st.booleans())
def test_any_shape_of_any_field(fields: dict[str, str], in_defaults: bool) -> None:
    body = "".join(f"      {key}: {value}\n" for key, value in fields.items())
    part = "defaults:\n    a:\n" if in_defaults else "services:\n    a:\n"
    loads_or_says_why(f"orchestr8: 1\nowner: me\n{part}{body}")
