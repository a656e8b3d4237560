"""Files, folders and standard input: what is read, and what never is."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from orchestr8.errors import ManifestError, UsageError
from orchestr8.manifest.read import read_sources

TEXT = 'orchestr8: 1\nowner: me\nservices: {a: {image: "x:1"}}\n'


def write(path: Path, text: str = TEXT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(*paths: Path | str) -> list[str]:
    return [source.name for source in read_sources([str(path) for path in paths])]


def test_a_file_has_the_name_that_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "m.yaml")
    monkeypatch.chdir(tmp_path)
    (source,) = read_sources(["m.yaml"])
    assert (source.name, source.text) == ("m.yaml", TEXT)


def test_a_folder_is_every_manifest_below_it_in_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/c.yaml", ".hidden/x.yaml", ".x.yaml", "notes.txt"):
        write(tmp_path / name)
    wanted = [tmp_path / "a.yml", tmp_path / "b.yaml", tmp_path / "sub/c.yaml"]
    assert names(tmp_path) == [str(path) for path in wanted]


def test_several_names_keep_their_order(tmp_path: Path) -> None:
    write(tmp_path / "z.yaml")
    write(tmp_path / "folder/a.yaml")
    assert names(tmp_path / "z.yaml", tmp_path / "folder") == [
        str(tmp_path / "z.yaml"),
        str(tmp_path / "folder/a.yaml"),
    ]


def test_standard_input() -> None:
    (source,) = read_sources(["-"], io.BytesIO(TEXT.encode()))
    assert (source.name, source.text) == ("-", TEXT)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        names(tmp_path / "none.yaml")


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no manifest in it"):
        names(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    write(tmp_path / "m.yaml").chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        names(tmp_path / "m.yaml")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_manifest(path: str) -> None:
    with pytest.raises(ManifestError) as caught:
        names(path)
    assert caught.value.problems[0].what == "is not a regular file"


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.yaml")
    with pytest.raises(ManifestError) as caught:
        names(tmp_path)
    assert caught.value.problems[0].what == "is not a regular file"


def test_endless_input_is_read_up_to_the_limit() -> None:
    with pytest.raises(ManifestError) as caught:
        read_sources(["-"], io.BytesIO(b"#" * (3 << 20)))
    assert "a manifest has at most 1MiB" in caught.value.problems[0].what


def test_a_link_may_lead_within_the_folder_and_not_out(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside.yaml")
    folder = tmp_path / "folder"
    write(folder / "a.yaml")
    (folder / "b.yaml").symlink_to("a.yaml")
    assert len(names(folder)) == 2
    (folder / "c.yaml").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out of the folder"):
        names(folder)
    (folder / "c.yaml").unlink()
    (folder / "c.yaml").symlink_to("/proc/self/environ")
    with pytest.raises(UsageError, match="leads out of the folder"):
        names(folder)


def test_every_file_that_is_no_text_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "b.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(ManifestError) as caught:
        names(tmp_path)
    assert len(caught.value.problems) == 2
