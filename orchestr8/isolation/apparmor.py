"""The profile that AppArmor holds every box to, where the kernel has it; one a version of STRICT.

It says again what other walls say: no mounts, no tracing across profiles, no writes to what is the
whole machine's in /proc and /sys. A wall that fails by an engine's fault still stands here. What a
relaxation may lower is left to the wall that it lowers, so that no box needs a profile of its own.
"""

from __future__ import annotations

import hashlib

PREFIX = "orchestr8"
_STRICT_1 = """\
@{PROC}=/proc/

profile NAME flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network unix,
  network inet,
  network inet6,
  network netlink,

  # how engines and their runtimes end a box; what is not confined may anyway
  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (send,receive) peer=NAME,
  ptrace (trace,read,tracedby,readby) peer=NAME,

  deny capability mac_admin,
  deny capability mac_override,
  deny mount,
  deny umount,
  deny pivot_root,

  # of /proc only what belongs to a process, of /proc/sys only shared memory's limits
  deny @{PROC}/* w,
  deny @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,
  deny @{PROC}/sys/[^k]** w,
  deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny @{PROC}/sysrq-trigger rwklx,
  deny @{PROC}/kcore rwklx,
  deny @{PROC}/kmsg rwklx,
  deny @{PROC}/kallsyms rwklx,

  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/kernel/security/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
}
"""
PROFILES = {1: _STRICT_1}


def profile_name(strict: int) -> str:
    """The profile's name, which has a hash of its text: one of that name is that profile."""
    digest = hashlib.sha256(PROFILES[strict].encode()).hexdigest()[:8]
    return f"{PREFIX}.strict-{strict}.{digest}"


def profile_text(strict: int) -> str:
    """The profile in the language of apparmor_parser; it includes nothing."""
    return PROFILES[strict].replace("NAME", profile_name(strict))


def is_profile(name: str, strict: int) -> bool:
    """Whether a profile is one that was made for this version of STRICT, by whichever release."""
    return name.startswith(f"{PREFIX}.strict-{strict}.")
