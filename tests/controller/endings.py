"""How programs say that a wall stopped them: their own last lines, and the line that mends it.

The lines are what the programs print; only times and process numbers are shortened.
"""

from __future__ import annotations

from dataclasses import dataclass

FIXED = "relax: [user.fixed: 999:999]"
MEMORY = "limits: {memory: 128MiB}"
PORT = 'let the program listen on 0.0.0.0, as in  args: [--listen, "0.0.0.0:8080"]'
PROCESSOR = "image: one for this machine"
PROGRAM = "entrypoint: [/path/of/the/program]"


@dataclass(frozen=True)
class Ended:
    """What a program printed last, and how the advice's line begins; empty for no advice."""

    name: str
    lines: str
    line: str


def scratch(folder: str) -> str:
    """A scratch folder as advice writes it."""
    return f"scratch: {{{folder}: 16MiB}}"


READ_ONLY = (
    Ended("nginx makes a temporary folder",
          'nginx: [emerg] mkdir() "/var/lib/nginx/body" failed (30: Read-only file system)',
          scratch("/var/lib/nginx/body")),
    Ended("nginx of its own image",
          '[emerg] 1#1: mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)',
          scratch("/var/cache/nginx/client_temp")),
    Ended("nginx writes its pid",
          'nginx: [emerg] open() "/var/lock/nginx.pid" failed (30: Read-only file system)',
          scratch("/var/lock")),
    Ended("redis opens its log",
          "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\n"
          "Reading the configuration file, at line 2\n>>> 'logfile \"/var/log/redis/redis.log\"'\n"
          "Can't open the log file: Read-only file system",
          "scratch: {"),
    Ended("redis makes its folder",
          "1:M 24 Nov 2025 07:59:58.441 # Can't open or create append-only dir appendonlydir: "
          "Read-only file system",
          scratch("/path/of/folder")),
    Ended("postgres locks its socket",
          'FATAL:  could not create lock file "/var/run/postgresql/.s.PGSQL.5432.lock": '
          "Read-only file system",
          scratch("/var/run/postgresql")),
    Ended("initdb makes its folder",
          'initdb: error: could not create directory "/var/lib/postgresql/data/pg_wal": '
          "Read-only file system",
          scratch("/var/lib/postgresql/data/pg_wal")),
    Ended("python opens a file",
          "  File \"/srv/app.py\", line 7, in <module>\n    open('/var/spool/app/queue.db', 'w')\n"
          "OSError: [Errno 30] Read-only file system: '/var/spool/app/queue.db'",
          scratch("/var/spool/app")),
    Ended("python makes a folder",
          "  File \"<frozen os>\", line 225, in makedirs\n"
          "OSError: [Errno 30] Read-only file system: '/var/lib/app/cache'",
          scratch("/var/lib/app/cache")),
    Ended("python writes below the root",
          "OSError: [Errno 30] Read-only file system: '/state.json'",
          scratch("/path/of/folder")),
    Ended("node opens a file",
          "Error: EROFS: read-only file system, open '/var/lib/app/data.json'\n"
          "    at Object.openSync (node:fs:601:3) {\n  errno: -30,\n  syscall: 'open',",
          scratch("/var/lib/app")),
    Ended("node makes a hidden folder",
          "Error: EROFS: read-only file system, mkdir '/home/node/.npm'",
          scratch("/home/node/.npm")),
    Ended("busybox makes a folder",
          "mkdir: can't create directory '/var/lib/app': Read-only file system",
          scratch("/var/lib/app")),
    Ended("busybox touches a file",
          "touch: /var/lib/app/lock: Read-only file system",
          scratch("/var/lib/app")),
    Ended("busybox sh redirects",
          "/bin/sh: can't create /var/lib/app/pid: Read-only file system",
          scratch("/var/lib/app")),
    Ended("dash redirects",
          "/docker-entrypoint.sh: 12: cannot create /etc/app/settings: Read-only file system",
          scratch("/etc/app")),
    Ended("sed edits in place",
          "sed: couldn't open temporary file /etc/nginx/conf.d/sedJk2l1B: Read-only file system",
          scratch("/etc/nginx/conf.d")),
)  # fmt: skip

