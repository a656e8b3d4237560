"""Variables and `.env` files are read as Compose reads them."""

from __future__ import annotations

import pytest

from orchestr8.importing.variables import WrongVariableError, read_env_file, replaced

SET = {"A": "a", "EMPTY": "", "NESTED": "n"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A ${A} $$A $${A}", "a a $A ${A}"),
        ("${A:-x}${B:-x}${EMPTY:-x}", "axx"),
        ("${A-x}${B-x}${EMPTY-x}", "ax"),
        ("${A:+x}${B:+x}${EMPTY:+x}", "x"),
        ("${A+x}${B+x}${EMPTY+x}", "xx"),
        ("${B:-${NESTED}-${C:-c}}", "n-c"),
        ("${B:-{x}}", "{x}"),
        ("$UNSET|", "|"),
        ("a$", None),
        ("${", None),
        ("${1A}", None),
        ("${A!x}", None),
        ("${B:?it is needed}", None),
        ("${EMPTY:?it is needed}", None),
        ("${EMPTY?it is needed}", ""),
    ],
)
def test_variables_are_replaced(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(WrongVariableError):
            replaced(text, SET.get)
    else:
        assert replaced(text, SET.get) == expected


def test_nesting_has_a_bound() -> None:
    with pytest.raises(WrongVariableError, match="too deep"):
        replaced("${X:-" * 100 + "}" * 100, SET.get)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n# c\n\n  B = 2 \nexport C=3", {"A": "1", "B": "2", "C": "3"}),
        ("A=a#b\nB=a #b\nC='a #b' # c", {"A": "a#b", "B": "a", "C": "a #b"}),
        ("A=1\nB=${A}2$A\nC='$A'\nD=\"$A\"", {"A": "1", "B": "121", "C": "$A", "D": "1"}),
        ('A="x\\ny\\t\\"z\\""', {"A": 'x\ny\t"z"'}),
        ("A='x\ny'\nB=2", {"A": "x\ny", "B": "2"}),
        ("A: 1\nB:", {"A": "1", "B": ""}),
        ("A\nOUTER", {"A": None, "OUTER": "o"}),
        ("B=${OUTER:-x}", {"B": "o"}),
    ],
)
def test_env_files_are_read(text: str, expected: dict[str, str | None]) -> None:
    assert read_env_file(text, {"OUTER": "o"}) == expected


@pytest.mark.parametrize("text", ["1A=x", "A='x\ny", "a b c", "A=${"])
def test_what_is_no_env_file_is_said(text: str) -> None:
    with pytest.raises(WrongVariableError):
        read_env_file(text, {})
