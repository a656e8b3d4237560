"""The API by itself: documents, questions, keys, limits; and a client whose server is not well."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestr8 import __version__, client
from orchestr8.__main__ import run
from orchestr8.controller.authority import EVERYTHING
from orchestr8.engines.select import SIMULATED
from orchestr8.errors import UnavailableError
from orchestr8.server.application import BODY_BYTES_MOST, Application
from orchestr8.server.listening import listening
from orchestr8.server.routes import HOOKS
from tests.server.machine import exchange, request, serving
from tests.server.slow import Slow, deaf, slow_api, well

WEB = """\
orchestr8: 1
owner: web
services:
  front: {image: "front:1", files: {/etc/front.toml: ./front.toml}, health: {tcp: 80, every: 100ms}}
"""
APPLY, PLAN, STATUS = (f"/v1/commands/{verb}" for verb in ("apply", "plan", "status"))


def sent(content: str) -> str:
    """A content as it is sent."""
    return base64.b64encode(content.encode()).decode()


def command(*words: str, **more: Any) -> dict[str, Any]:
    """An apply or plan of one manifest."""
    text = {"name": "web.yaml", "content": sent(WEB)}
    reading = {"paths": ["web.yaml"], "texts": [text]}
    return {"arguments": ["web.yaml", *words], "reading": reading, **more}


def test_a_command_says_what_it_needs_and_does_nothing(api: Path) -> None:
    first = request(api, "POST", APPLY, {"arguments": ["web.yaml"]})
    assert first.events == [{"needs": {"paths": ["web.yaml"]}}]
    second = request(api, "POST", APPLY, command())
    assert second.events == [{"needs": {"files": ["front.toml"]}}]
    assert not any(machine.boxes for machine in SIMULATED.values())
    absent = {"front.toml": {"errno": 2, "why": "No such file or directory"}}
    third = request(api, "POST", APPLY, command(files=absent))
    assert third.exit == 2
    assert "file front.toml cannot be read: No such file or directory" in third.text
    whole = command(files={"front.toml": {"content": sent("x")}})
    fourth = request(api, "POST", APPLY, whole)
    assert fourth.exit == 0
    assert fourth.text.endswith("these boxes exist while the server runs, and no longer.\n")
    assert request(api, "POST", PLAN, whole).text.startswith("Nothing to do.")


def test_the_server_opens_no_path_that_is_sent(api: Path, folder: Path) -> None:
    (folder / "web.yaml").write_text(WEB)
    (folder / "front.toml").write_text("of the server")
    for words in (["web.yaml"], [str(folder / "web.yaml")], ["-"]):
        reply = request(api, "POST", PLAN, {"arguments": words})
        assert reply.events == [{"needs": {"paths": words}}]
    out = folder / "plan.json"
    files = {"front.toml": {"content": sent("x")}}
    reply = request(api, "POST", PLAN, command("--out", str(out), files=files))
    assert reply.events[0]["write"]["path"] == str(out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("method", "place", "document", "status"),
    [
        ("GET", "/v1/nix", None, 404),
        ("GET", "/", None, 404),
        ("POST", "/v1/commands/serve", {"arguments": []}, 404),
        ("GET", STATUS, None, 405),
        ("POST", "/v1/me", {}, 405),
        ("POST", STATUS, [], 400),
        ("POST", STATUS, {"arguments": "x"}, 400),
        ("POST", STATUS, {"argument": []}, 400),
        ("POST", STATUS, {"arguments": ["x"] * 3000}, 400),
        ("POST", STATUS, {"arguments": [], "shown": {"columns": 0}}, 400),
        # Nothing is taken for something of another type.
        ("POST", STATUS, {"arguments": [1]}, 400),
        ("POST", STATUS, {"arguments": [], "shown": {"out": "yes"}}, 400),
        ("POST", STATUS, {"arguments": [], "shown": {"columns": "80"}}, 400),
        ("POST", STATUS, {"arguments": [], "shown": {"lines": 24.0}}, 400),
        ("POST", STATUS, {"arguments": [], "shown": {"lines": True}}, 400),
        ("POST", STATUS, {"arguments": [], "shown": None}, 400),
        ("POST", STATUS, {"arguments": [], "files": {"a": {"errno": "2"}}}, 400),
        ("POST", STATUS, {"arguments": [], "files": []}, 400),
        ("POST", STATUS, {"arguments": [], "answer": 7}, 400),
    ],
)
def test_what_is_no_request_is_refused(
    api: Path, method: str, place: str, document: Any, status: int
) -> None:
    reply = request(api, method, place, document)
    assert reply.status == status
    assert reply.document["what"] and reply.document["exit"] == 2


@pytest.mark.parametrize(
    ("agent", "exit_status"),
    [("orchestr8/99.1", 1), (f"orchestr8/{__version__}", 2), ("curl/8.1", 2), ("orchestr8/", 2)],
)
def test_a_client_of_another_release_is_told_that_it_is_one(
    api: Path, agent: str, exit_status: int
) -> None:
    for place, document in ((STATUS, {"shown": {"from": 1}}), ("/v1/commands/fly", {})):
        refusal = request(api, "POST", place, document, User_Agent=agent).document
        assert refusal["exit"] == exit_status
        told = f"the server is orchestr8 {__version__} and does not know what orchestr8 99.1 asks"
        assert (told in refusal["what"]) is (exit_status == 1)
    unheard = request(api, "POST", f"{HOOKS}x", {}, User_Agent=agent)
    assert unheard.document["what"] == "no source hears this"
    assert "has its length, and at most 1 MiB" in unheard.document["remedy"]


def test_the_client_says_of_which_release_it_is(
    api: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client, "__version__", "99.1")
    monkeypatch.setattr(client, "VERBS", {"fly"})
    assert run(["fly"]) == 1
    assert "what orchestr8 99.1 asks: there is no such route" in capsys.readouterr().err


def test_another_method_is_told_which_there_is(api: Path) -> None:
    for method, place, allowed in (
        ("GET", STATUS, "POST"),
        ("DELETE", STATUS, "POST"),
        ("POST", "/v1/me", "GET"),
        ("PUT", "/metrics", "GET"),
    ):
        reply = request(api, method, place, {})
        assert (reply.status, reply.headers["Allow"]) == (405, allowed)
    assert "Allow" not in request(api, "GET", "/v1/nix").headers


def test_words_that_are_wrong_are_told_as_on_the_command_line(api: Path) -> None:
    for words, what in (
        (["--nix"], "no such option"),
        (["a"], "nothing is applied"),
        (["-h"], "h"),
    ):
        reply = request(api, "POST", STATUS, {"arguments": words})
        assert (reply.status, reply.exit) == (200, 2)
        assert what in reply.text
    reply = request(api, "POST", PLAN, command("--engine", "memory"))
    assert reply.exit == 2 and "leave --engine out" in reply.text
    wrong = command(files={"front.toml": {"content": "???"}})
    assert "is not base64" in request(api, "POST", PLAN, wrong).text


def test_lengths_are_limited(api: Path) -> None:
    def head(length: str) -> bytes:
        return f"POST {STATUS} HTTP/1.0\r\nHost: x\r\n{length}\r\n".encode()

    for length in ("", "Content-Length: many\r\n", "Content-Length: -1\r\n"):
        reply = exchange(api, head(length))
        assert reply.status in (400, 411), length
        assert length or (reply.status, reply.document["exit"]) == (411, 2)
    assert exchange(api, head(f"Content-Length: {BODY_BYTES_MOST + 1}\r\n")).status == 413
    assert exchange(api, head("X: " + "x" * 20_000 + "\r\n")).status in (413, 414, 431)


def test_the_description_is_of_what_is_answered(api: Path) -> None:
    document = request(api, "GET", "/v1/openapi.json").document
    assert document["openapi"] == "3.1.0"
    schemas = json.loads(
        json.dumps(document["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/")
    )

    def valid(model: str, value: Any) -> None:
        schema = {"$defs": schemas, "$ref": f"#/$defs/{model}"}
        jsonschema.Draft202012Validator(schema).validate(value)

    valid("Me", request(api, "GET", "/v1/me").document)
    valid("Refusal", request(api, "GET", "/v1/nix").document)
    whole = command(files={"front.toml": {"content": sent("x")}})
    valid("Command", whole)
    for event in request(api, "POST", PLAN, whole).events:
        valid("Event", event)
    with pytest.raises(jsonschema.ValidationError):
        valid("Command", {"argument": []})


def test_a_key_makes_a_change_happen_once(api: Path) -> None:
    whole = command(files={"front.toml": {"content": sent("x")}})
    replies = [request(api, "POST", APPLY, whole, Idempotency_Key="a") for _ in range(2)]
    assert "1 box started" in replies[0].text
    assert replies[0].body == replies[1].body
    assert "nothing to do" in request(api, "POST", APPLY, whole, Idempotency_Key="b").text
    other = request(api, "POST", APPLY, command("--pull"), Idempotency_Key="a")
    assert other.status == 409 and "another command" in other.document["what"]
    assert request(api, "POST", APPLY, whole, Idempotency_Key="x" * 129).status == 400


def test_a_question_takes_no_key(api: Path) -> None:
    for files in ({}, {"front.toml": {"content": sent("x")}}):
        last = request(api, "POST", APPLY, command(files=files), Idempotency_Key="a")
    assert "1 box started" in last.text


def test_what_is_said_comes_while_the_command_runs(folder: Path) -> None:
    with slow_api(folder) as (path, slow), socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(60)
        peer.connect(str(path))
        peer.sendall(f"POST {STATUS} HTTP/1.0\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        came = b""
        while b"begun" not in came:
            came += peer.recv(100)
        assert b"exit" not in came
        slow.let_go.set()
        while piece := peer.recv(100):
            came += piece
        assert came.endswith(b'{"exit": 0}\n')


def test_a_socket_that_nobody_listens_on_is_replaced(folder: Path) -> None:
    (folder / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "run" / "api.sock"))
    with serving() as path:
        assert request(path, "GET", "/v1/me").status == 200
    assert not path.exists()


def test_a_socket_with_too_long_a_name_is_told(tmp_path: Path) -> None:
    application = Application(lambda _: EVERYTHING, Slow(), well, deaf)
    with (
        pytest.raises(UnavailableError, match="too long a name"),
        listening(tmp_path / ("x" * 100), application, print),
    ):
        pass


@contextmanager
def answering(folder: Path, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """Something that listens in a server's place, for one connection."""
    (folder / "run").mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "run" / "api.sock"))
        listener.listen()

        def accept() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1 << 16)
                answer(peer)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield
        thread.join(60)
    (folder / "run" / "api.sock").unlink()