CLOSED_FILES = (
    Ended("nginx opens a log of root's",
          'nginx: [alert] could not open error log file: open() "/var/log/nginx/error.log" failed '
          "(13: Permission denied)",
          scratch("/var/log/nginx")),
    Ended("python opens a file of root's",
          "PermissionError: [Errno 13] Permission denied: '/var/lib/app/data.db'",
          scratch("/var/lib/app")),
    Ended("node opens a file of root's",
          "Error: EACCES: permission denied, open '/var/lib/app/data.json'",
          scratch("/var/lib/app")),
)  # fmt: skip

USERS = (
    Ended("initdb asks who it is",
          "initdb: error: could not look up effective user ID 1114108: user does not exist",
          FIXED),
    Ended("nginx looks for its user", 'nginx: [emerg] getpwnam("nginx") failed', FIXED),
    Ended("nginx finds no such user",
          'nginx: [emerg] getpwnam("www-data") failed (2: No such file or directory)', FIXED),
    Ended("python asks who it is", "KeyError: 'getpwuid(): uid not found: 1114108'", FIXED),
    Ended("node asks who it is",
          "SystemError [ERR_SYSTEM_ERROR]: A system error occurred: uv_os_get_passwd returned "
          "ENOENT (no such file or directory)", FIXED),
    Ended("whoami", "whoami: cannot find name for user ID 1114108", FIXED),
    Ended("busybox whoami", "whoami: unknown uid 1114108", FIXED),
    Ended("id", "id: cannot find name for group ID 1114108", FIXED),
    Ended("postgres finds its data another's",
          'FATAL:  data directory "/var/lib/postgresql/data" has wrong ownership\n'
          "HINT:  The server must be started by the user that owns the data directory.", FIXED),
)  # fmt: skip

GIVEN_AWAY = (
    Ended("nginx gives its folder away",
          'nginx: [emerg] chown("/var/cache/nginx/client_temp", 101) failed '
          "(1: Operation not permitted)", FIXED),
    Ended("nginx steps down", "[emerg] 1#1: setgid(101) failed (1: Operation not permitted)",
          FIXED),
    Ended("the entry point of redis", "chown: .: Operation not permitted", FIXED),
    Ended("the entry point of postgres",
          "chown: changing ownership of '/var/run/postgresql': Operation not permitted", FIXED),
    Ended("chmod of another's folder",
          "chmod: changing permissions of '/var/run/postgresql': Operation not permitted", FIXED),
    Ended("gosu", 'error: failed switching to "redis": operation not permitted', FIXED),
    Ended("su-exec", "su-exec: setgroups(0): Operation not permitted", FIXED),
    Ended("setpriv", "setpriv: setresuid failed: Operation not permitted", FIXED),
    Ended("python gives a file away",
          "    os.chown(path, uid, gid)\n"
          "PermissionError: [Errno 1] Operation not permitted: '/data'", FIXED),
    Ended("node gives a file away",
          "Error: EPERM: operation not permitted, chown '/data'", FIXED),
)  # fmt: skip

PORTS = (
    Ended("nginx", "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)", PORT),
    Ended("nginx twice", "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
          PORT),
    Ended("redis",
          "# Warning: Could not create server TCP listening socket *:80: bind: Permission denied",
          PORT),
    Ended("postgres",
          'LOG:  could not bind IPv4 address "0.0.0.0": Address already in use\n'
          "HINT:  Is another postmaster already running on port 5432?", PORT),
    Ended("python", "OSError: [Errno 98] Address already in use", PORT),
    Ended("uvicorn",
          "ERROR:    [Errno 13] error while attempting to bind on address ('0.0.0.0', 80): "
          "permission denied", PORT),
    Ended("node", "Error: listen EACCES: permission denied 0.0.0.0:80", PORT),
    Ended("node twice", "Error: listen EADDRINUSE: address already in use :::8080", PORT),
    Ended("busybox httpd", "httpd: bind: Permission denied", PORT),
    Ended("another's address", "nginx: [emerg] bind() to 10.0.0.9:80 failed (99: Cannot assign "
          "requested address)", PORT),
)  # fmt: skip

