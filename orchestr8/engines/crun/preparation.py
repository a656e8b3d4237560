"""What is laid out on the host for one box: its image, files, secrets, volumes and host paths.

Each is a mount that already is what the box shall see, below a folder that only root and the
box's own root can enter. The runtime binds it as it is; once the box runs the host's mounts are
dropped, and the box keeps its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path

from msgspec import Struct

from orchestr8.boxes.desired import Box
from orchestr8.engines.crun import stubs
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.crun.joins import Joined
from orchestr8.engines.crun.labels import Labels
from orchestr8.engines.crun.places import BoxPlaces
from orchestr8.engines.crun.situation import RANGE, Bind, host_id
from orchestr8.engines.crun.volumes import CrunVolumes
from orchestr8.engines.paths import require_plain
from orchestr8.engines.protocol import Contents
from orchestr8.engines.storage import SECRETS, scratch_of
from orchestr8.host import apparmor, mounts
from orchestr8.host.mounts import IdMap, RunFolder
from orchestr8.host.readiness import Readiness
from orchestr8.host.staging import Stage, Staging
from orchestr8.isolation import apparmor as profiles
from orchestr8.names import BoxId


class CrunPreparation(Struct, frozen=True, dict=True):
    """Prepares boxes of one installation."""

    run: RunFolder
    images: CrunImages
    volumes: CrunVolumes
    contents: Contents
    labels: Labels

    def ensure(self) -> None:
        """What all boxes need."""
        self._readiness.ensure()

    @cached_property
    def _readiness(self) -> Readiness:
        return Readiness(self.run)

    def lay_out(
        self, box: Box, places: BoxPlaces, joined: Joined, level: str = ""
    ) -> dict[str, Bind]:
        """Mounts everything; what to bind, by targets in the box.

        With one of SELinux's levels, what is ours is labelled for it. A path of the host keeps the
        label that it has.
        """
        bound = dict(self._stage(box))
        if level:
            self._label(box, level)
        for target, source, read_only, idmap in self._wanted(box):
            bound[target] = self._bind(places, source, target, read_only, idmap)
        bound |= joined.lay_out(box, partial(_place, places))
        self._show_image(box, places, bound, level)
        return {target: Bind(str(path), mounts.flags(path)) for target, path in bound.items()}

    def _show_image(
        self, box: Box, places: BoxPlaces, bound: Mapping[str, Path], level: str
    ) -> None:
        """The image under the box's own ids, with a place for everything that is mounted in it."""
        root = self.images.root(box.spec.image_id)
        folders = [target for target, path in bound.items() if path.is_dir()]
        lacks = stubs.missing(
            root,
            (*folders, *(item.path for item in scratch_of(box))),
            tuple(target for target in bound if target not in folders),
        )
        whole = IdMap(0, 0, box.uid_base, box.uid_base, RANGE)
        image = places.image if lacks else places.root
        mounts.attach(root, image, read_only=True, executable=True, idmap=whole)
        if lacks:
            places.stubs.mkdir(mode=0o755)
            stubs.lay_out(lacks, places.stubs, box.uid_base)
            if level:
                self.labels.image(places.stubs)
            places.root.mkdir(mode=0o700)
            mounts.attach_layers([places.stubs, places.image], places.root)

    def _label(self, box: Box, level: str) -> None:
        """Before anything of it is shown to the box."""
        self.labels.own(self.run.boxes / str(box.id), level)
        self.labels.image(self.images.root(box.spec.image_id))
        for volume in box.spec.volumes:
            self.labels.volume(Path(self.volumes.path(volume.volume)))

    def confine(self, strict: int) -> str:
        """Load the profile where it is missing, as after a reboot; its name."""
        name = profiles.profile_name(strict)
        apparmor.ensure(name, profiles.profile_text(strict))
        return name

    def names(self, box_id: BoxId) -> tuple[tuple[str, str], ...]:
        """What the hosts file says; nothing where there is none."""
        return Staging(self.run).names(box_id) or ()

    def release(self, box_id: BoxId) -> None:
        """Take back what was staged, and the label."""
        Staging(self.run).unstage(box_id)
        self.labels.levels.leave(box_id)

    def _wanted(self, box: Box) -> Iterator[tuple[str, Path, bool, IdMap | None]]:
        for volume in box.spec.volumes:
            yield (
                volume.target,
                Path(self.volumes.path(volume.volume)),
                volume.read_only,
                _seen_as_own(box, volume.owner_uid),
            )
        for shown in box.spec.profile.host_paths:
            source = Path(shown.source)
            require_plain(source)
            yield shown.target, source, shown.read_only, None

    def _stage(self, box: Box) -> Mapping[str, Path]:
        """Files that are shown by a mount which is as the box shall see them already."""
        spec = box.spec
        staged = Staging(self.run).stage(
            Stage(
                box.id,
                host_id(box, spec.uid),
                host_id(box, spec.gid),
                hostname=spec.hostname,
                address=box.address,
                names=box.names,
                files={file.target: self.contents.file(file.digest) for file in spec.files},
                secrets={
                    item.name: self.contents.secret(box.id.owner, item.name, item.digest)
                    for item in spec.secrets
                },
            )
        )
        found = {"/etc/hosts": staged.hosts, "/etc/resolv.conf": staged.resolver, **staged.files}
        if staged.secrets:
            found[SECRETS] = staged.secrets
        return found

    def _bind(
        self, places: BoxPlaces, source: Path, target: str, read_only: bool, idmap: IdMap | None
    ) -> Path:
        made = _place(places, target)
        mounts.attach(source, made, read_only=read_only, idmap=idmap)
        return made


def _place(places: BoxPlaces, target: str) -> Path:
    """Where what is bound at a target of the box is prepared."""
    return places.binds / hashlib.sha256(target.encode()).hexdigest()[:16]


def _seen_as_own(box: Box, owner_uid: int) -> IdMap | None:
    """How a volume whose content is another's is seen as the box's own."""
    own = host_id(box, box.spec.uid)
    if owner_uid in (0, own):
        return None
    return IdMap(owner_uid, owner_uid, own, own)
