"""Somebody at the other end: a process that becomes an account, then sends what it is given.

Run as root: `python -m tests.server.peer FOLDER UID GID GROUPS ROOT`. It enters the folder before
it becomes somebody, so that the socket is reached from wherever its root then is. Requests come as
lines of base64 and answers go so, after an empty line that says that it is ready.
"""

from __future__ import annotations

import base64
import os
import socket
import sys


def become(uid: int, gid: int, groups: list[int]) -> None:
    """This account, for good."""
    os.setgroups(groups)
    os.setgid(gid)
    os.setuid(uid)


def main() -> None:
    """Sends each request over a connection of its own."""
    folder, uid, gid, groups, root = sys.argv[1:]
    os.chdir(folder)
    if root:
        os.chroot(root)  # the working folder stays outside of it
    if uid:
        become(int(uid), int(gid), [int(one) for one in groups.split(",") if one])
    print(flush=True)
    for line in sys.stdin:
        came = b""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect("api.sock")
            peer.sendall(base64.b64decode(line))
            while piece := peer.recv(1 << 16):
                came += piece
        print(base64.b64encode(came).decode(), flush=True)


if __name__ == "__main__":
    main()
