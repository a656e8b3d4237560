"""Attempts by name: a row of the known attack classes, what is tried, and how it must fail.

Each is a few lines of Python that run inside the box. `libc` calls are made by `call(name, ...)`
and raise OSError; an attempt that ends without one has succeeded. `needs` names what this machine
must have for the attempt to mean anything, `control` says that it succeeds in a container without
walls: so it is the wall that stops it, and not a mistake in the attempt.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

EPERM, EACCES, EROFS, ENOSYS = errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS
EAFNOSUPPORT, ENOENT, ESRCH, ENOSPC = errno.EAFNOSUPPORT, errno.ENOENT, errno.ESRCH, errno.ENOSPC
ENXIO, EAGAIN, ENETUNREACH, EINVAL = errno.ENXIO, errno.EAGAIN, errno.ENETUNREACH, errno.EINVAL

PRELUDE = """
import ctypes, errno, os, platform, signal, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def checked(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
def call(name, *arguments):
    return checked(getattr(libc, name)(*arguments))
def number(amd64, arm64, *arguments):
    chosen = amd64 if platform.machine() == "x86_64" else arm64
    return checked(libc.syscall(ctypes.c_long(chosen), *arguments))
NULL = None
def write(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
def empty(path):
    with open(path, "rb") as file:
        if file.read(1):
            return
    raise OSError(errno.ENODATA, "nothing to read")
def nothing(found):
    if not found:
        raise OSError(errno.ENODATA, "nothing there")
"""


@dataclass(frozen=True)
class Attempt:
    """One attempt; `fails` are the error numbers with which it may fail."""

    row: str
    code: str
    fails: tuple[int, ...] = (EPERM,)
    control: bool = True


def _simple(row: str, code: str, *fails: int, control: bool = False) -> Attempt:
    return Attempt(row, code, fails or (EPERM,), control)


_RUNTIME = "runtime overwritten through /proc/self/exe (CVE-2019-5736)"
_DESCRIPTORS = "leaked descriptors, and a working folder outside (CVE-2024-21626)"
_MASK_LINKS = "mask whose target is a link (CVE-2025-31133)"
_CONSOLE = "console that is a link (CVE-2025-52565)"
_FAKE_PROC = "label written to a fake procfs (CVE-2025-52881, CVE-2019-19921)"
_IMAGE_DEV = "/dev brought by the image (CVE-2026-41579, CVE-2026-88264, CVE-2026-88265)"
_EXCHANGE = (
    "links in the targets of mounts "
    "(CVE-2021-30465, CVE-2023-27561, CVE-2024-45310, CVE-2019-16884)"
)
_NAMESPACES = "release_agent by an unprivileged user namespace (CVE-2022-0492)"
_RELEASE_AGENT = "release_agent with SYS_ADMIN"
_WRITES = "core_pattern, modprobe path, uevent_helper, sysrq"
_SOCKET = "engine socket mounted"
_API = "exposed API of the engine"
_OTHERS = "shared pid namespace: ptrace, memory, what others are"
_ABSTRACT = "abstract sockets of the host's daemons (CVE-2020-15257)"
_KEYRING = "kernel keyring shared by uid"
_SURFACE = (
    "userfaultfd, io_uring, bpf, perf, fsconfig (CVE-2022-0185), nf_tables (CVE-2024-1086), "
    "AF_ALG (CVE-2026-31431), AF_VSOCK"
)
_PAGES = "page cache writes (CVE-2022-0847)"
_HANDLES = "open_by_handle_at (shocker)"
_DEVICES = "raw device, mknod"
_LEAKS = "/proc/kcore, /dev/mem, kmsg and what else tells of the host"
_TERMINAL = "TIOCSTI into a shared terminal"
_SPOOFING = "ARP, RA and DNS spoofing, sniffing (CVE-2020-13401, CVE-2020-14386)"
_METADATA = "metadata service, services of the host"
_DNS = "DNS exfiltration (CVE-2024-29018)"
_EXHAUST = "memory, disk and inode exhaustion"
_SET_UID = "set-uid and other new programs (CVE-2021-41091)"
_GROUPS = "supplementary groups kept by accident (CVE-2022-36109)"
_INHERITED = "inheritable capabilities left (CVE-2022-24769, CVE-2022-27650)"
_EXEC = "health check or exec as root"
_TIME = "time and clock tampering"
_ROOT = "root that can be written to"
_PRIVILEGE = "privileges got back"
ALONE = (_EXHAUST,)
"""Rows whose attempts leave a box behind that is no good for others."""

ATTEMPTS: dict[str, Attempt] = {
    # the runtime
    "write to the running program": _simple(
        _RUNTIME, "os.open('/proc/1/exe', os.O_WRONLY)", EACCES, EROFS, errno.ETXTBSY),
    "reach the host through a descriptor": _simple(
        _DESCRIPTORS,
        "nothing([n for n in os.listdir('/proc/1/fd')"
        " if os.path.isdir(f'/proc/1/fd/{n}') and int(n) != 3])", errno.ENODATA),
    "leave by the working folder": _simple(
        _DESCRIPTORS,
        "os.chdir('/proc/1/cwd'); os.chdir('../../..')\n"
        "nothing([p for p in ('/proc/1/root/boot', '/boot', '../boot') if os.path.exists(p)])",
        errno.ENODATA),
    # what a runtime does on the way
    "put a link where a mask goes": _simple(
        _MASK_LINKS, "os.symlink('/proc/sys/kernel/core_pattern', '/dev/mask')", EACCES, EROFS,
        control=True),
    "put another file in the null device's place": _simple(
        _MASK_LINKS, "os.rename('/dev/null', '/dev/none')", EACCES, EROFS, errno.EBUSY),
    "make the console a link": _simple(
        _CONSOLE, "os.symlink('/dev/pts/0', '/dev/console')", EACCES, EROFS, control=True),
    "find the console": _simple(_CONSOLE, "os.stat('/dev/console')", ENOENT),
    "cover a folder of /proc": _simple(
        _FAKE_PROC, "call('mount', b'x', b'/proc/tty', b'tmpfs', 0, NULL)", control=True),
    "say another label": _simple(
        _FAKE_PROC, "write('/proc/self/attr/current', 'unconfined')",
        EINVAL, EPERM, EACCES, ENOENT),
    "find the image's own /dev": _simple(
        _IMAGE_DEV, "nothing(os.stat('/dev').st_dev == os.stat('/').st_dev)", errno.ENODATA),
    "put a link where a mount goes": _simple(
        _EXCHANGE, "os.symlink('/proc', '/target')", EROFS, EACCES, control=True),
    "move a mount's folder away": _simple(
        _EXCHANGE, "os.rename('/tmp', '/elsewhere')", EROFS, EACCES, errno.EBUSY),
    # masks
    **{f"read {path}": _simple(_LEAKS, f"empty({path!r})", errno.ENODATA, ENOENT, EPERM, EACCES,
                               control=path == "/proc/kallsyms")
       for path in ("/proc/kcore", "/proc/keys", "/proc/kallsyms", "/proc/timer_list",
                    "/proc/kmsg", "/proc/slabinfo", "/proc/interrupts", "/proc/config.gz",
                    "/dev/mem", "/dev/kmsg")},
    **{f"list {path}": _simple(_LEAKS, f"nothing(os.listdir({path!r}))", errno.ENODATA, ENOENT,
                               control=path == "/sys/kernel")
       for path in ("/sys/firmware", "/sys/kernel", "/sys/module", "/proc/acpi", "/sys/fs/bpf")},
    "unmask by a mount": _simple(_LEAKS, "call('umount2', b'/proc/kcore', 2)", EPERM, EINVAL),
    "read the kernel's log": _simple(
        _LEAKS, "call('klogctl', 3, ctypes.create_string_buffer(99), 99)", control=True),
    # namespaces and mounts
    **{f"unshare {name}": _simple(_NAMESPACES, f"call('unshare', {flag:#x})", control=True)
       for name, flag in (("user", 0x10000000), ("mnt", 0x20000), ("net", 0x40000000),
                          ("pid", 0x20000000), ("cgroup", 0x2000000))},
    "clone with a user namespace": _simple(
        _NAMESPACES, "pid = number(56, 220, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)\n"
        "os._exit(0) if pid == 0 else os.waitpid(pid, 0)", EPERM, ENOSYS, control=True),
    "clone3": _simple(_NAMESPACES, "number(435, 435, ctypes.create_string_buffer(88), 88)", ENOSYS),
    "enter a namespace": _simple(
        _NAMESPACES, "call('setns', os.open('/proc/self/ns/net', os.O_RDONLY), 0)", control=True),
    "mount a tmpfs": _simple(_NAMESPACES, "call('mount', b'x', b'/tmp', b'tmpfs', 0, NULL)",
                             control=True),
    "mount a cgroup to write release_agent": _simple(
        _RELEASE_AGENT, "call('mount', b'x', b'/tmp', b'cgroup', 0, b'memory')"),
    "make root writable": _simple(
        _NAMESPACES, "call('mount', NULL, b'/', NULL, 0x20 | 0x1000, NULL)", control=True),
    "change the root folder": _simple(_NAMESPACES, "call('chroot', b'/tmp')", control=True),
    "open a file system": _simple(_SURFACE, "number(430, 430, b'ext4', 0)"),
    "open a file by its handle": _simple(
        _HANDLES, "number(304, 265, 0, ctypes.create_string_buffer(64), 0)"),
    # the kernel's switches
    **{f"write to {path}": _simple(_WRITES, f"write({path!r}, {text!r})",
                                   EROFS, EACCES, ENOENT, EPERM)
       for path, text in (
           ("/proc/sys/kernel/core_pattern", "|/tmp/x"), ("/proc/sys/kernel/modprobe", "/tmp/x"),
           ("/proc/sysrq-trigger", "h"), ("/sys/kernel/uevent_helper", "/tmp/x"),
           ("/proc/sys/vm/overcommit_memory", "1"), ("/proc/sys/net/ipv4/ip_forward", "1"),
           ("/proc/self/oom_score_adj", "-1000"),
           ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1"),
           ("/sys/fs/cgroup/memory.max", "max"), ("/sys/fs/cgroup/cgroup.procs", "0"))},
    "make a folder among the cgroups": _simple(
        _RELEASE_AGENT, "os.mkdir('/sys/fs/cgroup/x')", EROFS, EACCES, ENOENT),
    "write to /sys/fs/cgroup/memory/release_agent": _simple(
        _RELEASE_AGENT, "write('/sys/fs/cgroup/memory/release_agent', '/tmp/x')",
        EROFS, EACCES, ENOENT, EPERM),
    # files
    **{f"write to {path or '/'}": _simple(_ROOT,
                                   f"os.open({path + '/x'!r}, os.O_CREAT | os.O_WRONLY)",
                                   EROFS, EACCES, control=path == "/usr/bin")
       for path in ("", "/etc", "/usr/bin", "/dev", "/var/tmp")},
    "run a program from scratch": _simple(
        _SET_UID, "import shutil; shutil.copy('/usr/bin/busybox', '/tmp/b');"
        "os.chmod('/tmp/b', 0o4755); os.execv('/tmp/b', ['true'])", EACCES),
    "map scratch to execute it": _simple(
        _SET_UID,
        "import mmap; f = open('/tmp/m', 'w+b'); f.write(b'x' * 4096); f.flush()\n"
        "mmap.mmap(f.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)"),
    "find the engine's socket": _simple(
        _SOCKET, "socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
        ENOENT, EACCES),
    "call the engine": _simple(
        _API, "socket.create_connection(('172.17.0.1', 2375), 2)", ENETUNREACH),
    "write to a file that is only read": _simple(
        _PAGES, "file = os.open('/etc/hosts', os.O_RDONLY); before = os.pread(file, 9, 0)\n"
        "reading, writing = os.pipe()\n"
        "for _ in range(16): os.write(writing, bytes(4096))\n"
        "for _ in range(16): os.read(reading, 4096)\n"
        "os.splice(file, writing, 1, offset_src=0); os.write(writing, b'X')\n"
        "nothing(os.pread(file, 9, 0) != before)", errno.ENODATA, EPERM, ENOSYS),
    # surface
    "userfaultfd": _simple(_SURFACE, "number(323, 282, 0)", control=True),
    "io_uring": _simple(_SURFACE, "number(425, 425, 1, ctypes.create_string_buffer(256))"),
    "bpf": _simple(_SURFACE, "number(321, 280, 0, ctypes.create_string_buffer(64), 64)"),
    "perf": _simple(_SURFACE, "number(298, 241, ctypes.create_string_buffer(128), 0, -1, -1, 0)"),
    **{f"socket family {name}": _simple(
        _SPOOFING if name == "packet" else _SURFACE,
        f"number(41, 198, ctypes.c_ulong({value:#x}), {kind}, {protocol})",
        EAFNOSUPPORT, ENOSYS, EPERM, control=name == "netlink for the packet filter")
       for name, value, kind, protocol in (
           ("packet", 17, 3, 768), ("alg", 38, 5, 0), ("vsock", 40, 1, 0), ("bluetooth", 31, 3, 1),
           ("vsock with bit 32", 40 | 1 << 32, 1, 0), ("alg with bit 32", 38 | 1 << 32, 5, 0),
           ("netlink for the packet filter", 16, 3, 12), ("netlink for audit", 16, 3, 9))},
    "change the personality": _simple(_SURFACE, "call('personality', 0x40000)", EPERM, ENOSYS,
                                      control=True),
    # devices
    **{f"make a {name} node": _simple(_DEVICES, f"os.mknod('/tmp/n', {mode:#o}, os.makedev(8, 0))")
       for name, mode in (("block", 0o60600), ("character", 0o20600))},
    "inject keys into a terminal": _simple(
        _TERMINAL, "import fcntl; fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), 0x5412, b'x')",
        ENXIO),
    # privileges
    "run as root": _simple(_EXEC, "nothing(os.getuid() == 0)", errno.ENODATA, control=True),
    "find further groups": _simple(
        _GROUPS, "nothing([g for g in os.getgroups() if g != os.getgid()])", errno.ENODATA),
    "find capabilities to inherit": _simple(
        _INHERITED, "lines = open('/proc/self/status').read().split('\\n')\n"
        "nothing([l for l in lines if l.startswith(('CapInh', 'CapAmb')) and int(l[8:], 16)])",
        errno.ENODATA),
    "become root": _simple(_PRIVILEGE, "os.setuid(0)", control=True),
    "change groups": _simple(_PRIVILEGE, "os.setgroups([0])", control=True),
    "switch new privileges on again": _simple(_PRIVILEGE, "call('prctl', 38, 0, 0, 0, 0)", EINVAL),
    "raise a capability": _simple(
        _PRIVILEGE,
        "number(126, 91, struct.pack('II', 0x20080522, 0), struct.pack('6I', 1, 1, 1, 0, 0, 0))",
        control=True),
    "raise the limit of open files": _simple(
        _PRIVILEGE, "number(302, 261, 0, 7, struct.pack('QQ', 9999, 9999), 0)"),
    # time, names, the machine
    "set the clock": _simple(_TIME, "import time; time.clock_settime(0, time.time())"),
    "change the host's name": _simple(_TIME, "call('sethostname', b'x', 1)", control=True),
    "restart the machine": _simple(_TIME, "call('reboot', 0)"),
    # others
    "trace a process": _simple(_OTHERS, "call('ptrace', 16, 1, 0, 0)", EPERM),
    "read a process's memory": _simple(
        _OTHERS, "number(310, 270, 1, 0, 0, 0, 0, 0)"),
    "see a process of the host": _simple(
        _OTHERS, "nothing([n for n in os.listdir('/proc') if n.isdigit()"
        " and int(n) not in (1, os.getpid(), os.getppid()) and int(n) < 100])", errno.ENODATA),
    "use a keyring": _simple(_KEYRING, "number(250, 219, 0, -4, 0)", control=True),
    "add a key": _simple(_KEYRING, "number(248, 217, b'user', b'x', b'y', 1, -4)", control=True),
    # network
    "ask the metadata service": _simple(
        _METADATA, "socket.create_connection(('169.254.169.254', 80), 2)", ENETUNREACH),
    "ask the host": _simple(
        _METADATA, "socket.create_connection(('172.17.0.1', 22), 2)", ENETUNREACH),
    "send raw packets": _simple(
        _SPOOFING, "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)", EPERM,
        control=True),
    "see the host's sockets": _simple(
        _ABSTRACT,
        "nothing([l for l in open('/proc/net/unix').read().split('\\n') if '@' in l])",
        errno.ENODATA),
    "ask a resolver": _simple(
        _DNS, "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.53', 53))",
        ENETUNREACH),
    # exhaustion
    "fill scratch": _simple(
        _EXHAUST,
        "f = open('/tmp/f', 'wb')\nfor _ in range(64): f.write(bytes(1 << 20)); f.flush()", ENOSPC),
    "use up scratch's files": _simple(
        _EXHAUST, "for n in range(100000): os.close(os.open(f'/run/{n}', os.O_CREAT))", ENOSPC),
    "fill shared memory": _simple(
        _EXHAUST, "f = open('/dev/shm/f', 'wb')\n"
        "for _ in range(64): f.write(bytes(1 << 20)); f.flush()", ENOSPC),
}  # fmt: skip
