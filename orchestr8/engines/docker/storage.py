"""What a box sees of files: scratch, staged files, secrets, volumes, paths of the host. Pure.

Every bind is prepared before with the options that it shall have, read-only where it is to be, and
sent as writable: older runtimes drop nosuid, nodev and noexec when they are told to make a bind
read-only.
"""

from __future__ import annotations

from typing import Any

from orchestr8.boxes.desired import Box
from orchestr8.engines.docker.situation import Situation
from orchestr8.engines.storage import INODES_LEAST, PAGE_BYTES, SECRETS, scratch_of
from orchestr8.isolation.profile import PRIVATE, Scratch

SHARED_MEMORY = "/dev/shm"

Body = dict[str, Any]


def scratch(box: Box, _: Situation) -> Body:
    """tmpfs by path; shared memory has a setting of its own, and is the peer's if ipc is joined."""
    host: Body = {"Tmpfs": {}}
    for item in scratch_of(box):
        if item.path == SHARED_MEMORY and not item.executable:
            if box.spec.profile.ipc == PRIVATE:
                host["ShmSize"] = item.size_bytes
        else:
            host["Tmpfs"][item.path] = _options(item, box)
    return {"HostConfig": host}


def _options(item: Scratch, box: Box) -> str:
    # the owner is said because older runtimes take the mode of the image's directory instead
    inodes = max(INODES_LEAST, item.size_bytes // PAGE_BYTES)
    return (
        f"rw,{'exec' if item.executable else 'noexec'},nosuid,nodev,size={item.size_bytes},"
        f"nr_inodes={inodes},mode={item.mode},uid={box.spec.uid},gid={box.spec.gid}"
    )


def files(box: Box, situation: Situation) -> Body:
    """Files of the manifest, and the two that name resolution reads."""
    staged = situation.staged
    sources = {"/etc/hosts": staged.hosts, "/etc/resolv.conf": staged.resolv_conf}
    sources |= {file.target: staged.files[file.target] for file in box.spec.files}
    return _binds(sources)


def secrets(box: Box, situation: Situation) -> Body:
    """One folder, if there are any."""
    return _binds({SECRETS: situation.staged.secrets} if box.spec.secrets else {})


def volumes(box: Box, situation: Situation) -> Body:
    """Prepared mounts of the volumes' contents."""
    return _binds({item.target: situation.staged.binds[item.target] for item in box.spec.volumes})


def host_paths(box: Box, situation: Situation) -> Body:
    """Prepared mounts of directories of the host."""
    asked = box.spec.profile.host_paths
    return _binds({item.target: situation.staged.binds[item.target] for item in asked})


def _binds(sources: dict[str, str]) -> Body:
    # never the string form: it splits at colons and makes missing sources
    return {
        "HostConfig": {
            "Mounts": [
                {
                    "Type": "bind",
                    "Source": source,
                    "Target": target,
                    "ReadOnly": False,
                    "BindOptions": {"Propagation": "rprivate", "NonRecursive": True},
                }
                for target, source in sources.items()
            ]
        }
    }
