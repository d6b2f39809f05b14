"""The self-test of a tier: attacks run in a real session at start-up. Every one must fail, and ordinary work succeed.

Each check is a line `name | what it proves | expression`, true when the wall stands. `denied(call)` is true where the
call raises OSError, `syscall(number, ...)` makes one with libc and raises on failure. Numbers are x86_64's.
"""

from __future__ import annotations

from collections.abc import Collection

from evaluators.sandbox.records import Tier

_PRELUDE = """
import ctypes as _c, os as _o, socket as _s, sys as _y
_libc = _c.CDLL(None, use_errno=True)
def syscall(number, *arguments):
    result = _libc.syscall(_c.c_long(number), *[_c.c_long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        raise OSError(_c.get_errno(), "denied")
    return result
def denied(call, *arguments):
    try:
        call(*arguments)
    except OSError:
        return True
    return False
def reads(path):
    with open(path, "rb") as handle:
        return handle.read(1)
def writes(path):
    with open(path, "ab") as handle:
        return handle.write(b"x")
def imports(name):
    for known in [known for known in _y.modules if known == name or known.startswith(name + ".")]:
        del _y.modules[known]
    __import__(name)
    return True
def capabilities():
    header, data = _c.create_string_buffer(b"\\x22\\x05\\x08\\x20" + bytes(4), 8), _c.create_string_buffer(24)
    return _libc.syscall(_c.c_long(125), header, data) < 0 or not any(data.raw[:16])
"""

_CHECKS = """
late import | a module nobody preloaded comes from the standard library | imports("decimal") and imports("_decimal")
packages | every folder of packages can still be read | all(_o.listdir(folder) for folder in _y.path if folder)
passwords | the machine's files cannot be read | denied(reads, "/etc/passwd")
listing | nor its folders listed | denied(_o.listdir, "/etc") and denied(_o.listdir, "/home") and ({own_tmp} or denied(_o.listdir, "/tmp"))
caller | nor the caller's own code | denied(reads, {source!r})
environment | nor another process's environment | denied(reads, "/proc/{owner}/environ") and denied(reads, "/proc/1/environ")
own process | nor this one's own memory | denied(reads, "/proc/self/mem") and denied(reads, "/proc/self/environ")
clean environment | nothing of the caller's environment came along | not set({strangers}) & set(_o.environ)
library | the interpreter cannot be written | denied(writes, _o.__file__)
temporary | nor the machine's temporary folders | denied(writes, "/var/tmp/canary") and ({own_tmp} or denied(writes, "/tmp/canary"))
root folder | nor the root folder | denied(_o.mkdir, "/canary")
internet | no internet socket | denied(_s.socket, 2, 1) and denied(_s.socket, 10, 2)
unix socket | no UNIX socket | denied(_s.socket, 1, 1) and denied(_s.socket, 1, 2)
netlink | no netlink or packet socket | denied(_s.socket, 16, 3) and denied(_s.socket, 17, 3) and denied(_s.socket, 40, 1)
fork | no process | denied(_o.fork) and denied(syscall, 58) and denied(syscall, 435, b"\\0" * 88, 88)
clone | no clone without CLONE_THREAD | denied(syscall, 56, 17, 0, 0, 0, 0)
exec | no program | denied(_o.execv, _y.executable or "/bin/sh", ["x"]) and denied(syscall, 322, 0, b"", 0, 0, 0x1000)
signals | no signal to the server or anyone | denied(_o.kill, _o.getppid() or 1, 0) and denied(_o.kill, -1, 0)
ptrace | no tracing | denied(syscall, 101, 0, 0, 0, 0)
memory of others | no reading of others' memory | denied(syscall, 310, _o.getppid(), 0, 0, 0, 0, 0)
namespaces | no namespace | denied(syscall, 272, 0x10000000) and denied(syscall, 308, 0, 0)
mount | no mount, no change of root | denied(syscall, 165, 0, b"/", 0, 0, 0) and denied(_o.chroot, "/")
privileges | no capability | capabilities()
ids | no change of ids | denied(_o.setuid, 0) and denied(_o.setgid, 0)
keys | no keyring, BPF or perf events | denied(syscall, 250, 0, 0) and denied(syscall, 321, 0, 0, 0) and denied(syscall, 298, 0, 0, 0, 0, 0)
rings | no io_uring, no userfaultfd | denied(syscall, 425, 1, 0) and denied(syscall, 323, 0)
handles | no opening by handle, no memory file | denied(syscall, 304, 0, 0, 0) and denied(syscall, 319, b"x", 0)
attributes | no change of modes or times | denied(_o.chmod, _o.__file__, 0o644) and denied(_o.utime, _o.__file__)
descriptors | nothing inherited but the three streams and the channel | sum(not denied(_o.fstat, n) for n in range(64)) <= 4
no new privileges | set-user-id files give nothing | _libc.prctl(39, 0, 0, 0, 0) == 1
"""


def program(tier: Tier, owner: int, source: str, strangers: Collection[str]) -> str:
    """Code that prints the name and meaning of each check that fails, and `all passed` at its end.

    `owner`: pid of the caller; `source`: a file of the caller's; `strangers`: names of the caller's variables, but for
    those that a session has of its own.
    """
    lines = [_PRELUDE]
    for check in _CHECKS.strip().splitlines():
        name, meaning, expression = (part.strip() for part in check.split("|"))
        expression = expression.replace("{owner}", str(owner)).replace("{source!r}", repr(source))
        expression = expression.replace("{strangers}", repr(sorted(strangers)))
        expression = expression.replace("{own_tmp}", str(tier == "strict"))  # there /tmp is the session's own folder
        lines.append(f"if not ({expression}): print({f'{name} ({meaning})'!r})")
    lines.append('print("all passed")')
    return "\n".join(lines)


def judge(tier: Tier, output: str, error: str) -> str | None:
    """None where every check passed, else what failed and what to do."""
    lines = output.strip().splitlines()
    if lines == ["all passed"]:
        return None
    failed = "; ".join(lines[:-1] if lines and lines[-1] == "all passed" else [*lines, error.strip()[-500:]])
    return (
        f"{tier}: the self-test failed: {failed}. Where an import failed, make the interpreter's folders readable for "
        "other users; where an attack passed, this kernel or container lacks what the tier needs: use another tier."
    )
