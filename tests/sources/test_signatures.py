"""Whose signature a commit really carries: every commit here is signed by the real programs."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path

import pytest

from orchestr8.sources.git import Clone, Remote
from orchestr8.sources.objects import MalformedError, name_of, read_commit, read_tree
from orchestr8.sources.signatures import NotSigned, Signatures, Signed, read_gpg, read_ssh
from tests.sources.workshop import HELLO, Key, Workshop, gpg_key, ssh_key


@pytest.fixture
def ann(ground: Path) -> Key:
    """Somebody's ssh key."""
    return ssh_key(ground, "ann")


def signer(workshop: Workshop, clone: Clone, keys: Path | None = None) -> Signed | NotSigned:
    """Who signed the tip of main."""
    with clone.held():
        clone.fetch(Remote(str(workshop.folder)))
        with clone.reading() as objects:
            signatures = Signatures(clone.child, keys or Path("/none"))
            return signatures.of(objects.commit(objects.tip()))


def rewritten(workshop: Workshop, content: bytes) -> str:
    """A commit of exactly these bytes is the tip of main."""
    name = workshop.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", text=content)
    workshop.git("update-ref", "refs/heads/main", name)
    return name


def raw(workshop: Workshop, name: str = "HEAD") -> bytes:
    """A commit's bytes."""
    command = ["git", "cat-file", "commit", name]
    return subprocess.run(command, cwd=workshop.folder, capture_output=True, check=True).stdout


def signature_of(content: bytes) -> bytes:
    """The signature header with its value, as it stands in a commit."""
    found = re.search(rb"gpgsig .*?-----END [A-Z ]+-----\n", content, re.DOTALL)
    assert found
    return found[0]


def test_an_ssh_signature_names_its_key(workshop: Workshop, clone: Clone, ann: Key) -> None:
    workshop.commit({"web.yaml": HELLO}, ann)
    assert signer(workshop, clone) == Signed(ann.member)


def test_a_signature_in_a_repository_with_longer_hashes_counts_as_well(
    ground: Path, clone: Clone, ann: Key
) -> None:
    workshop = Workshop.begun(ground / "longer", "--object-format=sha256")
    workshop.commit({"web.yaml": HELLO}, ann)
    assert signer(workshop, clone) == Signed(ann.member)
    rewritten(workshop, raw(workshop).replace(b"\na change", b"\nanother"))
    why = "has a signature that is not over what it says"
    assert signer(workshop, clone) == NotSigned(why)


def test_a_commit_without_one_is_not_signed(workshop: Workshop, clone: Clone) -> None:
    workshop.commit({"web.yaml": HELLO})
    assert signer(workshop, clone) == NotSigned("is not signed")


def test_a_signature_over_another_commit_is_none(
    workshop: Workshop, clone: Clone, ann: Key
) -> None:
    workshop.commit({"web.yaml": HELLO}, ann)
    good = signature_of(raw(workshop))
    workshop.commit({"web.yaml": HELLO + "# evil\n"})
    head, _, body = raw(workshop).partition(b"\n\n")
    rewritten(workshop, head + b"\n" + good + b"\n" + body)
    assert signer(workshop, clone) == NotSigned("has a signature that is not over what it says")


def test_a_changed_message_or_author_breaks_the_signature(
    workshop: Workshop, clone: Clone, ann: Key
) -> None:
    workshop.commit({"web.yaml": HELLO}, ann, message="good")
    content = raw(workshop)
    for old, new in ((b"\ngood", b"\nevil"), (b"author Ann", b"author Bob")):
        rewritten(workshop, content.replace(old, new))
        assert isinstance(signer(workshop, clone), NotSigned)


