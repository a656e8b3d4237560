"""IPv4 ranges and the next free address in one."""

from __future__ import annotations

from collections.abc import Set

from msgspec import Struct


def to_number(address: str) -> int:
    """`10.231.0.1` as the number that it is."""
    first, second, third, fourth = (int(part) for part in address.split("."))
    return first << 24 | second << 16 | third << 8 | fourth


def to_address(number: int) -> str:
    """A number as an address in dotted form."""
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


class Range(Struct, frozen=True):
    """The addresses that may be given out: neither the range's own, nor the gateway, nor the
    broadcast address."""

    first: int
    last: int

    @classmethod
    def of(cls, text: str) -> Range:
        """The usable addresses of `10.231.0.0/17`."""
        base, _, bits = text.partition("/")
        start = to_number(base)
        return cls(start + 2, start + (1 << 32 - int(bits)) - 2)

    def __len__(self) -> int:
        return self.last - self.first + 1

    def next_free(self, after: str, used: Set[str]) -> str:
        """The first free address after `after`, wrapping around; empty when none is left.

        Going on from the last one, instead of filling holes, keeps an address from belonging to
        another box moments after its former one went.
        """
        number = to_number(after) if after else self.first - 1
        for _ in range(len(self)):
            number = number + 1 if self.first <= number + 1 <= self.last else self.first
            address = to_address(number)
            if address not in used:
                return address
        return ""
