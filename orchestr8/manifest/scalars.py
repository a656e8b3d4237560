"""Readers of plain values: names, numbers, sizes, times, words, persons, ends.

Each takes the literal text and returns the typed value, or raises ValueError with a sentence:
what is wrong, then after "; " how to write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from orchestr8 import names, units
from orchestr8.isolation.limits import MEMORY_LEAST_BYTES
from orchestr8.manifest import hints, repository
from orchestr8.manifest.reads import WrongError
from orchestr8.manifest.wording import shortened

_DIGITS_MAX = 20
VOLUME_LEAST = 16 << 20

# Patterns as text: each is compiled when a manifest first has such a value.
_ENV_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_FILE_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_MEMBER = (
    r"(?:user|group):[A-Za-z_][A-Za-z0-9_.@-]{0,63}|token:[a-z0-9](?:[a-z0-9-]{0,39})|"
    + repository.KEY
)
_PERSON = r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,63})"
_URL = r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:/[!-~]*)?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?"
_ZONE = r"Z|[+-][0-9]{2}:[0-9]{2}"
_SIGNALS = (
    "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL",
)  # fmt: skip


def literal(text: str) -> str:
    """Any text, exactly as written; `${` is refused because people expect it to be replaced."""
    if "${" in text:
        raise WrongError(
            "${ is not replaced by anything: values are taken as they are written",
            "write the value itself; in a shell's own script write $NAME without braces",
        )
    return text


def language_version(text: str) -> int:
    """The version of the language; this program knows one."""
    if text != "1":
        raise ValueError(f'"{shortened(text)}" is no version of the language; write orchestr8: 1')
    return 1


def sentence_text(text: str) -> str:
    """A reason: one line of at most 400 characters, blanks folded."""
    folded = " ".join(literal(text).split())
    if not folded:
        raise ValueError("is empty; say why in a few words")
    if len(folded) > 400:
        raise ValueError("has more than 400 characters; say it shorter")
    return folded


def _name(length_max: int, example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        reason = names.name_problem(literal(text), length_max)
        if reason:
            raise WrongError(reason, hints.name_remedy(text, length_max, example))
        return text

    return read


_owner = _name(names.OWNER_LENGTH_MAX, "payments")
name = _name(names.NAME_LENGTH_MAX, "ledger")
_service = _name(names.SERVICE_LENGTH_MAX, "api")


def owner_name(text: str) -> str:
    """A team's name; the platform is none."""
    if text == names.PLATFORM:
        raise ValueError(f'"{text}" is whoever runs the machine; choose another name, as in ops')
    return _owner(text)


def bare_service_name(text: str) -> str:
    """A service's name where the owner is known from the top of the file."""
    service, dot, owner = text.partition(".")
    if dot and not names.name_problem(service) and not names.name_problem(owner):
        raise ValueError(
            f'"{shortened(text)}" has an owner in it, which is said once at the top of the file; '
            f"write {service}"
        )
    return _service(text)


def service_name(text: str) -> tuple[str, str]:
    """`service` or `service.owner` to (service, owner); the owner is empty where not written."""
    return _of_owner(text, names.SERVICE_LENGTH_MAX, "service")


def _of_owner(text: str, length_max: int, kind: str) -> tuple[str, str]:
    first, dot, owner = text.partition(".")
    reason = names.name_problem(first, length_max)
    if not reason and dot:
        reason = names.name_problem(owner, names.OWNER_LENGTH_MAX)
    if "." in owner:
        raise ValueError(f'"{shortened(text)}" has more than one dot; write {kind}.owner')
    if reason:
        parts = [hints.name_like(first, length_max)]
        parts += [hints.name_like(owner, names.OWNER_LENGTH_MAX)] if dot else []
        guess = ".".join(parts)
        usual = f"write {kind}.owner, or {kind} alone for one's own"
        raise WrongError(reason, f'did you mean "{guess}"?' if all(parts) else usual)
    return first, owner


