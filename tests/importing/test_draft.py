"""Whatever a draft holds, its text is a manifest that says the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestr8.importing.draft import Draft, ServiceDraft, is_writable, written
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Source

TEXTS = st.text(max_size=120).filter(is_writable) | st.sampled_from(
    ["", " ", "-", "--", "---", "- a", "a: b", "a:", "#", "a #b", "*x", "&x", "!x", "|", ">", "@x",
     "`x", "%x", "yes", "null", "~", "1.10", "0x1f", "10:20", "2024-01-01", ".inf", "<<", "=", "?",
     "\n", "\n\n",
     "a\nb", "a\n", "\na", " a\n b", "a\n\n\n", "\ta", "a\tb", "a \n b ", "{x}", "[x", "x]", "x, y",
     "'x'", '"x"', "\\n", "http://x:80/y?z=1&a=%20", "x" * 200]
)  # fmt: skip


@given(
    st.lists(TEXTS, max_size=6),
    st.dictionaries(st.from_regex(r"[A-Z_]{1,9}", fullmatch=True), TEXTS),
)
def test_a_draft_is_read_back(words: list[str], variables: dict[str, str]) -> None:
    service = ServiceDraft("app")
    service.put("image", "app:1", "a comment")
    service.put("args", ["program", *words])
    if variables:
        service.put("env", variables)
    service.remarks.append("a remark")
    draft = Draft("me", services=[service], foot=["the end"])
    (found,) = load([Source("m.yaml", written(draft))]).services
    assert found.args == ("program", *words)
    assert dict(found.env) == variables
    assert written(draft) == written(draft)
