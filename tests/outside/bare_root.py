"""
Debian roots for tests: bare, as debootstrap makes them, or with some packages more.

A root is made once and kept in the user's cache; two test runs at the same time make it once. What a test does happens
in a layer above it, in memory, which disappears with the test's processes. A test is skipped where such a root can't be
made or used: that takes debootstrap, root, overlayfs and, the first time, a mirror of Debian.
"""
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "thumbwheel"
TIMEOUT_S = 600  # a slow mirror, on a busy machine
APT = "DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"

# Everything that these mount ends with the processes.
NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
ENTER = """
set -e
mount --bind "$0" "$0"
cd "$0"
mount -t proc proc proc
: 2>/dev/null >dev/null || mount --bind /dev dev
pivot_root . .
umount -l .
cd /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 /bin/sh -c "$1"
"""
ENTER_LAYER = """
set -e
mount -t tmpfs tmpfs "$2"
mkdir "$2/changes" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=$0,upperdir=$2/changes,workdir=$2/work" "$2/root"
cp -r "$3" "$2/root/given"
exec sh -c "$4" "$2/root" "$1"
"""


def run(command, **options):
    """Its end; one that comes too late is a failure, too."""
    try:
        return subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=TIMEOUT_S, **options)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(late.cmd, -1, f"did not end within {TIMEOUT_S} s", None)


def enter(root, script):
    """Runs a shell script in the root itself, and changes it."""
    return run([*NAMESPACES, "sh", "-c", ENTER, root, script])


def try_in(root, script, folder):
    """Runs it above the root, where a copy of the folder is /given. What it changes is forgotten."""
    with tempfile.TemporaryDirectory() as place:
        return run([*NAMESPACES, "sh", "-c", ENTER_LAYER, root, script, place, folder, ENTER])


@contextlib.contextmanager
def locked():
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{SUITE}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def skip_unless(done, what):
    if done.returncode != 0:
        pytest.skip(f"{what}: {(done.stdout.strip().splitlines() or ['no reason given'])[-1]}")


def cached(name, make):
    """The root of this name; make(path) makes it, in another place first, so that half a root is never used."""
    root, unfinished = CACHE / name, CACHE / f"{name}.new"
    with locked():
        if not root.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            try:
                make(unfinished)
                unfinished.rename(root)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    return root


def debootstrap(path):
    """Its mounts and processes are in namespaces of their own, which end with it."""
    skip_unless(run([*NAMESPACES, "debootstrap", "--variant=minbase", SUITE, path, MIRROR]), "debootstrap")


def base():
    """The root of debootstrap's minbase, to be read."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("a bare root needs root and debootstrap")
    return cached(SUITE, debootstrap)


def bare_root():
    """The same, where tests can run in layers above it."""
    root = base()
    with tempfile.TemporaryDirectory() as nothing:
        skip_unless(try_in(root, "true", nothing), "a root can't be used here")
    return root


def root_with(name, packages):
    """A root that also has these packages of Debian and what they depend on; of each name, the last one is kept."""
    bare = bare_root()
    digest = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]

    def make(path):
        for older in CACHE.glob(f"{SUITE}-{name}-*"):
            shutil.rmtree(older, ignore_errors=True)
        skip_unless(run(["cp", "-a", bare, path]), "cp")
        shutil.copy("/etc/resolv.conf", path / "etc/resolv.conf")
        skip_unless(enter(path, f"{APT} update && {APT} install -y --no-install-recommends {' '.join(packages)} && "
                                "apt-get clean && rm -rf /var/lib/apt/lists/*"), "apt-get")

    return cached(f"{SUITE}-{name}-{digest}", make)
