"""What runs inside boxes and beside them, so that both sides of a row run the same lines.

Each script prints the milliseconds, or microseconds where it says so, that it measured itself; the
start of an interpreter or of a command in a box is not in them.
"""

from __future__ import annotations

DISK = """\
import os, sys, time
path, doing = sys.argv[1], sys.argv[2]
block, blocks = os.urandom(1 << 20), 64
if doing == "write":
    began = time.perf_counter()
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for _ in range(blocks):
        os.write(opened, block)
    os.fsync(opened)
    os.close(opened)
else:
    opened, room = os.open(path, os.O_RDONLY), bytearray(block)
    os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
    began = time.perf_counter()
    while os.readv(opened, [room]):
        pass
    os.close(opened)
print((time.perf_counter() - began) * 1000)
"""

ECHO = """\
import socket, threading
listener = socket.create_server(("0.0.0.0", 9000))
def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while data := connection.recv(1 << 16):
            connection.sendall(data)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""

ROUND_TRIPS = """\
import socket, sys, time
connection = socket.create_connection((sys.argv[1], 9000))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
spent = []
for _ in range(3000):
    began = time.perf_counter()
    connection.sendall(b"x")
    connection.recv(1)
    spent.append(time.perf_counter() - began)
print(sorted(spent)[len(spent) // 2] * 1e6)
"""
