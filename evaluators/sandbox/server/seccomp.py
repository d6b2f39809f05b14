"""The allow-list of system calls a session keeps, compiled to BPF.

No call makes a process, a socket or a namespace, and none runs a program: a session is exactly one process, so that
its rlimits bound it whole and one SIGKILL ends it, without cgroups. Threads are allowed; RLIMIT_NPROC counts them.
"""

from __future__ import annotations

import errno
import struct

from evaluators.sandbox.server.syscalls import NUMBERS

_PLAIN = """
read write readv writev pread64 pwrite64 close close_range fstat stat lstat newfstatat statx lseek access faccessat
faccessat2 creat getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat
renameat2 symlink symlinkat ftruncate umask fsync fdatasync fadvise64 statfs fstatfs
mmap mprotect munmap brk mremap madvise
poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 pipe pipe2 dup dup2 dup3
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait rt_sigsuspend rt_sigpending sigaltstack alarm pause
setitimer getitimer
nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times restart_syscall
getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getpgrp getgroups uname sysinfo getrlimit
getrusage getcpu getrandom sched_yield sched_get_priority_max sched_get_priority_min
set_tid_address set_robust_list futex membarrier rseq exit exit_group shutdown
"""
PLAIN = _PLAIN.split()
"""Allowed with any arguments. Landlock judges the paths; descriptors are only those the session opened itself.
Not among them: timer_create, which can send a SIGKILL to oneself."""

READ_LINKS = ("readlink", "readlinkat")
"""Landlock does not judge these, so without a root of its own a session could read where the machine's links point."""

OWN_ATTRIBUTES = ("chmod", "fchmod", "fchmodat", "utime", "utimes", "futimesat", "utimensat")
"""Nor these: only where everything but the session's own folder is mounted read-only do they reach that alone."""

NO_ATTRIBUTES = ("getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr")
"""Answered with ENOTSUP, as by a file system without extended attributes: shutil.copy2 then goes on without them."""

ABSENT = ("clone3", "openat2", "copy_file_range", "sendfile", "io_uring_setup", "memfd_create")
"""Answered with ENOSYS, which libc and Python take as `fall back to the older call`."""

ARGUMENTS: dict[str, tuple[int, tuple[int, ...], int]] = {
    # FIONCLEX FIOCLEX FIONBIO FIONREAD, TCGETS (isatty) and TIOCGWINSZ; TIOCSTI above all is not among them
    "ioctl": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451), errno.ENOTTY),
    # PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS, PR_SET_VMA
    "prctl": (0, (3, 15, 16, 21, 23, 39, 0x53564D41), errno.EPERM),
}
"""name: (index of the argument, its allowed values, the error for any other)."""

FCNTL = (0, 1, 2, 3, 4, 5, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_DUPFD_CLOEXEC. No F_SETOWN: it sends signals to others."""
FCNTL_LOCKS = (6, 7)
"""F_SETLK, F_SETLKW. They and flock do nothing and tell of success: a session is one process and needs no locks against
others, while true ones on files that all can read would let sessions speak to, or stop, each other."""

SIGKILL, RLIMIT_CPU = 9, 0
AF_UNIX, SOCK_STREAM, SOCK_TYPE_MASK = 1, 1, 0xF
CLONE_THREAD = 0x00010000 | 0x00000100 | 0x00000200 | 0x00000400 | 0x00000800 | 0x00040000
"""THREAD, VM, FS, FILES, SIGHAND, SYSVSEM: what the C library's threads share. One without FILES would have a table of
descriptors of its own, and so multiply what RLIMIT_NOFILE allows, with the kernel's buffers behind them."""
SPAWN = 0x00000100 | 0x00004000 | 17  # CLONE_VM | CLONE_VFORK | SIGCHLD: posix_spawn, whose child can but exec
HOST = ("execve", "wait4", "waitid", "kill", "arch_prctl")
"""For hosts of the interpreter tier alone, whose server, pid namespace and user are shared with no program's session."""
O_ACCMODE, O_TRUNC = 0o3, 0o1000
ANY_PID = 0x7A5C3E91
"""Stands for the process id in a template: no code, offset or number of the filter is alike."""
AUDIT_ARCH_X86_64 = 0xC000003E
X32_BIT = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _RETURN, _AND = 0x20, 0x15, 0x35, 0x06, 0x54
_ALLOW, _KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value & 0xFFFFFFFF)


def _fail(number: int) -> bytes:
    return _op(_RETURN, ERRNO | number)


def _argument(index: int, *, high: bool = False) -> bytes:
    return _op(_LOAD, _ARGUMENTS + 8 * index + (4 if high else 0))


def _rule(name: str, *body: bytes) -> bytes:
    """Run `body`, one instruction an item, which ends in a return on every path, if the call is `name`; else go on."""
    return _op(_EQUAL, NUMBERS[name], 0, len(body)) + b"".join(body)


def _one_of(index: int, values: tuple[int, ...], error: int) -> list[bytes]:
    tests = [_op(_EQUAL, value, len(values) - place) for place, value in enumerate(values)]
    return [_argument(index), *tests, _fail(error), _op(_RETURN, _ALLOW)]


def _self_signal(name: str, signal_index: int, pid: int) -> bytes:
    """Signals only to oneself. SIGKILL to oneself ends in SIGSYS, so that a SIGKILL always came from outside."""
    return _rule(
        name,
        _argument(0),
        _op(_EQUAL, pid, 1, 0),
        _fail(errno.EPERM),
        _argument(signal_index),
        _op(_EQUAL, SIGKILL, 0, 1),
        _op(_RETURN, _KILL_PROCESS),
        _op(_RETURN, _ALLOW),
    )


