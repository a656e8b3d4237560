"""Faults to order: which call fails, when, how, and whether it had its effect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum


class When(Enum):
    """Where a call fails."""

    BEFORE = "before"
    """nothing was done"""
    AFTER = "after"
    """all was done and the answer was lost, as when a deadline passes or the caller is killed"""


@dataclass
class Fault:
    """One order: skip so many matching calls, then fail so many (None is for ever)."""

    call: str
    error: BaseException
    skip: int = 0
    times: int | None = 1
    subject: str = ""
    when: When = When.BEFORE

    def meets(self, call: str, subject: str) -> bool:
        """Whether this call fails now; counts it."""
        if self.call not in (call, "*") or self.subject not in ("", subject):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            if not self.times:
                return False
            self.times -= 1
        return True


@dataclass
class Faults:
    """The faults that are ordered, and a record of all calls as `(call, subject)`.

    Calls are named `boxes.create`, `images.fetch`, `network.change` and so on; the subject is a
    box id, a reference, a volume's or an owner's name.
    """

    orders: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, fault: Fault) -> None:
        """Let a coming call fail."""
        with self._lock:
            self.orders.append(fault)

    def clear(self) -> None:
        """From here on all goes well."""
        with self._lock:
            self.orders.clear()

    @contextmanager
    def during(self, call: str, subject: str = "") -> Iterator[None]:
        """Surround one call: record it, and fail before or after it as ordered."""
        with self._lock:
            self.calls.append((call, subject))
            met = next((fault for fault in self.orders if fault.meets(call, subject)), None)
        if met and met.when is When.BEFORE:
            raise met.error
        yield
        if met:
            raise met.error
