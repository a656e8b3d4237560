"""The API over TLS: whoever has a token is who it says, until its end; others are nobody."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from orchestr8 import client, far
from orchestr8.__main__ import run
from orchestr8.cli import standing
from orchestr8.controller import settings, tokens
from orchestr8.controller.session import session
from orchestr8.errors import UnavailableError, UsageError
from orchestr8.server.counted import CONNECTIONS_MOST
from orchestr8.server.remote import remote
from orchestr8.store.database import FILE_NAME
from tests.controller.looping import until
from tests.server.machine import SECONDS_MOST, Reply, followers, parsed, served

PLATFORM = """\
orchestr8: 1
platform:
  mode: team
  members: [token:root-ci]
  owners: {pay: {members: [token:ci, token:old]}, data: {members: [token:ci]}}
"""
PAY = 'orchestr8: 1\nowner: pay\nservices:\n  api: {image: "api:1", health: {tcp: 80}}\n'
DATA = PAY.replace("owner: pay", "owner: data")


@dataclass
class Far:
    """A machine that is come to from elsewhere."""

    folder: Path
    port: int

    @property
    def context(self) -> ssl.SSLContext:
        """Believes the machine's certificate."""
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))

    def exchange(self, sent: bytes) -> Reply:
        """Sends these bytes, and reads what comes until the end."""
        with self.connection() as tls:
            tls.sendall(sent)
            came = b""
            while piece := tls.recv(1 << 16):
                came += piece
        return parsed(came)

    @contextmanager
    def connection(self) -> Iterator[ssl.SSLSocket]:
        """A connection to the machine."""
        with (
            socket.create_connection(("127.0.0.1", self.port), SECONDS_MOST) as peer,
            self.context.wrap_socket(peer, server_hostname="localhost") as tls,
        ):
            yield tls

    def me(self, authorization: str) -> Reply:
        """Who one is with this header."""
        head = f"GET /v1/me HTTP/1.0\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n"
        return self.exchange(head.encode())


def token(name: str, owner: str, seconds: int = 3600) -> str:
    """A token of this machine, made on it."""
    with session(settings.Settings.from_environment()) as opened:
        return tokens.create(opened, name, owner, settings.now_ms() + seconds * 1000)


@contextmanager
def far_machine(folder: Path) -> Iterator[Far]:
    """A server with TLS on a fresh machine."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    files = (folder / "server.pem", folder / "server.pem")
    with ExitStack() as stack:
        machine = stack.enter_context(served())
        given: tuple[Any, ...] = (files, machine.application, machine.answering.asker_of, print)
        address = stack.enter_context(remote(("127.0.0.1", 0), *given))
        yield Far(folder, address[1])


@pytest.fixture
def team(folder: Path) -> Path:
    """The folder of a team's machine, on which nobody serves yet."""
    for name, text in (("platform", PLATFORM), ("pay", PAY), ("data", DATA)):
        (folder / f"{name}.yaml").write_text(text)
        assert run(["apply", f"{name}.yaml", "--set", name]) == 0
    return folder


def nobody(reply: Reply) -> bool:
    """Whether whoever asked is nobody."""
    told = reply.document if reply.status == 403 else {"what": "", "remedy": ""}
    return "no token that counts" in told["what"] and "token ls" in told["remedy"]


def test_a_token_is_its_owners_alone_until_its_end(team: Path) -> None:
    text, old, platform = token("ci", "pay"), token("old", "pay", 1), token("root-ci", "platform")
    stray = token("stray", "pay")
    with far_machine(team) as machine:
        me = machine.me(f"Bearer {text}").document
        assert (me["name"], me["platform"], me["owners"]) == ("token ci", False, ["pay"])
        assert machine.me(f"Bearer {platform}").document["platform"]
        assert nobody(machine.me(f"Bearer {stray}")), "no owner has it among its members"
        wrongs = ("", "Bearer", f"Bearer {text[:-2]}xx", f"Basic {text}", text, "Bearer o8_' OR 1")
        for wrong in wrongs:
            assert nobody(machine.me(wrong)), wrong
        until(lambda: nobody(machine.me(f"Bearer {old}")))
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            assert text.encode() not in (team / "state" / name).read_bytes()
        with session(settings.Settings.from_environment()) as opened:
            opened.store.tokens.remove("ci")
        assert nobody(machine.me(f"Bearer {text}"))