def test_a_signature_that_was_made_for_another_purpose_is_none(
    workshop: Workshop, clone: Clone, ann: Key, ground: Path
) -> None:
    workshop.commit({"web.yaml": HELLO})
    content = raw(workshop)
    (ground / "payload").write_bytes(content)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", ann.path, ground / "payload"],
        check=True, capture_output=True,
    )  # fmt: skip
    made = (ground / "payload.sig").read_bytes().rstrip(b"\n").replace(b"\n", b"\n ")
    head, _, body = content.partition(b"\n\n")
    rewritten(workshop, head + b"\ngpgsig " + made + b"\n\n" + body)
    why = 'has a signature that was made for "file", not for git'
    assert signer(workshop, clone) == NotSigned(why)
    # the word in the signature is not what counts: it is signed, too
    forged = base64.b64decode(b"".join(made.split(b"\n ")[1:-1]))
    forged = forged.replace(b"\0\0\0\4file", b"\0\0\0\3git")
    lines = base64.b64encode(forged)
    armour = b"-----BEGIN SSH SIGNATURE-----\n " + lines + b"\n -----END SSH SIGNATURE-----"
    rewritten(workshop, head + b"\ngpgsig " + armour + b"\n\n" + body)
    assert signer(workshop, clone) == NotSigned("has a signature that is not over what it says")


def test_a_foreign_key_in_the_place_of_the_signers_is_seen(
    workshop: Workshop, clone: Clone, ann: Key, ground: Path
) -> None:
    bob = ssh_key(ground, "bob")
    workshop.commit({"web.yaml": HELLO}, bob)
    content = raw(workshop)
    keys = [base64.b64decode(Path(f"{key.path}.pub").read_text().split()[1]) for key in (bob, ann)]
    old = signature_of(content)
    blob = base64.b64decode(b"".join(old.split(b"\n ")[1:]).partition(b"-----")[0])
    lines = base64.b64encode(blob.replace(keys[0], keys[1]))
    new = b"gpgsig -----BEGIN SSH SIGNATURE-----\n " + lines + b"\n -----END SSH SIGNATURE-----\n"
    rewritten(workshop, content.replace(old, new))
    assert signer(workshop, clone) == NotSigned("has a signature that is not over what it says")


def test_two_signatures_are_not_read(workshop: Workshop, clone: Clone, ann: Key) -> None:
    workshop.commit({"web.yaml": HELLO}, ann)
    content = raw(workshop)
    old = signature_of(content)
    rewritten(workshop, content.replace(old, old + old))
    with pytest.raises(MalformedError, match="stands there twice"):
        signer(workshop, clone)


def test_gpg_signs_as_well_and_its_key_must_lie_on_this_machine(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    keys = ground / "keys"
    key = gpg_key(ground, "dora")
    workshop.git("config", "gpg.format", "openpgp")
    workshop.git("config", "gpg.program", str(key.path))
    workshop.commit({"web.yaml": HELLO}, Key(Path("dora@example.org"), ""))
    absent = signer(workshop, clone, keys)
    assert isinstance(absent, NotSigned)
    assert absent.why.endswith("which is not on this machine")
    assert f"{keys}/NAME.asc" in absent.remedy
    keys.mkdir()
    (keys / "dora.asc").write_text((ground / "dora.asc").read_text())
    (keys / "notes.txt").write_text("not a key")
    assert signer(workshop, clone, keys) == Signed(key.member)
    content = raw(workshop)
    rewritten(workshop, content.replace(b"\na change", b"\nanother"))
    assert signer(workshop, clone, keys) == NotSigned(
        "has a signature that is not over what it says"
    )


def test_a_gpg_key_that_has_ended_signs_nothing(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    key = gpg_key(ground, "old", ends="10d", when="20200101T000000")
    workshop.git("config", "gpg.format", "openpgp")
    workshop.git("config", "gpg.program", str(key.path))
    workshop.commit({"web.yaml": HELLO}, Key(Path("old@example.org"), ""))
    ended = signer(workshop, clone, ground)
    assert isinstance(ended, NotSigned)
    assert ended.why == "is signed with a gpg key that has ended"
    assert f"into {ground} anew" in ended.remedy


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "not good"),
        ("NEWSIG\nGOODSIG 1 ann\nVALIDSIG F x P", ""),
        ("NEWSIG\nGOODSIG 1 ann\nVALIDSIG F x P\nNEWSIG\nBADSIG 2 bob", "not over what it says"),
        ("NEWSIG\nGOODSIG 1 ann\nNEWSIG\nGOODSIG 1 b\nVALIDSIG F x P\nVALIDSIG F x Q", "not good"),
        ("NEWSIG\nEXPKEYSIG 1 ann\nVALIDSIG F x P", "has ended"),
        ("NEWSIG\nREVKEYSIG 1 ann\nVALIDSIG F x P", "revoked"),
        ("NEWSIG\nGOODSIG 1 ann\nGOODSIG 1 ann", "not good"),
    ],
)
def test_what_gpg_says_is_read_strictly(said: str, why: str) -> None:
    keys = Path("/none")
    found = read_gpg("".join(f"[GNUPG:] {line}\n" for line in said.split("\n")), 0, keys)
    assert found == Signed("gpg:P") if not why else why in getattr(found, "why", "")
    assert isinstance(
        read_gpg("[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 1 [GNUPG:] x", 0, keys), NotSigned
    )