OUT_OF_MEMORY = (
    Ended("node", "<--- Last few GCs --->\nFATAL ERROR: Reached heap limit Allocation failed - "
          "JavaScript heap out of memory", MEMORY),
    Ended("python", "    block = bytearray(1 << 30)\nMemoryError", MEMORY),
    Ended("postgres", "FATAL:  could not map anonymous shared memory: Cannot allocate memory",
          MEMORY),
    Ended("redis", "1:M 24 Nov # Can't save in background: fork: Cannot allocate memory", MEMORY),
    Ended("busybox sh", "sh: out of memory", MEMORY),
)  # fmt: skip

PROCESSORS = (
    Ended("the runtime", "exec /usr/sbin/nginx: exec format error", PROCESSOR),
    Ended("busybox sh", "sh: can't execute 'app': Exec format error", PROCESSOR),
    Ended("bash", "bash: /usr/bin/app: cannot execute binary file: Exec format error", PROCESSOR),
)  # fmt: skip

MISSING_PROGRAMS = (
    Ended("runc with a path",
          'runc create failed: unable to start container process: exec: "/usr/bin/nginx": '
          "stat /usr/bin/nginx: no such file or directory: unknown", PROGRAM),
    Ended("runc with a name",
          'runc create failed: unable to start container process: exec: "serve": executable file '
          "not found in $PATH: unknown", PROGRAM),
    Ended("crun", "executable file `serve` not found in $PATH: No such file or directory", PROGRAM),
    Ended("the interpreter of a script", "exec /entrypoint.sh: no such file or directory", PROGRAM),
    Ended("env", "/usr/bin/env: 'python': No such file or directory", PROGRAM),
    Ended("busybox sh", "/bin/sh: serve: not found", PROGRAM),
    Ended("dash", "sh: 1: serve: not found", PROGRAM),
    Ended("an entry script", "/docker-entrypoint.sh: exec: line 47: serve: not found", PROGRAM),
    Ended("bash", "bash: line 1: serve: command not found", PROGRAM),
)  # fmt: skip

CODE_IN_SCRATCH = (
    Ended("java", "java.lang.UnsatisfiedLinkError: /tmp/libnetty_x86_64.so: /tmp/libnetty_x86_64.so"
          ": failed to map segment from shared object: Operation not permitted",
          "relax: [fs.scratch-exec: /tmp]"),
    Ended("python", "ImportError: /run/_MEIx1/libz.so.1: failed to map segment from shared object",
          "relax: [fs.scratch-exec: /run]"),
)  # fmt: skip

FULL = (
    Ended("python", "OSError: [Errno 28] No space left on device: '/tmp/upload.bin'",
          "scratch: {/tmp: 64MiB}"),
    Ended("postgres", 'ERROR:  could not resize shared memory segment "/PostgreSQL.2710" to '
          "8388608 bytes: No space left on device", "scratch: {/dev/shm: 64MiB}"),
    Ended("node", "Error: ENOSPC: no space left on device, write", "scratch: {/tmp: 64MiB}"),
)  # fmt: skip

NOTHING_KNOWN = (
    Ended("silence", "", ""),
    Ended("a good start", "LOG:  database system is ready to accept connections", ""),
    Ended("python misses a module", "ModuleNotFoundError: No module named 'flask'", ""),
    Ended("python misses a file",
          "python3: can't open file '/app/main.py': [Errno 2] No such file or directory", ""),
    Ended("nginx misreads its settings",
          'nginx: [emerg] unknown directive "servr" in /etc/nginx/nginx.conf:12', ""),
    Ended("redis misreads its settings",
          "*** FATAL CONFIG FILE ERROR ***\n>>> 'maxmemroy 32mb'\nBad directive or wrong number of "
          "arguments", ""),
    Ended("a service that is away",
          "psycopg2.OperationalError: connection to server at \"db.data\" (10.231.128.5), port "
          "5432 failed: Connection refused", ""),
    Ended("a role that is missing", 'FATAL:  role "shop" does not exist', ""),
    Ended("a password that is wrong",
          'FATAL:  password authentication failed for user "shop"', ""),
)  # fmt: skip

KNOWN = (
    *READ_ONLY, *CLOSED_FILES, *USERS, *GIVEN_AWAY, *PORTS, *OUT_OF_MEMORY, *PROCESSORS,
    *MISSING_PROGRAMS, *CODE_IN_SCRATCH, *FULL,
)  # fmt: skip