def full_service_name(text: str) -> tuple[str, str]:
    """`service.owner`; the owner must be written."""
    service, owner = service_name(text)
    if not owner:
        raise ValueError(f'"{text}" names no owner; write service.owner, as in api.payments')
    return service, owner


def volume_name(text: str) -> tuple[str, str]:
    """`volume` or `volume.owner` to (volume, owner)."""
    if text.startswith(("/", "./", "~")):
        raise ValueError(
            f'"{text}" is a path, and a volume has a name; for a directory of the host see '
            "`orchestr8 explain relaxation fs.host-path`, for a file of the repository use `files`"
        )
    return _of_owner(text, names.NAME_LENGTH_MAX, "volume")


def link(text: str) -> tuple[tuple[str, str], int]:
    """`service:port` or `service.owner:port`."""
    service, colon, number = text.rpartition(":")
    if not colon:
        raise ValueError(f'"{text}" has no port; write service:port, as in db.data:5432')
    return service_name(service), port(number)


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A reader of plain decimal digits within a range."""

    def read(text: str) -> int:
        if re.fullmatch(r"0[0-9]+", text) and len(text) <= _DIGITS_MAX:
            raise ValueError(f'"{text}" has a leading zero; write {text.lstrip("0") or "0"}')
        if not re.fullmatch(r"0|-?[1-9][0-9]*", text) or len(text) > _DIGITS_MAX:
            raise ValueError(f'"{shortened(text)}" is not a whole number; write plain digits')
        if not least <= int(text) <= most:
            raise ValueError(f"{text} is out of range; it goes from {least} to {most}")
        return int(text)

    return read


_port = whole_number(1, 65_535)


def port(text: str) -> int:
    """One TCP port."""
    if "/" in text:
        raise ValueError(f'"{text}" names a protocol; ports are TCP: write the number alone')
    if re.fullmatch(r"[0-9]+-[0-9]+", text):
        raise ValueError(f'"{text}" is a range; write each port by itself')
    return _port(text)


def size(text: str) -> int:
    """A size above nothing."""
    if re.fullmatch("0+[A-Za-z]*|-[0-9]+[A-Za-z]*", text):
        raise ValueError(
            f'"{shortened(text)}" is no size; write one above 0, or leave the line out for the '
            "default"
        )
    return units.parse_size(text)


def volume_size(text: str) -> int:
    """The size of a volume: whole MiB, and enough for a file system."""
    found = size(text)
    if found < VOLUME_LEAST:
        raise ValueError(f"{shortened(text)} is too small for a file system; write 16MiB or more")
    if found % (1 << 20):
        raise ValueError(
            f"{shortened(text)} is not a whole number of MiB; write {-(-found >> 20)}MiB"
        )
    return found


def byte_rate(text: str) -> int:
    """Bytes a second."""
    try:
        return units.parse_byte_rate(text)
    except ValueError as error:
        raise ValueError(str(error).replace("?", "/s?")) from None


def bit_rate(text: str) -> int:
    """Bits a second."""
    bits = units.parse_bit_rate(text)
    if bits > 10**13:
        raise ValueError(f"{text} is more than any link carries; the most is 10000Gbit/s")
    return bits


def memory(text: str) -> int:
    """A size that a box can live in."""
    size_bytes = size(text)
    if size_bytes < MEMORY_LEAST_BYTES:
        raise ValueError(f"{text} is too little for a box; the least is 6MiB")
    return size_bytes


def cpu(text: str) -> int:
    """Cores to thousandths of one."""
    millicores = units.parse_cpu(text)
    if millicores > 1_024_000:
        raise ValueError(f"{text} cores are more than any machine has; the most is 1024")
    return millicores


def time_between(least: str, most: str) -> Callable[[str], int]:
    """A reader of times within a range, both ends written as times."""

    def read(text: str) -> int:
        milliseconds = units.parse_time(text)
        if not units.parse_time(least) <= milliseconds <= units.parse_time(most):
            raise ValueError(f"{text} is out of range; it goes from {least} to {most}")
        return milliseconds

    return read


def days(text: str) -> int:
    """A time in whole days."""
    milliseconds = time_between("1d", "365d")(text)
    if milliseconds % 86_400_000:
        raise ValueError(f"{text} is not a number of whole days; write it as in 30d")
    return milliseconds // 86_400_000


def word(*known: str) -> Callable[[str], str]:
    """A reader of one of a few words."""

    def read(text: str) -> str:
        if text not in known:
            meant = hints.nearest(text, known)
            guess = f'did you mean "{meant}"? ' if meant and len(known) > 1 else ""
            listed = " or ".join(known) if len(known) < 3 else ", ".join(known)
            listed += ", or leave the line out" if len(known) == 1 else ""
            raise ValueError(f'"{shortened(text)}" is not known here; {guess}write {listed}')
        return text

    return read


def signal(text: str) -> str:
    """A signal's name with SIG."""
    if text in _SIGNALS:
        return text
    if f"SIG{text.upper().removeprefix('SIG')}" in _SIGNALS:
        meant = f"SIG{text.upper().removeprefix('SIG')}"
        raise ValueError(f'"{text}" is not a signal\'s name; write {meant}')
    raise ValueError(f'"{shortened(text)}" is not a signal that ends a box; as in SIGTERM, SIGINT')


