"""What a translation must know beside the box itself, and what prepares it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from orchestr8.boxes.desired import Box
from orchestr8.contract.model import ImageFacts
from orchestr8.names import BoxId


class Staged(Struct, frozen=True):
    """Where a box's prepared files lie on the host, read-only already.

    `files` leads from a target in the box to a path; `secrets` is a folder or empty; `binds` leads
    from the target of a volume or host path to its prepared mount.
    """

    hosts: str
    resolv_conf: str
    files: Mapping[str, str] = field(default_factory=dict)
    secrets: str = ""
    binds: Mapping[str, str] = field(default_factory=dict)


class Situation(Struct, frozen=True):
    """Engine, host, image and peers of one box at its creation.

    `joined` leads from a namespace (pid, net, ipc) to the container that is joined. `also_masked`
    are paths that only this machine has; `ipv6` whether its kernel has that at all; `state_folder`
    is where the box's installation keeps its store, for whoever finds the box alone. `apparmor` is
    the profile's name, or empty where the kernel or the engine has none.
    """

    installation: str
    architecture: str
    cgroup_parent: str
    network: str
    image: ImageFacts
    staged: Staged
    apparmor: str = ""
    ipv6: bool = True
    joined: Mapping[str, str] = field(default_factory=dict)
    also_masked: tuple[str, ...] = ()
    state_folder: str = ""


class Bind(Struct, frozen=True):
    """A directory to be prepared for a box: nosuid, nodev and noexec always.

    `owner_uid` is the uid that owns the content on the host, or None where it is left as it is;
    the box, whose uid is `uid`, sees the content as its own.
    """

    source: str
    target: str
    read_only: bool
    uid: int
    owner_uid: int | None = None


class Preparation(Protocol):
    """What the host does for a box before its container exists, and takes back after it."""

    def stage(self, box: Box, files: Mapping[str, bytes], secrets: Mapping[str, bytes]) -> Staged:
        """Write a box's files, by target, and secrets, by name, for its uid and gid."""

    def is_staged(self, box_id: BoxId) -> bool:
        """Whether anything is staged for a box."""

    def bind(self, box_id: BoxId, bind: Bind) -> str:
        """Mount a directory as the box shall have it; the path of the mount."""

    def names(self, box_id: BoxId) -> tuple[tuple[str, str], ...]:
        """The service names and addresses in the box's hosts file now."""

    def write_names(self, box_id: BoxId, names: Sequence[tuple[str, str]]) -> None:
        """Rewrite the hosts file in place."""

    def slot(self, box_id: BoxId) -> int | None:
        """The slot that was kept for a box, if any."""

    def keep_slot(self, box_id: BoxId, slot: int) -> None:
        """Keep the slot of a box that was made without one."""

    def release(self, box_id: BoxId) -> None:
        """Take back all that was staged and mounted for a box; the absent is fine."""

    def confine(self, strict: int) -> str:
        """Have AppArmor's profile of a version of STRICT in force; its name."""

    def share(self, box_id: BoxId, volumes: Sequence[str]) -> None:
        """Have SELinux let boxes at what is staged for one, and at these folders of volumes."""

    def owner_cgroup(self, owner: str, driver: str) -> str:
        """The owner's cgroup as a container's parent, for the driver cgroupfs or systemd."""
