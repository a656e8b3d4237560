"""The system call filters by name, as data: what is allowed, what is refused and how.

An allow list of exact values. The kernel truncates many 64-bit arguments to 32 bits, so an allowing
rule with a range or an inequality could be passed by a value above 2^32: rules that allow compare
for equality, or for equality under a mask. No call has two rules that overlap with different
answers, so their order means nothing.

The same data makes the text that an engine loads, and answers for the proof what a filter that the
kernel holds must say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import Any

from msgspec import Struct

EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0
CLONE_NEW_ANY = 0x7E02_0000
"""Every flag of clone(2) that makes a namespace, but for time, which clone cannot make."""

_ARCHITECTURES = {"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"}


class Compare(Enum):
    """How an argument is compared; GREATER may only refuse."""

    EXACT = "SCMP_CMP_EQ"
    MASKED = "SCMP_CMP_MASKED_EQ"
    GREATER = "SCMP_CMP_GT"


class Condition(Struct, frozen=True):
    """One comparison of one argument by its index."""

    argument: int
    value: int
    compare: Compare = Compare.EXACT
    mask: int = 0

    def met(self, arguments: Sequence[int]) -> bool:
        """Whether these arguments meet it; one that is not given counts as 0."""
        given = arguments[self.argument] if self.argument < len(arguments) else 0
        match self.compare:
            case Compare.EXACT:
                return given == self.value
            case Compare.MASKED:
                return given & self.mask == self.value
            case Compare.GREATER:
                return given > self.value


class Rule(Struct, frozen=True):
    """What happens to a call whose arguments meet all conditions: None allows, else the errno."""

    call: str
    errno: int | None
    conditions: tuple[Condition, ...]


class Filter(Struct, frozen=True):
    """One filter: calls allowed outright, calls refused, rules on arguments, and the rest."""

    name: str
    allowed: frozenset[str]
    refused: frozenset[str]
    answers: tuple[tuple[str, int], ...]
    """Calls refused with an errno of their own."""
    rules: tuple[Rule, ...]
    default_errno: int = ENOSYS

    def answer(self, call: str, arguments: Sequence[int] = ()) -> int | None:
        """What the filter says to a call: None allows it, a number is the errno it gets."""
        if call in self.allowed:
            return None
        if call in self.refused:
            return EPERM
        for name, errno in self.answers:
            if name == call:
                return errno
        for rule in self.rules:
            if rule.call == call and all(condition.met(arguments) for condition in rule.conditions):
                return rule.errno
        return self.default_errno

    def calls(self) -> frozenset[str]:
        """Every call that is named."""
        named = {name for name, _ in self.answers} | {rule.call for rule in self.rules}
        return self.allowed | self.refused | named


def _exact(call: str, errno: int | None, *values: int, argument: int = 0) -> tuple[Rule, ...]:
    # libseccomp mis-merges two comparisons of one argument in one rule: one rule a value
    return tuple(Rule(call, errno, (Condition(argument, value),)) for value in values)


def _masked(
    call: str, errno: int | None, *values: int, argument: int = 0, mask: int
) -> tuple[Rule, ...]:
    return tuple(
        Rule(call, errno, (Condition(argument, value, Compare.MASKED, mask),)) for value in values
    )


def _make_node(call: str, argument: int) -> tuple[Rule, ...]:
    kinds, plain, devices = 0o170000, (0, 0o100000, 0o010000, 0o140000), (0o020000, 0o060000)
    return (
        *_masked(call, None, *plain, argument=argument, mask=kinds),
        *_masked(call, EPERM, *devices, argument=argument, mask=kinds),
    )


_FAMILIES_REFUSED = (0, *range(3, AF_INET6), *range(11, AF_NETLINK))

_RULES = (
    *_exact("socket", None, AF_UNIX, AF_INET, AF_INET6),
    Rule("socket", None, (Condition(0, AF_NETLINK), Condition(2, NETLINK_ROUTE))),
    *_exact("socket", EAFNOSUPPORT, *_FAMILIES_REFUSED),
    Rule("socket", EAFNOSUPPORT, (Condition(0, AF_NETLINK, Compare.GREATER),)),
    *_exact("socketpair", None, AF_UNIX),
    *_masked("clone", None, 0, mask=CLONE_NEW_ANY),
    *_exact("personality", None, 0, 0xFFFF_FFFF),
    *_make_node("mknod", 1),
    *_make_node("mknodat", 2),
)

_ALLOWED = """
    _llseek _newselect accept accept4 access alarm arch_prctl bind brk cachestat capget capset
    chdir chmod chown chown32 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup
    dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
    epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat
    faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32
    fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr
    fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue
    futex_time64 futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area
    getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32
    getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority
    getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname
    getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch
    inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
    io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule
    landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen
    listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise
    map_shadow_stack membarrier memfd_create mincore mkdir mkdirat mlock mlock2 mlockall mmap
    mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
    mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync
    munlock munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open
    pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64
    prctl pread64 preadv preadv2 prlimit64 pselect6 pselect6_time64 pwrite64 pwritev pwritev2
    read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg
    removexattr removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
    rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
    sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop
    semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto set_robust_list
    set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
    setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid
    setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid
    setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaction sigaltstack signal
    signalfd signalfd4 sigpending sigprocmask sigreturn sigsuspend splice stat stat64 statfs
    statfs64 statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
    timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
    timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
    timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat
    utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