@pytest.mark.parametrize(
    "content",
    [
        b"", b"SSHSIG", b"SSHSIG\0\0\0\2", b"SSHSIG\0\0\0\1" + b"\xff" * 8,
        b"SSHSIG\0\0\0\1\0\0\0\4\0\0\0\0", b"SSHSIG\0\0\0\1" + b"\0" * 40,
    ],
)  # fmt: skip
def test_what_only_looks_like_an_ssh_signature_is_none(content: bytes) -> None:
    armour = b"-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----"
    assert isinstance(read_ssh(armour % base64.b64encode(content)), NotSigned)


GOOD = (
    b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
    b"author Ann <a@x> 1 +0000\ncommitter Ann <a@x> 1 +0000\n\nwords\n"
)
NAME = "0" * 40


@pytest.mark.parametrize(
    "change",
    [
        (b"\n\n", b"\n"), (b"tree", b"tree 1\ntree"), (b"author", b"parent xyz\nauthor"),
        (b"committer", b"author Eve <e@x> 1 +0000\ncommitter"), (b"words", b"wo\0rds"),
        (b"<a@x> 1 +0000\nc", b"<a@x>> 1 +0000\nc"), (b"<a@x> 1 +0000\nc", b"1 +0000\nc"),
        (b"\n\n", b"\ngpgsig-sha256 x\n\n"), (b"tree ", b"tree"), (b"4b8", b"4B8"),
        (b"committer", b"parent " + b"0" * 40 + b"\ncommitter"), (b"\n\n", b"\nx\n\n"),
        (b"1 +0000\nc", b"999999999999 +0000\nc"),
    ],
)  # fmt: skip
def test_a_commit_that_git_would_not_write_is_not_read(change: tuple[bytes, bytes]) -> None:
    assert read_commit(NAME, GOOD).author.name == "Ann"
    with pytest.raises(MalformedError):
        read_commit(NAME, GOOD.replace(*change))


def test_names_that_play_at_being_headers_stay_names(workshop: Workshop, clone: Clone) -> None:
    workshop.commit({"web.yaml": HELLO}, message="subject\n\ngpgsig forged\nauthor Eve <e> 1 +0",
                    GIT_AUTHOR_NAME="A\x1b[31m%GF%x00 commit 0 G",
                    GIT_AUTHOR_EMAIL="good signature by ann")  # fmt: skip
    found = read_commit(NAME, raw(workshop))
    assert found.author.name == "A\x1b[31m%GF%x00 commit 0 G"
    assert (found.signature, found.subject) == (b"", "subject")
    assert isinstance(signer(workshop, clone), NotSigned)


@pytest.mark.parametrize(
    "content",
    [b"100644 a", b"100644 a\0" + b"1" * 19, b"777 a\0" + b"1" * 20, b"100644 ..\0" + b"1" * 20,
     b"40000 .GIT\0" + b"1" * 20, b"100644 a/b\0" + b"1" * 20, b"100644 \0" + b"1" * 20,
     (b"100644 a\0" + b"1" * 20) * 2],
)  # fmt: skip
def test_a_folder_that_git_would_not_write_is_not_read(content: bytes) -> None:
    with pytest.raises(MalformedError):
        read_tree(content, NAME)


def test_objects_have_the_names_that_git_gives_them(workshop: Workshop) -> None:
    name = workshop.commit({"web.yaml": HELLO})
    assert name_of("commit", raw(workshop), NAME) == name
    assert name_of("blob", HELLO.encode(), NAME) == workshop.git("rev-parse", "HEAD:web.yaml")
    assert len(name_of("blob", b"", "0" * 64)) == 64