@pytest.mark.parametrize("size", [f"Content-Length: {64 << 20}", "Transfer-Encoding: chunked"])
def test_nobodys_document_is_not_waited_for(team: Path, size: str) -> None:
    with far_machine(team) as machine:
        reply = machine.exchange(f"POST /v1/apply HTTP/1.1\r\nHost: x\r\n{size}\r\n\r\n".encode())
    assert nobody(reply) and reply.headers["Connection"] == "close"


def test_nothing_is_said_without_tls_and_nobody_is_kept_waiting(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestr8.server.counted.IDLE_SECONDS", SECONDS_MOST)
    text = token("ci", "pay")
    with far_machine(team) as machine, ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", machine.port)))
            for _ in range(CONNECTIONS_MOST - 1)
        ]
        assert machine.me(f"Bearer {text}").status == 200
        silent[0].sendall(b"GET /v1/me HTTP/1.0\r\n\r\n")
        silent[0].settimeout(SECONDS_MOST)
        with pytest.raises(ssl.SSLError), stack.enter_context(silent[1]) as peer:
            ssl.create_default_context().wrap_socket(peer, server_hostname="localhost")
        with suppress(ConnectionResetError):  # what it sent may lie there unread as it is left
            assert b"pay" not in silent[0].recv(1 << 16)


