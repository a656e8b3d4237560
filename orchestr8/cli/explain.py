"""`explain`: a field of the manifest, or a relaxation of the catalogue."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import Output, OutputAs
from orchestr8.cli.terminal import paint, say, text_width
from orchestr8.errors import UsageError

if TYPE_CHECKING:
    from orchestr8.manifest.explain import Explanation, RelaxationExplanation

RELAXATION = ("relaxation", "relaxations")
_KEY_WIDTH_MOST = 26


def _completed(incomplete: str) -> list[str]:
    from orchestr8.isolation.relaxations import RELAXATIONS

    words = ("manifest", "service", "volume", "secret", "platform", "relaxation", *RELAXATIONS)
    return [word for word in words if word.startswith(incomplete)]


Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FIELD | relaxation NAME",
        help="A dotted path, as in service.limits.memory, or the word relaxation and a name.",
        show_default=False,
        autocompletion=_completed,
    ),
]


def run(words: Words = None, output: OutputAs = Output.TEXT) -> int:
    """Explain a field of the manifest: type, default, effect, example, and what is below it.

    `explain relaxation NAME` explains one entry of the catalogue: what it weakens, why one would
    want it, how dangerous it is, who must consent, and what does the job without it;
    `explain relaxation` lists them all.
    """
    asked = list(words or ())
    if asked[:1] and asked[0] in RELAXATION:
        return _relaxation(asked[1:], output)
    if len(asked) > 1:
        raise UsageError(
            f"one thing at a time is explained, and these are {len(asked)}",
            "write `orchestr8 explain service.limits`, or `orchestr8 explain relaxation cap.add`",
        )
    return _field(asked[0] if asked else "", output)


def _field(path: str, output: Output) -> int:
    from orchestr8.isolation.relaxations import RELAXATIONS
    from orchestr8.manifest.explain import explain

    if path in RELAXATIONS:
        return _relaxation([path], output)
    found = explain(path)
    if output is Output.JSON:
        return _json("field", found)
    _print_field(found)
    return 0


def _relaxation(names: list[str], output: Output) -> int:
    from orchestr8.manifest.explain import explain_relaxation

    if not names:
        return _catalogue(output)
    if len(names) > 1:
        raise UsageError("one relaxation at a time is explained", "name one of them")
    found = explain_relaxation(names[0])
    if output is Output.JSON:
        return _json("relaxation", found)
    _print_relaxation(found)
    return 0


def _catalogue(output: Output) -> int:
    from orchestr8.isolation.relaxations import RELAXATIONS

    entries = sorted(RELAXATIONS.values(), key=lambda entry: (bool(entry.field), entry.id))
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document(
            "relaxations",
            relaxations=[
                {"id": one.id, "weakens": one.weakens, "field": one.field} for one in entries
            ],
        )
        return 0
    say("written under `relax`, each a step away from STRICT; what it weakens:")
    print_pairs((one.id, one.weakens) for one in entries if not one.field)
    say()
    say("implied by plain fields, which never ask for a reason or an end:")
    print_pairs((one.id, f"`{one.field}`: {one.weakens}") for one in entries if one.field)
    say()
    say("`orchestr8 explain relaxation NAME` tells the whole of one.")
    return 0


def _json(kind: str, found: object) -> int:
    from orchestr8.cli.document import plain, print_document

    print_document(kind, **plain(found))
    return 0


def _print_field(found: Explanation) -> None:
    say(paint().bold(found.path))
    rows = [
        ("type", found.type),
        ("default", found.default),
        ("effect", found.effect),
        ("change", found.change),
    ]
    print_pairs((word, text) for word, text in rows if text)
    _print_example(found.example)
    if found.children:
        say()
        say("keys:")
        print_pairs(found.children)
        further = found.path + "." + found.children[0][0] if found.path != "manifest" else "service"
        say()
        say(f"`orchestr8 explain {further}` goes on from here.")


def _print_relaxation(found: RelaxationExplanation) -> None:
    say(paint().bold(found.id))
    rows = [("weakens", found.weakens), ("wanted for", found.why)]
    rows += [(_danger_word(danger), _danger(*danger)) for danger in found.dangers]
    if found.field:
        rows.append(("implied by", f"the field `{found.field}`"))
    if found.instead:
        rows.append(("instead", found.instead))
    print_pairs(rows)
    if found.parameters:
        say()
        say("parameters:")
        print_pairs(
            (name, kind + (f" (default: {default})" if default else " (must be given)"))
            for name, kind, default in found.parameters
        )
    _print_example(found.example)


def _danger_word(danger: tuple[str, str, str]) -> str:
    return f"danger {danger[1]}"


def _danger(case: str, _: str, consent: str) -> str:
    """Who must agree, and in which case, in words."""
    words = {
        "owner": "the owner alone decides",
        "peer": "the other owner concerned must agree in its own file",
        "platform": "the platform must agree",
        "two": "two persons of the platform must agree",
    }
    return words.get(consent, consent) + (f": {_gathered(case)}" if case else "")


def _gathered(case: str) -> str:
    """A long list in which most members say "with" or "without a user namespace", said once."""
    tails = (" with a user namespace", " without a user namespace")
    if not any(tail in case for tail in tails) or ", " not in case:
        return case
    members = case.split(", ")
    parts = [", ".join(one for one in members if not one.endswith(tails))]
    for tail in tails:
        those = [one.removesuffix(tail) for one in members if one.endswith(tail)]
        parts.append(f"{tail.strip()} {', '.join(those)}" if those else "")
    return "; ".join(part for part in parts if part)


def _print_example(example: str) -> None:
    if example:
        say()
        say("example:")
        for line in example.split("\n"):
            say(f"  {line}")


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """A word and its text, wrapped beside it."""
    rows = list(pairs)
    column = min(max((len(word) for word, _ in rows), default=0), _KEY_WIDTH_MOST) + 4
    for word, text in rows:
        head = f"  {word}".ljust(column)
        body = textwrap.wrap(
            text,
            width=text_width(),
            initial_indent=head if head.endswith(" ") else head + "  ",
            subsequent_indent=" " * column,
            break_on_hyphens=False,
        )
        for line in body or [head.rstrip()]:
            say(line)
