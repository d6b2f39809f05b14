"""Linux system calls that Python has no wrapper for, by number, through libc's `syscall`."""

from __future__ import annotations

import ctypes
import os

_TABLE = """
read 0  write 1  open 2  close 3  stat 4  fstat 5  lstat 6  poll 7  lseek 8  mmap 9  mprotect 10  munmap 11  brk 12
rt_sigaction 13  rt_sigprocmask 14  rt_sigreturn 15  ioctl 16  pread64 17  pwrite64 18  readv 19  writev 20
access 21  pipe 22  select 23  sched_yield 24  mremap 25  madvise 28  shmget 29  shmat 30  dup 32  dup2 33  pause 34
nanosleep 35  getitimer 36  alarm 37  setitimer 38  getpid 39  sendfile 40  socket 41  connect 42  sendto 44
recvfrom 45  shutdown 48  bind 49  getsockname 51  socketpair 53  getsockopt 55  clone 56  fork 57  vfork 58
execve 59  exit 60  kill 62  uname 63  semget 64  msgget 68  fcntl 72  flock 73  fsync 74  fdatasync 75  truncate 76
ftruncate 77  getdents 78  getcwd 79  chdir 80  fchdir 81  rename 82  mkdir 83  rmdir 84  creat 85  link 86
unlink 87  symlink 88  readlink 89  chmod 90  fchmod 91  chown 92  umask 95  gettimeofday 96  getrlimit 97
getrusage 98  sysinfo 99  times 100  ptrace 101  getuid 102  syslog 103  getgid 104  setuid 105  setgid 106
geteuid 107  getegid 108  setpgid 109  getppid 110  getpgrp 111  setsid 112  getgroups 115  setresuid 117
getresuid 118  setresgid 119  getresgid 120  capget 125  capset 126  rt_sigpending 127  rt_sigtimedwait 128
rt_sigqueueinfo 129  rt_sigsuspend 130  sigaltstack 131  mknod 133  uselib 134  personality 135  ustat 136
statfs 137  fstatfs 138  sysfs 139  setpriority 141  sched_setscheduler 144  sched_get_priority_max 146
sched_get_priority_min 147  vhangup 153  modify_ldt 154  pivot_root 155  _sysctl 156  prctl 157  arch_prctl 158
adjtimex 159  setrlimit 160  chroot 161  acct 163  settimeofday 164  mount 165  umount2 166  swapon 167  reboot 169
sethostname 170  iopl 172  ioperm 173  init_module 175  quotactl 179  nfsservctl 180  gettid 186  setxattr 188
getxattr 191  tkill 200  time 201  futex 202  sched_setaffinity 203  sched_getaffinity 204  lookup_dcookie 212
epoll_create 213  remap_file_pages 216  getdents64 217  set_tid_address 218  restart_syscall 219  fadvise64 221
timer_create 222  timer_settime 223  timer_gettime 224  timer_getoverrun 225  timer_delete 226  clock_settime 227
clock_gettime 228  clock_getres 229  clock_nanosleep 230  exit_group 231  epoll_wait 232  epoll_ctl 233  tgkill 234
mbind 237  mq_open 240  kexec_load 246  add_key 248  request_key 249  keyctl 250  ioprio_set 251  migrate_pages 256
openat 257  mkdirat 258  mknodat 259  newfstatat 262  unlinkat 263  renameat 264  linkat 265  symlinkat 266
readlinkat 267  faccessat 269  pselect6 270  ppoll 271  unshare 272  set_robust_list 273  splice 275  tee 276
vmsplice 278  move_pages 279  utimensat 280  epoll_pwait 281  timerfd_create 283  fallocate 285  signalfd4 289
eventfd2 290  epoll_create1 291  dup3 292  pipe2 293  inotify_init1 294  rt_tgsigqueueinfo 297  perf_event_open 298
fanotify_init 300  prlimit64 302  name_to_handle_at 303  open_by_handle_at 304  setns 308  getcpu 309
process_vm_readv 310  process_vm_writev 311  kcmp 312  finit_module 313  sched_setattr 314  renameat2 316
seccomp 317  getrandom 318  memfd_create 319  bpf 321  execveat 322  userfaultfd 323  membarrier 324
copy_file_range 326  pkey_alloc 330  statx 332  rseq 334  pidfd_send_signal 424  io_uring_setup 425
io_uring_enter 426  io_uring_register 427  open_tree 428  move_mount 429  fsopen 430  fsconfig 431  fsmount 432
fspick 433  pidfd_open 434  clone3 435  close_range 436  openat2 437  pidfd_getfd 438  faccessat2 439
process_madvise 440  mount_setattr 442  landlock_create_ruleset 444  landlock_add_rule 445
landlock_restrict_self 446  memfd_secret 447
""".split()
NUMBERS = {name: int(number) for name, number in zip(_TABLE[::2], _TABLE[1::2], strict=True)}
"""x86_64 only (arch/x86/entry/syscalls/syscall_64.tbl); isolation.machine() refuses every other architecture."""

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


def seccomp_filter(program: bytes) -> None:
    """Install a BPF program on this thread, for good. Needs no_new_privs."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    buffer = ctypes.create_string_buffer(program, len(program))
    header = Program(len(program) // 8, ctypes.addressof(buffer))
    if _libc.syscall(ctypes.c_long(NUMBERS["seccomp"]), ctypes.c_long(1), ctypes.c_long(0), ctypes.byref(header)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "seccomp")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    if _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode() or None) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"mount {source} on {target}")


def unmount(target: str, flags: int) -> None:
    if _libc.umount2(target.encode(), flags) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"umount {target}")