def test_an_address_that_has_as_many_connections_as_it_may_is_told(
    team: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("orchestr8.server.counted.IDLE_SECONDS", SECONDS_MOST)
    file = team / "ci.token"
    file.write_text(token("ci", "pay") + "\n")
    file.chmod(0o600)
    monkeypatch.setenv(far.TOKEN, str(file))
    monkeypatch.setenv(far.AUTHORITY, str(team / "ca.pem"))
    with far_machine(team) as machine, ExitStack() as stack:
        monkeypatch.setenv(far.SERVER, f"https://localhost:{machine.port}")
        for _ in range(CONNECTIONS_MOST):
            stack.enter_context(socket.create_connection(("127.0.0.1", machine.port)))
        assert run(["status"]) == 1
    assert "it may have as many from this address as it takes" in capsys.readouterr().err


def test_the_client_comes_from_elsewhere(
    team: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = team / "ci.token"
    file.write_text(token("ci", "pay") + "\n")
    file.chmod(0o600)
    with far_machine(team) as machine:
        monkeypatch.setenv(far.SERVER, f"https://localhost:{machine.port}")
        monkeypatch.setenv(far.TOKEN, str(file))
        monkeypatch.setattr(client, "_connected", lambda: pytest.fail("the server here was asked"))
        assert run(["status"]) == 1
        assert "is not who it says it is" in capsys.readouterr().err
        monkeypatch.setenv(far.AUTHORITY, str(team / "ca.pem"))
        assert run(["status"]) == 0
        said = capsys.readouterr().out
        assert "api.pay" in said and "data" not in said
        assert run(["apply", "pay.yaml", "--set", "pay"]) == 0
        assert run(["apply", "data.yaml", "--set", "data"]) == 3
        assert run(["why", "api.data"]) == 2
        capsys.readouterr()
        assert run(["exec", "api.pay", "--", "ls"]) == 0
        assert run(["exec", "db.data", "--", "ls"]) == 2
        assert run(["image", "ls"]) == 2
        assert "is done on the machine itself" in capsys.readouterr().err
        assert run(["validate", "pay.yaml"]) == 0
        assert run(["token", "ls"]) == 3
        file.chmod(0o644)
        assert run(["status"]) == 1
        assert "chmod 600" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["revoked", "left out"])
@pytest.mark.parametrize(("verb", "words"), [("events", []), ("logs", ["api.pay"])])
def test_who_may_no_longer_follows_nothing_any_more(
    team: Path, monkeypatch: pytest.MonkeyPatch, how: str, verb: str, words: list[str]
) -> None:
    monkeypatch.setattr(standing, "LOOK_SECONDS", 0.05)
    file = team / "platform.token"
    file.write_text(token("root-ci", "platform"))
    file.chmod(0o600)
    body = json.dumps({"arguments": ["--follow", *words]})
    head = (
        f"POST /v1/commands/{verb} HTTP/1.0\r\nHost: x\r\n"
        f"Authorization: Bearer {token('ci', 'pay')}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with far_machine(team) as machine, machine.connection() as tls, tls.makefile("rb") as lines:
        tls.sendall(f"{head}{body}".encode())
        assert b"200" in lines.readline()
        while lines.readline().strip():
            pass
        until(lambda: followers() == 1)
        if how == "revoked":
            with session(settings.Settings.from_environment()) as opened:
                opened.store.tokens.remove("ci")
        else:
            (team / "platform.yaml").write_text(PLATFORM.replace("token:ci, ", ""))
            monkeypatch.setenv(far.SERVER, f"https://localhost:{machine.port}")
            monkeypatch.setenv(far.TOKEN, str(file))
            monkeypatch.setenv(far.AUTHORITY, str(team / "ca.pem"))
            assert run(["apply", "platform.yaml", "--set", "platform"]) == 0
        *said, last = map(json.loads, lines)
    assert last == {"exit": 3}
    assert "less is yours than when you asked" in "".join(one.get("err", "") for one in said)


def test_a_way_that_leads_nowhere_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(server: str, file: str | None) -> str:
        monkeypatch.setenv(far.SERVER, server)
        monkeypatch.setenv(far.TOKEN, file or "")
        assert run(["status"]) == 1
        return capsys.readouterr().err

    good = folder / "good"
    good.write_text("o8_" + "x" * 43)
    good.chmod(0o600)
    (folder / "empty").touch(0o600)
    assert "no token says who you are" in told("https://x", None)
    assert "cannot be read" in told("https://x", str(folder / "none"))
    assert "has no token in it" in told("https://x", str(folder / "empty"))
    for address in ("http://x", "x:1", "https://a@x", "https://x/y", "https://x:port"):
        assert "is no address of a server" in told(address, str(good)), address
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert "does not answer" in told(f"https://127.0.0.1:{port}", str(good))


def test_files_that_are_no_certificate_are_told(folder: Path) -> None:
    (folder / "x.pem").write_text("x")
    for key, words in (("x.pem", "are no certificate with its key"), ("y.pem", "y.pem is no file")):
        files = (folder / "x.pem", folder / key)
        with (
            pytest.raises(UnavailableError, match=words),
            remote(("127.0.0.1", 0), files, None, lambda _: None, print),  # type: ignore[arg-type]
        ):
            pass
    assert run(["serve", "--listen", "127.0.0.1:8443"]) == 2


def test_tokens_are_made_listed_and_revoked(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["token", "create", "ci", "--owner", "pay", "--until", "1h"]) == 0
    made = capsys.readouterr()
    assert made.out.startswith("o8_") and len(made.out) == 47 and not made.err
    assert run(["token", "create", "nix", "--owner", "pay", "--until", "1h"]) == 0
    assert "token:nix is not among the members of pay" in capsys.readouterr().err
    for words in (
        ["ci", "--owner", "pay", "--until", "1h"], ["a b", "--owner", "pay", "--until", "1h"],
        ["x", "--owner", "nix", "--until", "1h"], ["x", "--owner", "pay", "--until", "400d"],
        ["x", "--owner", "pay"], ["x", "--owner", "pay", "--until", "0s"],
    ):  # fmt: skip
        assert run(["token", "create", *words]) == 2, words
    capsys.readouterr()
    assert run(["token", "ls"]) == 0
    listed = capsys.readouterr().out
    assert "ci" in listed and "o8_" not in listed
    assert run(["token", "revoke", "ci", "--output", "json"]) == 0
    assert '"name": "ci"' in capsys.readouterr().out
    assert run(["token", "revoke", "ci"]) == 2


def test_a_token_makes_no_tokens(team: Path) -> None:
    text = token("root-ci", "platform")
    with session(settings.Settings.from_environment()) as opened:
        asker = tokens.asker_of(opened.store, text, settings.now_ms())
        assert asker
        with pytest.raises(UsageError, match="a token makes"):
            tokens.tokens(opened.of(asker))


def test_a_token_for_an_owner_that_is_missing_says_what_to_write(team: Path) -> None:
    with pytest.raises(UsageError) as refused:
        token("new", "ops")
    assert 'owners: {ops: {members: ["token:new"]}}' in refused.value.remedy
