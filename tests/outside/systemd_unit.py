#!/usr/bin/python3
"""The sandbox options of a systemd unit that need no systemd: systemd_unit.py UNIT COMMAND... runs a command under them.

It has no capabilities and gains none, makes only the system calls of SystemCallFilter=, opens only sockets of
RestrictAddressFamilies=, and has no memory that is writable and executable (MemoryDenyWriteExecute=).
"""
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

PROT_WRITE, PROT_EXEC = 2, 4


def settings(path):
    """The values of each setting, in order."""
    found = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", Path(path).read_text(), re.M):
        found.setdefault(name, []).append(value)
    return found


def call_sets():
    """The members of each set of system calls of this systemd: calls, and other sets."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=True, timeout=60)
    sets, members = {}, set()
    for line in done.stdout.splitlines():
        if line.startswith("@"):
            members = sets.setdefault(line, set())
        elif line.strip() and not line.strip().startswith("#"):
            members.add(line.strip())
    return sets


def allowed_calls(unit):
    """SystemCallFilter=: each line adds calls, or with ~ removes them."""
    sets, allowed = call_sets(), set()

    def calls(word):
        return set().union(*map(calls, sets[word])) if word.startswith("@") else {word}

    for line in settings(unit)["SystemCallFilter"]:
        chosen = set().union(*map(calls, line.removeprefix("~").split()))
        allowed = allowed - chosen if line.startswith("~") else allowed | chosen
    return allowed


def enter(unit):
    import seccomp
    from seccomp import ALLOW, EQ, MASKED_EQ, Arg

    families = [getattr(socket, name) for name in settings(unit)["RestrictAddressFamilies"][0].split()]
    conditions = {
        "socket": [Arg(0, EQ, family) for family in families],
        "mmap": [Arg(2, MASKED_EQ, PROT_WRITE | PROT_EXEC, bits) for bits in (0, PROT_WRITE, PROT_EXEC)],
        "mprotect": [Arg(2, MASKED_EQ, PROT_EXEC, 0)],
    }
    assert settings(unit)["MemoryDenyWriteExecute"] == ["yes"]
    rules = seccomp.SyscallFilter(defaction=seccomp.ERRNO(1))
    for call in sorted(allowed_calls(unit)):
        if seccomp.resolve_syscall(seccomp.Arch(), call) < 0:
            continue  # of another architecture
        for condition in conditions.get(call, [None]):
            rules.add_rule(ALLOW, call, *([condition] if condition else []))
    rules.load()


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] != "--inside":
        os.execvp("setpriv", ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--", sys.executable,
                              __file__, "--inside", *sys.argv[1:]])
    enter(sys.argv[2])
    os.execvp(sys.argv[3], sys.argv[3:])
