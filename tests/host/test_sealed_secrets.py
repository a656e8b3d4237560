"""Keys of owners and sealed files: who can open what, and that nothing of a value is ever told."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestr8.errors import RejectedError
from orchestr8.host.sealed_secrets import VALUE_BYTES_MAX, OwnerKeys, sealed
from orchestr8.host.secret_files import read_secret

VALUE = b"correct horse\n\x00\xff"


@pytest.fixture
def keys(tmp_path: Path) -> OwnerKeys:
    """The keys of owner `shop`, in a folder that did not exist."""
    made = OwnerKeys(tmp_path / "secrets")
    assert made.recipient("shop")[1]
    return made


def test_what_is_sealed_for_an_owner_is_opened_for_it_byte_by_byte(keys: OwnerKeys) -> None:
    public, made = keys.recipient("shop")
    file = sealed(VALUE, public)
    assert not made
    assert file.isascii()
    assert VALUE[:7] not in file
    assert keys.open("shop", "db", file) == VALUE
    assert OwnerKeys(keys.folder).open("shop", "db", file) == VALUE, "the key lasts"


def test_the_same_value_is_never_the_same_file(keys: OwnerKeys) -> None:
    public, _ = keys.recipient("shop")
    assert sealed(VALUE, public) != sealed(VALUE, public)


def test_the_private_key_is_roots_alone_and_no_manifest_can_name_it(keys: OwnerKeys) -> None:
    path = keys.path("shop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "SECRET" not in repr(keys)
    with pytest.raises(RejectedError):
        read_secret(keys.folder, "shop", "../.keys/shop")
    assert [one.name for one in path.parent.iterdir()] == ["shop"], "nothing half-made is left"


def test_another_owner_cannot_open_it(keys: OwnerKeys) -> None:
    file = sealed(VALUE, keys.recipient("shop")[0])
    keys.recipient("bank")
    with pytest.raises(RejectedError) as refused:
        keys.open("bank", "db", file)
    assert refused.value.what == "was not sealed for owner bank of this machine"
    assert "orchestr8 secret seal bank db" in refused.value.remedy


def test_an_owner_without_a_key_is_told_how_to_get_one(keys: OwnerKeys) -> None:
    with pytest.raises(RejectedError) as refused:
        keys.open("bank", "db", sealed(VALUE, keys.recipient("shop")[0]))
    assert "owner bank has no key on this machine" in refused.value.what
    assert "orchestr8 secret recipient bank" in refused.value.remedy


@pytest.mark.parametrize("cut", [70, 200, -70, -40])
def test_a_damaged_file_opens_never(keys: OwnerKeys, cut: int) -> None:
    file = bytearray(sealed(VALUE * 20, keys.recipient("shop")[0]))
    file[cut] = ord("A") if file[cut] != ord("A") else ord("B")
    with pytest.raises(RejectedError) as refused:
        keys.open("shop", "db", bytes(file))
    assert "horse" not in f"{refused.value.what} {refused.value.remedy}"
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("content", [b"", b"hunter2\n", b"age-encryption", b"\xff" * 99])
def test_what_is_no_sealed_file_is_not_repeated(keys: OwnerKeys, content: bytes) -> None:
    with pytest.raises(RejectedError) as refused:
        keys.open("shop", "db", content)
    assert refused.value.what == "is no sealed file"
    assert "hunter2" not in refused.value.remedy


def test_while_a_key_is_exchanged_both_open(keys: OwnerKeys, tmp_path: Path) -> None:
    old, older = keys.path("shop").read_text(), sealed(VALUE, keys.recipient("shop")[0])
    other = OwnerKeys(tmp_path / "elsewhere")
    public, _ = other.recipient("shop")
    made = other.path("shop").read_text()
    keys.path("shop").write_text(f"# created: today\n# public key: {public}\n{made}\n{old}")
    assert keys.recipient("shop") == (public, False)
    for file in (older, sealed(VALUE, public)):
        assert keys.open("shop", "db", file) == VALUE
    keys.path("shop").write_text(made)
    with pytest.raises(RejectedError) as refused:
        keys.open("shop", "db", older)
    assert refused.value.what == "was not sealed for owner shop of this machine"


def test_lines_end_as_an_editor_likes(keys: OwnerKeys) -> None:
    file = sealed(VALUE, keys.recipient("shop")[0])
    for written in (file.replace(b"\n", b"\r\n"), b"\n " + file + b"\n\n", file.rstrip()):
        assert keys.open("shop", "db", written) == VALUE


def test_a_key_that_others_can_read_is_not_used(keys: OwnerKeys) -> None:
    file = sealed(VALUE, keys.recipient("shop")[0])
    keys.path("shop").chmod(0o644)
    with pytest.raises(RejectedError) as refused:
        OwnerKeys(keys.folder).open("shop", "db", file)
    assert refused.value.remedy == f"chmod 600 {keys.path('shop')}"


def test_a_key_that_is_none_is_not_repeated(keys: OwnerKeys) -> None:
    file = sealed(VALUE, keys.recipient("shop")[0])
    for text in ("AGE-SECRET-KEY-1HUNTER2", "# empty\n", ""):
        keys.path("shop").write_text(text)
        with pytest.raises(RejectedError) as refused:
            OwnerKeys(keys.folder).open("shop", "db", file)
        assert refused.value.what == f"{keys.path('shop')} holds no key"


def test_a_link_in_place_of_a_key_is_not_followed(keys: OwnerKeys, tmp_path: Path) -> None:
    keys.path("shop").rename(tmp_path / "elsewhere")
    keys.path("shop").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Exception, match="symbolic"):
        OwnerKeys(keys.folder).recipient("shop")


def test_of_many_who_make_a_key_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: OwnerKeys(tmp_path).recipient("shop"), range(16)))
    assert len({public for public, _ in found}) == 1
    assert sum(made for _, made in found) == 1


def test_a_value_is_bounded_and_a_recipient_checked(keys: OwnerKeys) -> None:
    public, _ = keys.recipient("shop")
    assert len(sealed(b"x" * VALUE_BYTES_MAX, public)) < 1 << 20, "the file fits a manifest's"
    for value, recipient in ((b"x" * (VALUE_BYTES_MAX + 1), public), (b"x", "age1nonsense")):
        with pytest.raises(RejectedError):
            sealed(value, recipient)
