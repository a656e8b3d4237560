"""Network namespaces of the test's own, held by a descriptor: none is left when the test ends."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import pickle
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from orchestr8.errors import Orchestr8Error

Result = TypeVar("Result")

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_REC_PRIVATE = 0x4000 | 0x40000
_PR_SET_PDEATHSIG = 1


def _call(name: str, *arguments: Any) -> None:
    if getattr(_LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def in_child(function: Callable[[], Result]) -> Result:
    """What the function returns or raises in a child of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        answer: tuple[bool, Any]
        try:
            answer = (True, function())
        except (OSError, AssertionError, Orchestr8Error, subprocess.CalledProcessError) as error:
            answer = (False, error)
        except BaseException as error:  # such as pytest's own, which do not travel
            answer = (False, AssertionError(f"{type(error).__name__}: {error}"))
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    good, value = pickle.loads(text)
    if not good:
        raise value
    return value  # type: ignore[no-any-return]


def with_own_mounts(test: Callable[..., None]) -> Callable[..., None]:
    """A test whose mounts nobody else sees, and that end with it."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        def isolated() -> None:
            _call("unshare", _CLONE_NEWNS)
            _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)
            test(*arguments, **named)

        in_child(isolated)

    return run


class Namespace:
    """One network namespace."""

    def __init__(self) -> None:
        made: list[int] = []

        def make() -> None:
            _call("unshare", _CLONE_NEWNET)
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

        # Only this thread leaves the test's own namespace, and it ends here.
        maker = threading.Thread(target=make)
        maker.start()
        maker.join()
        self.fd = made[0]
        self.ip("link set lo up")

    def close(self) -> None:
        os.close(self.fd)

    def ip(self, *commands: str, other: Namespace | None = None) -> None:
        """`ip` in here; {other} in a command is another namespace's descriptor."""
        others = (other.fd,) if other else ()
        for command in commands:
            words = command.format(other=f"/proc/self/fd/{other.fd}" if other else "").split()
            subprocess.run(
                ["nsenter", f"--net=/proc/self/fd/{self.fd}", "ip", *words],
                check=True,
                pass_fds=(self.fd, *others),
                capture_output=True,
            )

    def run(self, function: Callable[[], Result]) -> Result:
        """What the function returns or raises, in a child in here with a /sys of here."""

        def entered() -> Result:
            self._enter()
            return function()

        return in_child(entered)

    def borrow(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """A socket that was made in here: it stays of here, whoever uses it."""
        made: list[socket.socket] = []

        def make() -> None:
            _call("setns", self.fd, _CLONE_NEWNET)
            made.append(connect())

        maker = threading.Thread(target=make)
        maker.start()
        maker.join()
        return made[0]

    @contextlib.contextmanager
    def serve(self, function: Callable[[int], None]) -> Iterator[int]:
        """A child in here that runs for ever; yields its pid when it has written to its pipe."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            os.close(reader)
            with contextlib.suppress(BaseException):
                self._enter()
                function(writer)
            os._exit(1)
        os.close(writer)
        try:
            if not os.read(reader, 1):
                raise RuntimeError("a server of the test did not start")
            yield child
        finally:
            os.close(reader)
            handle = os.pidfd_open(child)
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(handle)

    def _enter(self) -> None:
        _call("setns", self.fd, _CLONE_NEWNET)
        _call("unshare", _CLONE_NEWNS)
        _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)
        _call("mount", b"sysfs", b"/sys", b"sysfs", 0, None)

    @contextlib.contextmanager
    def token_server(
        self, port: int, token: str, family: int = socket.AF_INET, address: str = ""
    ) -> Iterator[int]:
        """Who connects by TCP, or sends a datagram, is told the token."""

        def answer(ready: int) -> None:
            stream = socket.socket(family, socket.SOCK_STREAM)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            datagrams = socket.socket(family, socket.SOCK_DGRAM)
            for each in (stream, datagrams):
                each.bind((address, port))
            stream.listen(16)

            def answer_datagrams() -> None:
                while True:
                    _, sender = datagrams.recvfrom(64)
                    datagrams.sendto(token.encode(), sender)

            threading.Thread(target=answer_datagrams, daemon=True).start()
            os.write(ready, b".")
            while True:
                connection, _ = stream.accept()
                threading.Thread(target=_converse, args=(connection, token), daemon=True).start()

        with self.serve(answer) as pid:
            yield pid

    def ask(self, address: str, port: int, udp: bool = False, seconds: float = 30) -> str:
        """The token that is told at an address, or the empty text where nobody tells one."""

        return self.run(lambda: _ask(address, port, udp, seconds))

    def answered(self, places: Iterable[tuple[str, int]], seconds: float) -> set[tuple[str, int]]:
        """Those of the places that tell a token; all are asked at once."""

        def asked() -> set[tuple[str, int]]:
            wanted = list(places)
            with ThreadPoolExecutor(len(wanted)) as pool:
                told = pool.map(lambda place: _ask(place[0], place[1], False, seconds), wanted)
                return {place for place, token in zip(wanted, told, strict=True) if token}

        return self.run(asked)


def _ask(address: str, port: int, udp: bool, seconds: float) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    with socket.socket(family, kind) as caller:
        caller.settimeout(seconds)
        place = socket.getaddrinfo(address, port, family, kind)[0][4]
        try:
            caller.connect(place)
            caller.sendall(b"token?\n")
            return caller.recv(64).decode()
        except OSError:
            return ""


def _converse(connection: socket.socket, token: str) -> None:
    """One answer a line, so that a test sees whether an open connection still lives."""
    with connection, contextlib.suppress(OSError):
        while connection.recv(64):
            connection.sendall(token.encode())