"""

_REFUSED = """
    _sysctl acct add_key adjtimex bpf chroot clock_adjtime clock_adjtime64 clock_settime
    clock_settime64 create_module delete_module fanotify_init fanotify_mark finit_module
    fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy init_module io_uring_enter
    io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl
    listmount lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mbind
    memfd_secret migrate_pages modify_ldt mount mount_setattr move_mount move_pages
    name_to_handle_at nfsservctl open_by_handle_at open_tree open_tree_attr perf_event_open
    pidfd_getfd pivot_root process_madvise process_mrelease process_vm_readv process_vm_writev
    ptrace query_module quotactl quotactl_fd reboot remap_file_pages request_key set_mempolicy
    set_mempolicy_home_node setdomainname sethostname setns settimeofday statmount stime swapoff
    swapon sysfs syslog umount umount2 unshare uselib userfaultfd ustat vhangup vm86 vm86old
"""

FILTERS = {
    "strict-1": Filter(
        name="strict-1",
        allowed=frozenset(_ALLOWED.split()),
        refused=frozenset(_REFUSED.split()),
        # the C library falls back from clone3 to clone only on this answer, and the default
        # answer of a profile is dropped by older engines
        answers=(("clone3", ENOSYS),),
        rules=_RULES,
    )
}


@cache
def profile_json(name: str, architecture: str) -> str:
    """A filter as the plain JSON of the OCI runtime specification, for one architecture.

    Only the native one: a call of any other (32-bit, x32) kills its thread, which also closes
    the multiplexed calls that cannot be filtered by argument. A name that an engine's library does
    not know is skipped by it. Raises KeyError for an architecture that has no filter.
    """
    chosen = FILTERS[name]
    calls: list[dict[str, Any]] = [
        {"names": sorted(chosen.allowed), "action": "SCMP_ACT_ALLOW"},
        _refusal(sorted(chosen.refused), EPERM),
        *(_refusal([call], errno) for call, errno in chosen.answers),
        *(_rule(rule) for rule in chosen.rules),
    ]
    document = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": chosen.default_errno,
        "architectures": [_ARCHITECTURES[architecture]],
        "syscalls": calls,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _refusal(names: list[str], errno: int) -> dict[str, Any]:
    return {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": errno}


def _rule(rule: Rule) -> dict[str, Any]:
    entry: dict[str, Any] = (
        {"names": [rule.call], "action": "SCMP_ACT_ALLOW"}
        if rule.errno is None
        else _refusal([rule.call], rule.errno)
    )
    entry["args"] = [_argument(condition) for condition in rule.conditions]
    return entry


def _argument(condition: Condition) -> dict[str, Any]:
    if condition.compare is Compare.MASKED:
        value, second = condition.mask, condition.value
    else:
        value, second = condition.value, 0
    return {
        "index": condition.argument,
        "op": condition.compare.value,
        "value": value,
        "valueTwo": second,
    }
