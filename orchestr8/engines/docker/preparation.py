"""The host's hand in the words of translations: staging, binds, owners' cgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from orchestr8.boxes.desired import Box
from orchestr8.engines.docker.situation import Bind, Staged
from orchestr8.engines.paths import require_plain
from orchestr8.host import apparmor, selinux
from orchestr8.host.cgroups import owner_cgroup
from orchestr8.host.mounts import Binds, IdMap, RunFolder
from orchestr8.host.readiness import Readiness
from orchestr8.host.staging import Stage, Staging
from orchestr8.isolation import apparmor as profiles
from orchestr8.isolation import selinux as labels
from orchestr8.names import BoxId


class HostPreparation(Struct, frozen=True, dict=True):
    """Prepares boxes of one installation in its run folder."""

    installation: str
    run: RunFolder

    @cached_property
    def _readiness(self) -> Readiness:
        return Readiness(self.run)

    def stage(self, box: Box, files: Mapping[str, bytes], secrets: Mapping[str, bytes]) -> Staged:
        """Write a box's files and secrets; the paths that the engine binds from."""
        self._readiness.ensure()
        staged = Staging(self.run).stage(
            Stage(
                box.id,
                box.spec.uid,
                box.spec.gid,
                hostname=box.spec.hostname,
                address=box.address,
                names=box.names,
                files=files,
                secrets=secrets,
            )
        )
        return Staged(
            hosts=str(staged.hosts),
            resolv_conf=str(staged.resolver),
            files={target: str(path) for target, path in staged.files.items()},
            secrets=str(staged.secrets or ""),
        )

    def is_staged(self, box_id: BoxId) -> bool:
        """Whether anything is staged for a box."""
        return Staging(self.run).holds(box_id)

    def bind(self, box_id: BoxId, bind: Bind) -> str:
        """Mount a directory or file as the box shall have it."""
        source = Path(bind.source)
        require_plain(source)
        idmap = None
        if bind.owner_uid is not None and bind.owner_uid != bind.uid:
            idmap = IdMap(bind.owner_uid, bind.owner_uid, bind.uid, bind.uid)
        made = Binds(self.run).bind(box_id, source, read_only=bind.read_only, idmap=idmap)
        return str(made)

    def names(self, box_id: BoxId) -> tuple[tuple[str, str], ...]:
        """What the hosts file says; nothing where there is none."""
        return Staging(self.run).names(box_id) or ()

    def write_names(self, box_id: BoxId, names: Sequence[tuple[str, str]]) -> None:
        """Rewrite the hosts file in place."""
        Staging(self.run).rewrite_names(box_id, names)

    def slot(self, box_id: BoxId) -> int | None:
        """The slot that was kept beside what is staged."""
        return Staging(self.run).slot(box_id)

    def keep_slot(self, box_id: BoxId, slot: int) -> None:
        """Keep a slot beside what is staged."""
        Staging(self.run).keep_slot(box_id, slot)

    def release(self, box_id: BoxId) -> None:
        """Take back all that was staged and mounted."""
        Binds(self.run).release(box_id)
        Staging(self.run).unstage(box_id)

    def confine(self, strict: int) -> str:
        """Load the profile where it is missing, as after a reboot."""
        name = profiles.profile_name(strict)
        apparmor.ensure(name, profiles.profile_text(strict))
        return name

    def share(self, box_id: BoxId, volumes: Sequence[str]) -> None:
        """One label for what is staged, since the engine chooses the box's own level."""
        for place in (self.run.boxes / str(box_id), *map(Path, volumes)):
            selinux.label(place, labels.SHARED_FILES)

    def owner_cgroup(self, owner: str, driver: str) -> str:
        """The owner's cgroup as a container's parent."""
        return owner_cgroup(self.installation, owner, driver)
