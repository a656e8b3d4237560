"""Whose key a commit is signed with: asked of ssh-keygen and gpg, which say good or not.

Whether that key may sign what the commit changes is another question, and not answered here. A
key is named by its fingerprint, `ssh:SHA256:…` or `gpg:…`. What is known of a gpg key beside its
fingerprint comes from files on this machine; an ssh signature has the key in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from orchestr8.sources.child import Child
from orchestr8.sources.objects import Commit

NAMESPACE = b"git"
_SSH = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]{1,8192})-----END SSH SIGNATURE-----\n?"
)
_GPG = b"-----BEGIN PGP SIGNATURE-----"
_KEY_FILE_BYTES_MOST = 1 << 20
_SIGNATURE_BYTES_MOST = 16 << 10


class Signed(Struct, frozen=True):
    """A good signature by this key."""

    key: str


class NotSigned(Struct, frozen=True):
    """No good signature, and why; `remedy` where another signature by the same key, however often
    it is made, would be no better."""

    why: str
    remedy: str = ""


class SshSignature(Struct, frozen=True):
    """What stands in an ssh signature: the key in full, its kind, and what it was made for."""

    key: bytes
    kind: str
    namespace: bytes

    @property
    def fingerprint(self) -> str:
        """The key as ssh-keygen -l names it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.key).digest()).decode().rstrip("=")


class Signatures:
    """Asks about commits, one after the other."""

    def __init__(self, child: Child, keys: Path) -> None:
        """`keys` is the folder of gpg's public keys on this machine, *.asc and *.gpg."""
        self._child = child
        self._keys = keys
        self._known: dict[str, Signed | NotSigned] = {}

    def of(self, commit: Commit) -> Signed | NotSigned:
        """Who signed a commit, if it is signed well; each is asked about once."""
        if commit.id not in self._known:
            self._known[commit.id] = self._asked(commit)
        return self._known[commit.id]

    def _asked(self, commit: Commit) -> Signed | NotSigned:
        signature = commit.signature
        if not signature:
            return NotSigned("is not signed")
        if len(signature) > _SIGNATURE_BYTES_MOST:
            return NotSigned("has a signature that is too large")
        if signature.startswith(b"-----BEGIN SSH SIGNATURE-----"):
            return self._ssh(commit)
        if signature.startswith(_GPG):
            return self._gpg(commit)
        return NotSigned("has a signature of a kind that is not known here (ssh and gpg are)")

    def _ssh(self, commit: Commit) -> Signed | NotSigned:
        found = read_ssh(commit.signature)
        if isinstance(found, NotSigned):
            return found
        allowed = f'signer namespaces="git" {found.kind} {base64.b64encode(found.key).decode()}\n'
        signers = self._child.give("signers", allowed.encode())
        signature = self._child.give("signature", commit.signature)
        command = [
            "ssh-keygen", "-Y", "verify", "-n", "git", "-I", "signer",
            "-f", str(signers), "-s", str(signature),
        ]  # fmt: skip
        answer = self._child.run(command, text=commit.signed)
        if answer.status == 0 and found.fingerprint.encode() in answer.output.split():
            return Signed(f"ssh:{found.fingerprint}")
        return NotSigned("has a signature that is not over what it says")

    def _gpg(self, commit: Commit) -> Signed | NotSigned:
        signature = self._child.give("signature", commit.signature)
        answer = self._child.run(
            [*self._ring, "--status-fd", "1", "--verify", str(signature), "-"], text=commit.signed
        )
        return read_gpg(answer.output.decode("utf-8", "replace"), answer.status, self._keys)

    @cached_property
    def _ring(self) -> list[str]:
        """gpg with a ring of exactly the keys that lie on this machine."""
        ring = self._child.home.parent / "ring"
        self._child.make_folder(ring)
        gpg = [
            "gpg", "--batch", "--no-tty", "--no-options", "--no-autostart", "--quiet",
            "--homedir", str(ring), "--trust-model", "always", "--no-auto-key-retrieve",
        ]  # fmt: skip
        for path in sorted(self._keys.glob("*")) if self._keys.is_dir() else []:
            if path.suffix in (".asc", ".gpg") and path.is_file():
                with path.open("rb") as file:
                    self._child.run([*gpg, "--import"], text=file.read(_KEY_FILE_BYTES_MOST))
        return gpg


def read_ssh(signature: bytes) -> SshSignature | NotSigned:
    """An ssh signature's own words, none of which are checked yet but that it was made for git."""
    bad = NotSigned("has an ssh signature that cannot be read")
    armour = _SSH.fullmatch(signature)
    if not armour:
        return bad
    try:
        content = base64.b64decode(armour[1].replace(b"\n", b""), validate=True)
        if not content.startswith(b"SSHSIG\0\0\0\1"):
            return bad
        key, rest = _piece(content[10:])
        namespace, _ = _piece(rest)
        kind = _piece(key)[0].decode("ascii")
    except (binascii.Error, ValueError):
        return bad
    if not re.fullmatch(r"[a-z0-9@.-]{1,64}", kind) or "-cert-" in kind:
        return NotSigned(
            "is signed with an ssh certificate, and a member is a key"
            if "-cert-" in kind
            else bad.why
        )
    if namespace != NAMESPACE:
        shown = namespace[:40].decode("utf-8", "replace")
        return NotSigned(f'has a signature that was made for "{shown}", not for git')
    return SshSignature(key, kind, namespace)


def read_gpg(said: str, status: int, keys: Path) -> Signed | NotSigned:
    """gpg's status lines; one signature, good today, by a key of which the fingerprint is said.
    `keys` is the folder where its keys come from."""
    lines = [line[9:].split() for line in said.splitlines() if line.startswith("[GNUPG:] ")]
    words = [line[0] for line in lines if line]
    if "NO_PUBKEY" in words:
        key = next(line[1] for line in lines if line[0] == "NO_PUBKEY")
        why = f"is signed with the gpg key {key}, which is not on this machine"
        remedy = f"whoever runs the machine puts its public part into {keys}/NAME.asc"
        return NotSigned(why, f"{remedy}, if its owner may sign here: gpg --armor --export {key}")
    for word, why in _GPG_SAYS.items():
        if word in words:
            new_end = "where the key was given a new end, whoever runs the machine puts its public "
            remedy = f"{new_end}part into {keys} anew" if word == "EXPKEYSIG" else ""
            return NotSigned(why, remedy)
    valid = [line for line in lines if line and line[0] == "VALIDSIG"]
    if status or words.count("NEWSIG") != 1 or words.count("GOODSIG") != 1 or len(valid) != 1:
        return NotSigned("has a gpg signature that is not good")
    return Signed(f"gpg:{valid[0][-1]}")  # the last word is the whole key's, not a part's


_GPG_SAYS = {
    "BADSIG": "has a signature that is not over what it says",
    "EXPSIG": "has a gpg signature that has ended",
    "EXPKEYSIG": "is signed with a gpg key that has ended",
    "REVKEYSIG": "is signed with a gpg key that was revoked",
    "ERRSIG": "has a gpg signature that cannot be checked",
}


def _piece(content: bytes) -> tuple[bytes, bytes]:
    """A length, that many bytes, and the rest."""
    end = 4 + int.from_bytes(content[:4], "big")
    if len(content) < max(end, 4):
        raise ValueError("cut short")
    return content[4:end], content[end:]