def env_name(text: str) -> str:
    """An environment variable's name."""
    if not re.fullmatch(_ENV_NAME, text) or len(text) > 128:
        raise ValueError(
            f'"{shortened(text)}" is not a variable\'s name; '
            "letters, digits and underscores, not a digit first"
        )
    return text


def secret_file(text: str) -> str:
    """The name of a file in the owner's folder of secrets."""
    if "/" in text or not re.fullmatch(_FILE_NAME, text) or len(text) > 128:
        raise ValueError(
            "is not a plain file name; a secret's file lies in the owner's folder of the host, "
            "/etc/orchestr8/secrets/OWNER/: write its name alone"
        )
    return text


def member(text: str) -> str:
    """Who belongs to an owner: `user:`, `group:`, `token:`, `ssh:SHA256:` or `gpg:`."""
    if not re.fullmatch(_MEMBER, text):
        raise ValueError(
            f'"{shortened(text)}" is not a member; write user:NAME, group:NAME, token:NAME, '
            + repository.KEY_WORDS
        )
    return text


def person(text: str) -> str:
    """Who approved something."""
    plain = text.removeprefix("user:")
    if not re.fullmatch(_PERSON, plain):
        raise ValueError(f'"{shortened(text)}" is not a person\'s name; write it as in ann')
    return plain


def url(text: str) -> str:
    """An address of the web, without a user or password in it."""
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise ValueError("has a user or a password in the address; take them out")
    if len(text) > 500 or not re.fullmatch(_URL, text):
        raise ValueError("is not an address of the web; write it as in https://hooks.example/web")
    return text


def until(text: str) -> str:
    """A date, or a time with its zone; as written. Whether it has passed is not asked here."""
    day, rest = text[:10], text[10:]
    if not re.fullmatch(_DATE, day):
        raise ValueError(
            f'"{shortened(text)}" is not a date; write it as in 2027-02-28 (its end, UTC) '
            "or 2027-02-28T18:00Z"
        )
    try:
        date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"{day} is not in the calendar; write a day that exists") from None
    if not rest:
        return text
    clock = re.match(_TIME, rest)
    if not clock:
        raise ValueError(f'"{shortened(text)}" is not a time; write it as in 2027-02-28T18:00Z')
    zone = rest[clock.end() :]
    if not zone:
        raise ValueError(f"{text} has no zone; write {text}Z for UTC, or an offset as in +02:00")
    if not re.fullmatch(_ZONE, zone):
        raise ValueError(f'"{shortened(text)}" is not a time; write it as in 2027-02-28T18:00Z')
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise ValueError(f"{text} is not a time of the clock; write one that exists") from None
    except OverflowError:  # the first or last hours of all years, elsewhere
        raise ValueError(f"{text} is not in the calendar; write a day that exists") from None
    return text
