"""Linux system calls that Python has no wrapper for, by number, through libc's `syscall`."""

from __future__ import annotations

import ctypes
import os

_TABLE = """
read 0  write 1  open 2  close 3  stat 4  fstat 5  lstat 6  poll 7  lseek 8  mmap 9  mprotect 10  munmap 11  brk 12
rt_sigaction 13  rt_sigprocmask 14  rt_sigreturn 15  ioctl 16  pread64 17  pwrite64 18  readv 19  writev 20
access 21  pipe 22  select 23  sched_yield 24  mremap 25  madvise 28  dup 32  dup2 33  pause 34  nanosleep 35
getitimer 36  alarm 37  setitimer 38  getpid 39  sendfile 40  sendto 44  recvfrom 45  shutdown 48  socketpair 53
clone 56  execve 59  exit 60  wait4 61  kill 62  uname 63  fcntl 72  flock 73  fsync 74  fdatasync 75  truncate 76  ftruncate 77  getdents 78
getcwd 79  chdir 80  fchdir 81  rename 82  mkdir 83  rmdir 84  creat 85  unlink 87  symlink 88  readlink 89  chmod 90  fchmod 91
umask 95  gettimeofday 96  getrlimit 97  getrusage 98  sysinfo 99  times 100  getuid 102  getgid 104  geteuid 107
getegid 108  getppid 110  getpgrp 111  getgroups 115  getresuid 118  getresgid 120  capset 126  rt_sigpending 127
rt_sigtimedwait 128  rt_sigsuspend 130  sigaltstack 131  statfs 137  fstatfs 138  sched_get_priority_max 146
sched_get_priority_min 147  utime 132  pivot_root 155  prctl 157  arch_prctl 158  sethostname 170  gettid 186  getxattr 191  lgetxattr 192  fgetxattr 193
listxattr 194  llistxattr 195  flistxattr 196  time 201  futex 202  sched_getaffinity 204
epoll_create 213  getdents64 217  set_tid_address 218  restart_syscall 219  fadvise64 221
clock_gettime 228  clock_getres 229
clock_nanosleep 230  exit_group 231  epoll_wait 232  epoll_ctl 233  tgkill 234  utimes 235  waitid 247  openat 257  mkdirat 258  futimesat 261
newfstatat 262  unlinkat 263  renameat 264  symlinkat 266  readlinkat 267  fchmodat 268  faccessat 269  pselect6 270  ppoll 271
unshare 272  set_robust_list 273  utimensat 280  epoll_pwait 281  eventfd2 290  epoll_create1 291  dup3 292  pipe2 293
prlimit64 302  getcpu 309  renameat2 316  seccomp 317  getrandom 318  memfd_create 319  membarrier 324
copy_file_range 326  statx 332  rseq 334  io_uring_setup 425  clone3 435  close_range 436  openat2 437
faccessat2 439  mount_setattr 442  landlock_create_ruleset 444  landlock_add_rule 445  landlock_restrict_self 446
"""
_WORDS = _TABLE.split()
NUMBERS = {name: int(number) for name, number in zip(_WORDS[::2], _WORDS[1::2], strict=True)}
"""x86_64 only (arch/x86/entry/syscalls/syscall_64.tbl); isolation.py refuses every other architecture."""

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 8, 24, 38
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
LINUX_CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
M_ARENA_MAX = -8
MADV_COLLAPSE = 25
SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: int | bytes | None) -> int:
    """Make one system call. Raises OSError, with the call's name where a file name would be."""
    converted = [ctypes.c_long(item) if isinstance(item, int) else ctypes.c_char_p(item) for item in arguments]
    result: int = _libc.syscall(ctypes.c_long(NUMBERS[name]), *converted)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"prctl {option}")


def single_malloc_arena() -> None:
    """Have all threads share one heap: glibc reserves 64 MiB of address space for every further one (mallopt(3))."""
    _libc.mallopt(ctypes.c_int(M_ARENA_MAX), ctypes.c_int(1))


class _FilterProgram(ctypes.Structure):
    """struct sock_fprog of <linux/filter.h>."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def seccomp_filter(program: bytes) -> None:
    """Install a BPF program on this thread, for good. Needs no_new_privs."""
    header = _FilterProgram(len(program) // 8, program)
    number, mode = ctypes.c_long(NUMBERS["seccomp"]), ctypes.c_long(SECCOMP_SET_MODE_FILTER)
    if _libc.syscall(number, mode, ctypes.c_long(0), ctypes.byref(header)) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "seccomp")


def collapse(start: int, length: int) -> None:
    if _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), ctypes.c_int(MADV_COLLAPSE)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "madvise")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    if _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode() or None) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"mount {source} on {target}")


def unmount(target: str, flags: int) -> None:
    if _libc.umount2(target.encode(), flags) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"umount {target}")