def _null(index: int) -> list[bytes]:
    """Fail where this argument is no null pointer, else go on."""
    both = (_argument(index), _argument(index, high=True))
    return [step for half in both for step in (half, _op(_EQUAL, 0, 1, 0), _fail(errno.EPERM))]


def _zero(index: int) -> list[bytes]:
    """Fail where the lower half of this argument, an int in C, is not zero, else go on."""
    return [_argument(index), _op(_EQUAL, 0, 1, 0), _fail(errno.EPERM)]


def _no_hidden_truncation(index: int) -> list[bytes]:
    """Of the flags at `index`: O_TRUNC only with writing, which Landlock judges in each of its versions."""
    return [
        _argument(index),
        _op(_AND, O_TRUNC | O_ACCMODE),
        _op(_EQUAL, O_TRUNC, 0, 1),
        _fail(errno.EACCES),
        _op(_RETURN, _ALLOW),
    ]


def _own_limits(pid: int) -> list[bytes]:
    """Limits of its own only, and RLIMIT_CPU not even of its own: lowered, it would send a SIGKILL nobody can explain."""
    return [
        _argument(0),
        _op(_EQUAL, 0, 2, 0),
        _op(_EQUAL, pid, 1, 0),
        _fail(errno.EPERM),
        _argument(1),
        _op(_EQUAL, RLIMIT_CPU, 1, 0),
        _op(_RETURN, _ALLOW),
        *_null(2),
        _op(_RETURN, _ALLOW),
    ]


def program(template: bytes, pid: int) -> bytes:
    """The filter of the session whose process id is `pid`, from a template made once."""
    return template.replace(struct.pack("I", ANY_PID), struct.pack("I", pid))


def template(*, threads: bool, own_root: bool, starts: bool = False) -> bytes:
    """The filter but for the session's own process id: `threads` whether it may make any, `own_root` whether it sees a
    root of its own and not the machine's, `starts` whether it is a host, which starts the one program that Landlock
    grants it, waits for it and ends it."""
    pid = ANY_PID
    parts = [
        _op(_LOAD, _ARCH),
        _op(_EQUAL, AUDIT_ARCH_X86_64, 1, 0),
        _op(_RETURN, _KILL_PROCESS),
        _op(_LOAD, _NUMBER),
        _op(_AT_LEAST, X32_BIT, 0, 1),
        _fail(errno.ENOSYS),
    ]
    parts += [_rule(name, _op(_RETURN, _ALLOW)) for name in PLAIN]
    parts += [_rule(name, _op(_RETURN, _ALLOW) if own_root else _fail(errno.EACCES)) for name in READ_LINKS]
    parts += [_rule(name, _op(_RETURN, _ALLOW) if own_root else _fail(errno.EPERM)) for name in OWN_ATTRIBUTES]
    parts += [_rule(name, _fail(errno.ENOTSUP)) for name in NO_ATTRIBUTES]
    parts += [_rule(name, _fail(errno.ENOSYS)) for name in ABSENT]
    parts += [_rule(name, *_one_of(*rule)) for name, rule in ARGUMENTS.items()]
    locks = [step for lock in FCNTL_LOCKS for step in (_op(_EQUAL, lock, 0, 1), _fail(0))]
    parts += [_rule("flock", _fail(0)), _rule("fcntl", _argument(1), *locks, *_one_of(1, FCNTL, errno.EPERM))]
    if starts:
        parts += [_rule(name, _op(_RETURN, _ALLOW)) for name in HOST]
    parts += [_self_signal("kill", 1, pid), _self_signal("tgkill", 2, pid)]
    parts.append(_rule("sched_getaffinity", *_one_of(0, (0, pid), errno.EPERM)))
    parts.append(_rule("prlimit64", *_own_limits(pid)))
    parts.append(_clone(threads, starts))
    # asyncio's event loop wakes itself through a pair of connected stream sockets. Such a pair can reach nothing else:
    # no connect, no bind, no address to send to, and a stream socket refuses one anyway.
    parts.append(
        _rule(
            "socketpair",
            _argument(0),
            _op(_EQUAL, AF_UNIX, 1, 0),
            _fail(errno.EPERM),
            _argument(1),
            _op(_AND, SOCK_TYPE_MASK),
            _op(_EQUAL, SOCK_STREAM, 1, 0),
            _fail(errno.EPERM),
            _op(_RETURN, _ALLOW),
        )
    )
    parts.append(_rule("sendto", *_zero(3), *_null(4), _op(_RETURN, _ALLOW)))
    parts.append(_rule("recvfrom", *_zero(3), _op(_RETURN, _ALLOW)))
    parts += [_rule("open", *_no_hidden_truncation(1)), _rule("openat", *_no_hidden_truncation(2))]
    # By path: Landlock judges it from its third version on only, and a root of its own holds nothing else to write to.
    parts.append(_rule("truncate", _op(_RETURN, _ALLOW) if own_root else _fail(errno.EACCES)))
    parts.append(_fail(errno.EPERM))
    return b"".join(parts)


def _clone(threads: bool, starts: bool) -> bytes:
    if not threads:
        return _rule("clone", _fail(errno.EAGAIN))
    spawn = [_op(_EQUAL, SPAWN, 0, 1), _op(_RETURN, _ALLOW)] if starts else []
    return _rule(
        "clone",
        _argument(0),
        *spawn,
        _op(_AND, CLONE_THREAD),
        _op(_EQUAL, CLONE_THREAD, 0, 1),
        _op(_RETURN, _ALLOW),
        _fail(errno.EPERM),
    )