OK = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("came", "status", "what"),
    [
        (b"", 1, "the server shut the connection before it answered"),
        (b"HTTP/1.0 500 Oh\r\n\r\n<html>", 1, "the server's answer cannot be read"),
        (OK, 1, "the server ended before its answer did"),
        (OK + b'{"out": "half\\n"}\n', 1, "the server ended before its answer did"),
        (OK + b'{"err": "w\\n"}\n{"exit": 7}\n', 7, "w"),
        (
            b'HTTP/1.0 403 No\r\n\r\n{"what": "you are nobody", "remedy": "ask", "exit": 3}',
            3,
            "orchestr8: you are nobody\n   ask",
        ),
    ],
)
def test_a_server_that_is_not_well(
    folder: Path, capsys: pytest.CaptureFixture[str], came: bytes, status: int, what: str
) -> None:
    with answering(folder, lambda peer: peer.sendall(came)):
        assert run(["status"]) == status
    assert what in capsys.readouterr().err


def test_a_server_that_asks_without_an_end(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ROUNDS_MOST", 1)
    asks = OK + b'{"needs": {"files": ["/etc/passwd", "../x", "x"]}}\n'
    with answering(folder, lambda peer: peer.sendall(asks)):
        assert run(["status"]) == 1
    assert "asks for files without an end" in capsys.readouterr().err


def test_only_files_beside_the_manifests_that_were_typed_are_sent(folder: Path) -> None:
    (folder / "web").mkdir()
    (folder / "web" / "x").write_text("beside")
    (folder / "web" / "link").symlink_to("/etc/passwd")
    assert client._sent(["web/web.yaml"], "web/x") == {"content": sent("beside")}
    for path in ("/etc/passwd", "../x", "web/../../etc/passwd", "web/link", "x"):
        assert "content" not in client._sent(["web/web.yaml"], path), path


def test_without_a_server_it_is_done_here(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["status"]) == 0
    (folder / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "run" / "api.sock"))
    assert run(["status"]) == 0
    assert capsys.readouterr().out.count("nothing is applied on this machine") == 2
    (folder / "run" / "api.sock").unlink()
    with answering(folder, lambda peer: peer.sendall(OK + b'{"exit": 9}\n')):
        assert run(["status"]) == 9
    monkeypatch.setattr(client, "_connected", lambda: pytest.fail("a server was asked"))
    (folder / "web.yaml").write_text(WEB.replace("files", "# files"))
    for words in (["plan", "web.yaml", "--engine", "memory"], ["status", "-h"], ["schema"]):
        run(words)
    monkeypatch.delenv("ORCHESTR8_RUN")
    assert run(["status"]) == 0
