"""Runs commands inside the virtual machine; its unit starts it at every boot.

One JSON document a line comes through the machine's serial port, {"command": ..., "text": its
input, "timeout": seconds}, and one goes back, {"status": ..., "output": ...}. Standard library
only.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys


def answer(request: dict[str, object]) -> dict[str, object]:
    """What became of one command; both its streams are one text."""
    try:
        done = subprocess.run(
            ["sh", "-c", str(request["command"])],
            input=str(request["text"]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=float(str(request["timeout"])), text=True, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode(errors="replace") if error.stdout else ""
        return {"status": 124, "output": output}
    except OSError as error:
        return {"status": 127, "output": str(error)}
    return {"status": done.returncode, "output": done.stdout}


def send(line: io.RawIOBase, data: bytes) -> None:
    """Writes all of it: one write takes no more than the port has room for."""
    left = memoryview(data)
    while left:
        left = left[line.write(left) or 0 :]


def main(port: str) -> None:
    """Greets, then answers until the machine goes down."""
    with open(port, "r+b", buffering=0) as line:  # noqa: PTH123 (a device, not a file)
        send(line, b'{"status": 0, "output": "ready"}\n')
        pending = b""
        while True:
            pending += line.read(65_536) or b""
            while b"\n" in pending:
                text, pending = pending.split(b"\n", 1)
                send(line, json.dumps(answer(json.loads(text))).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
