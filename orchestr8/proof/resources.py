"""Claims about the cgroups: the box's limits, its owner's quota, and where the box sits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestr8.proof.claim import Answer, Claim, broken, failure, held, unproven
from orchestr8.proof.model import Expectation, Reading
from orchestr8.units import format_cores, format_cpu, format_size, parse_cores

CORES = "cpuset.cpus.effective"
_PAGE = 65_536  # the largest page: the kernel rounds a limit to pages


def _at_most(files: Mapping[str, str], name: str, most: int, expected: str, why: str) -> Answer:
    """A control file holds a number, and no more than `most`."""
    text = files.get(name)
    if text is None:
        return unproven(expected, why or f"no {name}")
    if text == "max":
        return broken(expected, "no limit")
    if not text.isdecimal():
        return unproven(expected, f"{name} says {text[:40]}")
    return held(expected, text) if int(text) <= most else broken(expected, text)


def _cpu_at_most(files: Mapping[str, str], most: int, why: str) -> Answer:
    expected = format_cpu(most)
    words = files.get("cpu.max", "").split()
    if len(words) != 2:
        return unproven(expected, why or "no cpu.max")
    if words[0] == "max":
        return broken(expected, "no limit")
    if not all(word.isdecimal() and int(word) for word in words):
        return unproven(expected, f"cpu.max says {' '.join(words)[:40]}")
    quota, period = map(int, words)
    observed = f"{quota} of every {period} microseconds"
    # an engine rounds its quota to microseconds
    good = (quota - 1) * 1000 < most * period
    return held(expected, observed) if good else broken(expected, observed)


def _memory(expectation: Expectation, reading: Reading) -> Answer:
    most = expectation.limits.memory_max_bytes
    why = failure(reading, "tasks", "cgroup")
    return _at_most(reading.cgroup, "memory.max", most, format_size(most), why)


def _swap(_: Expectation, reading: Reading) -> Answer:
    why = failure(reading, "tasks", "cgroup") or "this kernel does not account for swap"
    return _at_most(reading.cgroup, "memory.swap.max", 0, "0", why)


def _cpu(expectation: Expectation, reading: Reading) -> Answer:
    why = failure(reading, "tasks", "cgroup")
    return _cpu_at_most(reading.cgroup, expectation.limits.cpu_max_millicores, why)


def _weight(reading: Reading, cpu: int, why: str) -> Answer:
    """A weight of 100 a core: in proportion to the quotas of the others."""
    weight = min(max(cpu // 10, 1), 10_000)
    text = reading.owner_cgroup.get("cpu.weight")
    if text is None:
        return unproven(str(weight), why or "no cpu.weight")
    return held(str(weight), text) if text == str(weight) else broken(str(weight), text)


def _pids(expectation: Expectation, reading: Reading) -> Answer:
    most = expectation.limits.pids_max
    why = failure(reading, "tasks", "cgroup")
    return _at_most(reading.cgroup, "pids.max", most, str(most), why)


def cores_of(reading: Reading) -> frozenset[int] | None:
    """The cores on which a box may run; None where nobody says, or says what is no such list."""
    try:
        return frozenset(parse_cores(reading.cgroup.get(CORES, ""))) or None
    except ValueError:
        return None


def _dedicated(expectation: Expectation, reading: Reading) -> Answer:
    """As many cores as it shall have for itself, and no others."""
    asked, cores = expectation.limits.dedicated_cores or 0, cores_of(reading)
    expected = _counted(asked)
    if cores is None:
        return unproven(expected, failure(reading, "tasks", "cgroup") or f"no {CORES}")
    observed = f"{_counted(len(cores))}: {format_cores(cores)}"
    return held(expected, observed) if len(cores) == asked else broken(expected, observed)


def _counted(number: int) -> str:
    """`1 core`, `2 cores`."""
    return f"{number} core{'s' * (number != 1)}"


def _place(expectation: Expectation, reading: Reading) -> Answer:
    """The box's cgroup lies right below its owner's, below orchestr8's.

    On hosts with systemd the owner's is a slice, whose name has each hyphen of the owner escaped.
    """
    owner = expectation.id.owner
    expected = f"below {owner}'s"
    parts = reading.cgroup_path.split("/")
    if not reading.cgroup_path:
        return unproven(expected, failure(reading, "tasks", "cgroup"))
    if len(parts) < 3:
        return broken(expected, reading.cgroup_path)
    above = parts[-2]
    escaped = owner.replace("-", "\\x2d")
    is_slice = above.startswith("orchestr8") and above.endswith(f"-{escaped}.slice")
    is_folder = above == owner and any(part.startswith("orchestr8") for part in parts[:-2])
    good = is_slice or is_folder
    return held(expected, f"below {above}") if good else broken(expected, reading.cgroup_path)


def _quota(
    asked: Callable[[Expectation], int | None], answer: Callable[[Reading, int, str], Answer]
) -> Callable[[Expectation, Reading], Answer]:
    def check(expectation: Expectation, reading: Reading) -> Answer:
        most = asked(expectation)
        assert most is not None  # the claim applies only then
        return answer(reading, most, failure(reading, "tasks", "owner's cgroup"))

    return check


def _quota_claim(
    name: str,
    what: str,
    asked: Callable[[Expectation], int | None],
    answer: Callable[[Reading, int, str], Answer],
) -> Claim:
    return Claim(
        f"quota.{name}",
        f"its owner's boxes together cannot exceed {what}",
        ("quota",),
        _quota(asked, answer),
        lambda expectation: asked(expectation) is not None,
    )


RESOURCE_CLAIMS = (
    Claim("limits.memory", "memory cannot exceed", ("limits",), _memory),
    Claim("limits.swap", "no swap", ("limits",), _swap),
    Claim("limits.cpu", "cpu time cannot exceed", ("limits",), _cpu),
    Claim(
        "limits.cores",
        "it runs on its dedicated cores",
        ("limits",),
        _dedicated,
        lambda expectation: bool(expectation.limits.dedicated_cores),
    ),
    Claim("limits.pids", "processes cannot exceed", ("limits",), _pids),
    Claim("owner", "its cgroup lies below its owner's", ("quota",), _place),
    _quota_claim(
        "memory",
        "their memory",
        lambda expectation: expectation.quota.memory_bytes,
        lambda reading, most, why: _at_most(
            reading.owner_cgroup, "memory.max", most, format_size(most), why
        ),
    ),
    _quota_claim(
        "cpu",
        "their cpu time",
        lambda expectation: expectation.quota.cpu_millicores,
        lambda reading, most, why: _cpu_at_most(reading.owner_cgroup, most, why),
    ),
    Claim(
        "quota.weight",
        "where cores are contended, its owner gets them by its quota",
        ("quota",),
        _quota(lambda expectation: expectation.quota.cpu_millicores, _weight),
        lambda expectation: expectation.quota.cpu_millicores is not None,
    ),
    _quota_claim(
        "pids",
        "their processes",
        lambda expectation: expectation.quota.pids,
        lambda reading, most, why: _at_most(reading.owner_cgroup, "pids.max", most, str(most), why),
    ),
)
