#!/usr/bin/python3
"""Runs every test and ends with one line: N passed, N failed, N skipped.

clang-format and clang-tidy (lint.py; each file counts as one test), C tests (cmocka, built with sanitizers) one
executable after another, then the fuzz targets that `./dev fuzz` has built, some seconds each, then the tests from
outside (pytest, with the sanitized binary). With arguments: only those whose
file name contains one of them.
"""
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

import lint
import sanitizers
from fuzz import run as fuzz

ROOT = Path(__file__).resolve().parent.parent
ASAN = ROOT / "build/asan-ubsan"
TSAN = ROOT / "build/tsan"
PLAIN = ROOT / "build/dev"
UNIT_TIMEOUT_S = 600
FUZZ_S = 20
FUZZ_AT_ONCE = 2

# The engine over a stub codec is what ThreadSanitizer can judge: libvips and GLib are not instrumented.
TSAN_TESTS = ["engine", "admission", "reload", "memory_budget", "leases", "worker_queue", "http_client", "http_server",
              "storage", "queues", "object_cache"]

# A build without sanitizers runs under memcheck: the job path over a stub codec, and a photo on its way through
# the whole program. Errors of the libraries would be suppressed here, each with a reason; there are none.
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--fair-sched=yes"]
VALGRIND_TESTS = ["engine", "reload"]

ENVIRONMENT = dict(os.environ, **sanitizers.OPTIONS, CMOCKA_MESSAGE_OUTPUT="xml")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add_xml(self, path):
        """Counts the cases of a JUnit-style report; returns the number of failed ones."""
        failed = 0
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None:
                self.skipped += 1
            else:
                self.passed += 1
        self.failed += failed
        return failed


def run_unit(tally, executable, label, under=()):
    """One cmocka executable. A crash, a leak or a hang is one failure more than its report holds."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        environment = dict(ENVIRONMENT, CMOCKA_XML_FILE=str(report))
        try:
            done = subprocess.run([*under, executable], cwd=ROOT, env=environment, timeout=UNIT_TIMEOUT_S,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace")
            code, output = done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            code, output = -1, f"no end after {UNIT_TIMEOUT_S} s\n{late.stdout or ''}"
        failed = tally.add_xml(report) if report.exists() and report.stat().st_size else 0
        if code != 0 and (code < 0 or code >= 98 or failed == 0):
            tally.failed += 1
            failed += 1
        details = report.read_text(errors="replace") if failed and report.exists() else ""
    print(f"{'FAIL' if failed else 'ok  '} {label}  ({time.monotonic() - began:.1f} s)", flush=True)
    if failed:
        print(f"exit code {code}\n{output}\n{details}", flush=True)


def run_photo_under_valgrind(tally):
    """One photo through cloud, engine and libvips in one process. Counts as one test."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        Image.new("RGB", (64, 48), (40, 90, 160)).save(photo)
        try:
            done = subprocess.run([*VALGRIND, PLAIN / "thumbwheel", "process", "--isolation=thread", "--workers=1",
                                   f"--out={folder}/out", photo], env=dict(os.environ, HOME=folder), timeout=UNIT_TIMEOUT_S,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
            held, output = done.returncode == 0, done.stdout
        except subprocess.TimeoutExpired as late:
            held, output = False, f"no end after {UNIT_TIMEOUT_S} s\n{late.stdout or ''}"
    # valgrind 3.19 has no RDTSCP on some processors, which libvips' libhwy runs when it is loaded: nothing of ours has run.
    if not held and "Illegal opcode" in output and "libhwy" in output:
        tally.skipped += 1
        print("skip a photo (valgrind): valgrind can't run libhwy's timer on this processor", flush=True)
        return
    tally.passed += held
    tally.failed += not held
    print(f"{'ok  ' if held else 'FAIL'} a photo (valgrind)  ({time.monotonic() - began:.1f} s)", flush=True)
    if not held:
        print(output, flush=True)


def run_valgrind(tally, filters):
    for name in VALGRIND_TESTS:
        executable = PLAIN / "tests" / f"test_{name}"
        if wanted(executable.name, filters):
            run_unit(tally, executable, f"{executable.name} (valgrind)", VALGRIND)
    if wanted("valgrind", filters):
        run_photo_under_valgrind(tally)


def unit_executables(build):
    return sorted(path for path in (build / "tests").glob("test_*") if os.access(path, os.X_OK)
                  and path.is_file())


def wanted(name, filters):
    return not filters or any(part in name for part in filters)


def run_fuzz(tally, targets):
    """Fuzz targets, from their seeds, a few at a time. Each counts as one test."""
    with ThreadPoolExecutor(FUZZ_AT_ONCE) as pool:
        runs = {name: pool.submit(fuzz.fuzz_short, name, executable, FUZZ_S)
                for name, executable in targets.items()}
        for name, run in runs.items():
            held, output = run.result()
            tally.passed += held
            tally.failed += not held
            print(f"{'ok  ' if held else 'FAIL'} fuzz_{name} ({FUZZ_S} s)", flush=True)
            if not held:
                print(output, flush=True)


def run_lint(tally):
    """The tools' findings in the sources."""
    began, failed = time.monotonic(), 0
    for name, held, output in lint.results():
        tally.passed += held
        tally.failed += not held
        if not held:
            failed += 1
            print(f"FAIL {name}\n{output}", flush=True)
    print(f"{'FAIL' if failed else 'ok  '} lint  ({time.monotonic() - began:.1f} s)", flush=True)


def run_outside(tally, filters):
    files = sorted(path for path in (ROOT / "tests/outside").glob("test_*.py")
                   if wanted(path.stem, filters))
    if not files:
        return
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short",
             f"--junit-xml={report}", *map(str, files)],
            cwd=ROOT, env=dict(ENVIRONMENT, THUMBWHEEL=str(ASAN / "thumbwheel"))).returncode
        failed = tally.add_xml(report) if report.exists() else 0
        if code != 0 and failed == 0:
            tally.failed += 1


def main():
    filters = sys.argv[1:]
    tally = Tally()
    if not filters or "lint" in filters:
        run_lint(tally)
    for executable in unit_executables(ASAN):
        if wanted(executable.name, filters):
            run_unit(tally, executable, f"{executable.name} (ASan, UBSan)")
    for name in TSAN_TESTS:
        executable = TSAN / "tests" / f"test_{name}"
        if wanted(executable.name, filters):
            run_unit(tally, executable, f"{executable.name} (TSan)")
    run_valgrind(tally, filters)
    run_fuzz(tally, {name: executable for name, executable in fuzz.targets().items()
                     if wanted(executable.name, filters)})
    run_outside(tally, filters)
    if tally.passed + tally.failed + tally.skipped == 0:
        print(f"no test matches {' '.join(filters)}")
        return 2
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
