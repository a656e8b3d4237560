"""This host as the crun engine meets it: its programs, and what is enforced."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from functools import cached_property

from msgspec import Struct

from orchestr8.engines import this_kernel
from orchestr8.engines.crun import installed
from orchestr8.engines.image_facts import architecture
from orchestr8.errors import FeatureMissingError
from orchestr8.host import apparmor, hierarchies, selinux, volume_images
from orchestr8.isolation import features
from orchestr8.isolation import selinux as labels
from orchestr8.isolation.features import Features

OLDEST = (1, 8, 1)

_WHY_MISSING = {
    features.CPU_GUARANTEE: (
        "it weighs among the boxes of one owner only; between owners it counts at admission"
    ),
    features.IO: "limits on block devices are not built yet",
    features.BANDWIDTH: "traffic control is not built yet",
    features.EDGE: "edges are not built yet",
    features.MEMORY_GUARANTEE: (
        "cgroup v1 has no memory.low; it counts at admission, and `serve` keeps it within a quota"
    ),
}


class Tools(Struct, frozen=True):
    """The programs, by their full paths."""

    crun: str = "/usr/bin/crun"
    conmon: str = "/usr/bin/conmon"


class CrunMachine(Struct, frozen=True, dict=True):
    """Facts about the host; they do not change while it runs."""

    tools: Tools

    @cached_property
    def architecture(self) -> str:
        """The processor, in the words of images."""
        return architecture(platform.machine())

    @cached_property
    def unified(self) -> bool:
        """Whether all controllers are on cgroup v2: then the runtime joins a box's group."""
        trees = hierarchies.by_controller()
        return all(trees[name].version == 2 for name in ("memory", "cpu", "pids") if name in trees)

    @cached_property
    def apparmor(self) -> bool:
        """Whether boxes get a profile of ours."""
        return apparmor.enabled()

    @cached_property
    def why_no_selinux(self) -> str:
        """Why boxes get no labels of SELinux; empty where they do."""
        return selinux.missing(labels.NEEDED)

    @cached_property
    def features(self) -> Features:
        """What is enforced here, and why not what is not."""
        missing = dict(_WHY_MISSING)
        if self.why_no_selinux:
            missing[features.OWN_LABEL] = self.why_no_selinux
            if not self.apparmor:
                missing[features.LSM] = f"AppArmor is not in force here; {self.why_no_selinux}"
        why = volume_images.missing()
        if why:
            missing[features.VOLUME_SIZE] = why
        if self.unified:
            del missing[features.MEMORY_GUARANTEE]
        here = this_kernel.cores()
        if not here:
            missing[features.CORES] = this_kernel.NO_CORES
        return Features(
            engine="crun",
            present=features.ALL - set(missing),
            why_missing=missing,
            cpu_millicores=(os.cpu_count() or 0) * 1000 or None,
            memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            architecture=self.architecture,
            cores=here,
        )


def found_tools() -> Tools:
    """The programs on this host; raises FeatureMissingError for what is missing or too old."""
    crun, conmon = _found("crun"), _found("conmon")
    said = subprocess.run([crun, "--version"], capture_output=True, text=True, check=False).stdout
    require_recent(said)
    return Tools(crun, conmon)


def _found(name: str) -> str:
    found = installed.found(name)
    if not found:
        raise FeatureMissingError(f"the program {name} is not installed", f"apt-get install {name}")
    return found


def require_recent(said: str) -> None:
    """Raises FeatureMissingError where `crun --version` said that it is older than was tried."""
    version = version_of(said)
    if version < OLDEST:
        named = ".".join(map(str, version)) if any(version) else "of an unknown version"
        raise FeatureMissingError(
            f"crun {named} is too old", f"install crun {'.'.join(map(str, OLDEST))} or later"
        )


def version_of(said: str) -> tuple[int, ...]:
    """The version in what `crun --version` said; zeros where there is none."""
    match = re.search(r"version (\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in match.groups()) if match else (0, 0, 0)
