"""What a box on Docker sees: files, secrets, volumes, names, and commands that run in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.spec import SpecFile, SpecSecret, SpecVolume
from orchestr8.errors import RejectedError, TimedOutError
from orchestr8.isolation.profile import Device, HostPath
from orchestr8.manifest.model import CommandCheck, HttpCheck, TcpCheck
from tests.conformance.benches import DockerBench, said
from tests.conformance.promises import detail, promise
from tests.hosts.inside import executed
from tests.scenarios.fleet import eventually


@promise("boxes.create.prepares")
def test_files_and_secrets_are_there_and_closed(real: DockerBench) -> None:
    made = real.box(
        files=(SpecFile("/etc/app/app.toml", "digest-1"),), secrets=(SpecSecret("password", "d"),)
    )
    real.run(made)
    assert said(real, made, "cat", "/etc/app/app.toml") == "colour = blue"
    assert said(real, made, "cat", "/run/secrets/password") == "secret password of web"
    assert "Read-only" in said(real, made, "touch", "/run/secrets/other")
    status = said(real, made, "stat", "-c", "%u %a", "/run/secrets/password")
    assert status == f"{made.spec.uid} 400"
    command = ["cat", "/run/secrets/password"]
    _, refused = executed(real.client, str(made.id), command, user="7:7")
    assert b"Permission denied" in refused


@detail("boxes.write_names.in-place")
def test_names_are_seen_in_the_running_box(real: DockerBench) -> None:
    made = replace(real.box(networked=True), names=(("db.data", "10.231.128.9"),))
    real.run(made)
    assert "10.231.128.9 db.data" in said(real, made, "cat", "/etc/hosts")
    real.boxes.write_names(made.id, (("cache.data", "10.231.128.8"),))
    hosts = said(real, made, "cat", "/etc/hosts")
    assert "10.231.128.8 cache.data" in hosts and "db.data" not in hosts
    assert "nameserver" not in said(real, made, "cat", "/etc/resolv.conf")


@promise("volumes.ensure.once", "volumes.delete.asked-only")
def test_a_volume_is_its_owners_and_shown_to_another_as_its_own(real: DockerBench) -> None:
    owner, reader = real.box(), real.box(owner="data")
    volume = DesiredVolume(f"{real.installation}-rows", "web", "rows", owner.spec.uid)
    real.borders.volumes.ensure(volume)
    mine = SpecVolume("/data", volume.name, owner_uid=owner.spec.uid)
    owner = replace(owner, spec=replace(owner.spec, volumes=(mine,)))
    theirs = (
        replace(mine, target="/in", read_only=True),
        replace(mine, target="/shared"),
    )
    reader = replace(reader, spec=replace(reader.spec, volumes=theirs))
    real.run(owner)
    real.run(reader)
    assert said(real, owner, "sh", "-c", "echo one > /data/one && echo done") == "done"
    assert said(real, reader, "cat", "/in/one") == "one"
    assert said(real, reader, "stat", "-c", "%u", "/in/one") == str(reader.spec.uid)
    assert "Read-only" in said(real, reader, "touch", "/in/two")
    assert said(real, reader, "sh", "-c", "echo two > /shared/two && echo done") == "done"
    assert said(real, owner, "stat", "-c", "%u", "/data/two") == str(owner.spec.uid)
    assert said(real, owner, "sh", "-c", "cp /bin/sh /data/sh; /data/sh -c true").endswith(
        "Permission denied"
    )
    (seen,) = real.borders.volumes.volumes()
    content = Path(seen.path).stat()
    assert (content.st_uid, content.st_mode & 0o7777) == (owner.spec.uid, 0o700)
    # nobody's clean-up of unused volumes takes the content away
    real.client.prune_volumes({"label": f"orchestr8.installation={real.installation}"})
    assert said(real, owner, "cat", "/data/one") == "one"
    assert Path(seen.path, "one").exists()
    real.clear()
    real.borders.volumes.delete(volume.name)
    assert not Path(seen.path).exists()


@detail("boxes.create.prepares")
def test_a_path_of_the_host_is_shown_without_its_powers(real: DockerBench, tmp_path: Path) -> None:
    folder = Path("/run") / f"conformance-{real.installation}"
    folder.mkdir()
    (folder / "note").write_text("from the host\n")
    try:
        made = real.box(host_paths=(HostPath(str(folder), "/host"),))
        real.run(made)
        assert said(real, made, "cat", "/host/note") == "from the host"
        (line,) = [
            line
            for line in said(real, made, "cat", "/proc/self/mountinfo").splitlines()
            if " /host " in line
        ]
        assert {"ro", "nosuid", "nodev", "noexec"} <= set(line.split()[5].split(","))
        socket = real.box(host_paths=(HostPath(str(real.engine.socket), "/docker.sock"),))
        with pytest.raises(RejectedError, match="neither a directory nor a plain file"):
            real.boxes.create(socket)
        real.clear()
    finally:
        (folder / "note").unlink()
        folder.rmdir()


@promise("boxes.start.fails-closed")
def test_a_device_that_is_not_there_is_said(real: DockerBench) -> None:
    before = real.footprint()
    made = real.box(devices=(Device("/dev/absent"),))
    with pytest.raises(RejectedError, match="no device /dev/absent"):
        real.boxes.create(made)
        real.boxes.start(made.id)
    assert real.footprint() == before


@promise("exec.execute.running")
def test_a_command_has_the_boxs_whole_process_document(real: DockerBench) -> None:
    made = real.box(env=(("COLOUR", "blue"),), workdir="/usr")
    real.run(made)
    uid = str(made.spec.uid)
    status = said(real, made, "cat", "/proc/self/status")
    rows = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert rows["Uid"].split() == rows["Gid"].split() == [uid] * 4
    assert (rows["NoNewPrivs"], rows["Seccomp"]) == ("1", "2")
    assert {rows[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert said(real, made, "pwd") == "/usr"
    assert said(real, made, "sh", "-c", "echo $COLOUR") == "blue"


@detail("exec.execute.running")
def test_a_command_gives_status_and_both_outputs(real: DockerBench) -> None:
    made = real.box()
    real.run(made)
    result = real.boxes.execute(made.id, ["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (result.exit_status, result.stdout, result.stderr) == (7, b"out\n", b"err\n")
    absent = real.boxes.execute(made.id, ["/usr/bin/absent"])
    assert absent.exit_status in (126, 127)


@detail("exec.execute.running")
def test_a_commands_output_is_bounded(real: DockerBench) -> None:
    made = real.box()
    real.run(made)
    result = real.boxes.execute(made.id, ["sh", "-c", "head -c 3000000 /dev/zero; echo done >&2"])
    assert len(result.stdout) == 1 << 20
    assert (result.exit_status, result.stderr) == (0, b"done\n")


@detail("exec.execute.running")
def test_a_command_that_overruns_is_killed(real: DockerBench) -> None:
    made = real.box()
    found = real.run(made)
    began = time.monotonic()
    with pytest.raises(TimedOutError, match="did not end within 300 ms"):
        real.boxes.execute(made.id, ["sleep", "900"], 300)
    assert time.monotonic() - began < 600, "it was waited for"
    eventually(lambda: "sleep 900" not in said(real, made, "ps"), 60)
    assert real.see(made).pid == found.pid


@detail("probes.check.answer")
def test_probes_ask_inside_the_box(real: DockerBench) -> None:
    made = real.box()
    serving = ("/usr/bin/probe", "serve", "8080", "hello")
    made = replace(made, spec=replace(made.spec, entrypoint=serving))
    found = real.run(made)
    check, pid = real.borders.probes.check, found.pid or 0
    eventually(lambda: check(made.id, pid, TcpCheck(8080), 60_000) == "", 60)
    assert check(made.id, pid, TcpCheck(8081), 1_000)
    assert check(made.id, pid, HttpCheck(8080, "/"), 1_000)
    assert check(made.id, pid, CommandCheck(("/bin/true",)), 60_000) == ""
    failed = check(made.id, pid, CommandCheck(("sh", "-c", "echo broken; exit 3")), 60_000)
    assert failed == "the command ended with status 3: broken"
    slow = check(made.id, pid, CommandCheck(("sleep", "9")), 300)
    assert slow == "the command did not end within 300 ms"


@detail("exec.execute_attached.status")
def test_an_attached_command_takes_pipes(real: DockerBench) -> None:
    made = real.box()
    real.run(made)
    text = b"first\n" + b"x" * 300_000 + b"\nlast\n"
    done = subprocess.run(
        real.attach_command(made, "sh", "-c", "cat; echo problem >&2; test -t 0 || exit 5"),
        input=text, capture_output=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == (text, b"problem\n", 5)


@detail("exec.execute_attached.status")
def test_an_attached_command_is_a_terminal_where_we_have_one(real: DockerBench) -> None:
    made = real.box()
    real.run(made)
    script = "tty; stty size; read line; echo got $line; exit 6"
    command = real.attach_command(made, "sh", "-c", script)
    pid, terminal = pty.fork()
    if not pid:
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 33, 99, 0, 0))
    seen, typed = b"", False
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            seen += piece
            if b"/dev/pts/" in seen and not typed:
                os.write(terminal, b"hello\r")
                typed = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 6, seen
    assert b"got hello" in seen
