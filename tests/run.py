#!/usr/bin/python3
"""Runs every test and ends with one line: N passed, N failed, N skipped.

clang-format and clang-tidy come first (lint.py; each file counts as one test). Then C tests (cmocka, built with
sanitizers), some of them under valgrind, the fuzz targets that `./dev fuzz` has built, their seeds and some thousand
inputs each, and the tests from outside (one pytest for each file or part of one, with the sanitized binary).

Many tests mostly wait. durations.txt says how long each takes and how much of that it computes; those that take longest
start first, and as many run at once as keep the processors busy. The file changes nothing but the time.

With arguments: only those whose file name contains one of them.
run.py --durations NAME... writes durations.txt anew for what it runs, and prints what takes the most processor time.
run.py --targets PRESET NAME... prints what has to be built for that.
"""
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from PIL import Image

import lint
import sanitizers
from fuzz import run as fuzz

ROOT = Path(__file__).resolve().parent.parent
ASAN = ROOT / "build/asan-ubsan"
TSAN = ROOT / "build/tsan"
PLAIN = ROOT / "build/dev"
OUTSIDE = ROOT / "tests/outside"
TIMEOUT_S = 1200
FUZZ_S, FUZZ_INPUTS = 1, 2000  # the seeds, and a little more, whichever ends first; ./dev fuzz searches
AT_ONCE = len(os.sched_getaffinity(0))
LOOK_S = 1  # between two looks at the processors
DURATIONS = ROOT / "tests/durations.txt"
USUAL_S = 1  # what is not in the file

# How many processors what runs at once would use if each test computed steadily: more than there are, since none does.
BUSY = 1.6 * AT_ONCE
AT_MOST = 8 * AT_ONCE

# Files that take long and have nothing in common: an expression for pytest's -k for each part; the last part is the rest.
PARTS = {"test_gallery_page": ["look", "photos or units", "uploads"]}

# The engine over a stub codec is what ThreadSanitizer can judge: libvips and GLib are not instrumented.
TSAN_TESTS = ["engine", "admission", "reload", "memory_budget", "leases", "worker_queue", "http_client", "http_server",
              "storage", "queues", "object_cache", "amqp_connection"]

# A build without sanitizers runs under memcheck: the job path over a stub codec, and a photo on its way through
# the whole program. Errors of the libraries would be suppressed here, each with a reason; there are none.
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--fair-sched=yes"]
VALGRIND_TESTS = ["engine", "reload"]

ENVIRONMENT = dict(os.environ, **sanitizers.OPTIONS, CMOCKA_MESSAGE_OUTPUT="xml")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.processor_s, self.seconds = 0.0, {}

    def count(self, held):
        self.passed += held
        self.failed += not held

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.processor_s += other.processor_s
        self.seconds |= other.seconds

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


class Run:
    """One program of tests: its label, and a function that runs it, counts in a tally and returns what to print."""

    def __init__(self, label, function, *arguments):
        self.label, self.function, self.arguments = label, function, arguments
        self.seconds, processor_s = durations().get(label, (USUAL_S, USUAL_S))
        self.share = processor_s / self.seconds  # of a processor, on average

    def result(self):
        """Its own tally, and its lines, so that those of two runs don't mix."""
        began, tally = time.monotonic(), Tally()
        output = self.function(tally, *self.arguments)
        outcome = "FAIL" if tally.failed else "ok  " if tally.passed else "skip"
        tally.seconds[self.label] = time.monotonic() - began, tally.processor_s
        times = f"{time.monotonic() - began:.1f} s, processor {tally.processor_s:.1f} s"
        return tally, f"{outcome} {self.label}  ({times})" + (f"\n{output}" if output else "")


@functools.cache
def durations():
    """By label: seconds, and processor seconds of them."""
    rows = (line.split(maxsplit=2) for line in DURATIONS.read_text().splitlines() if not line.startswith("#"))
    return {label: (float(seconds), float(processor_s)) for seconds, processor_s, label in rows}


def write_durations(measured, labels):
    """measured: as durations(); labels: of all tests that there are."""
    rows = {label: row for label, row in (durations() | measured).items() if label in labels and row[0] > USUAL_S}
    lines = [f"{seconds:6.1f} {processor_s:6.1f}  {label}\n" for label, (seconds, processor_s) in sorted(rows.items())]
    DURATIONS.write_text("# Written by run.py --durations: seconds, processor seconds, test\n" + "".join(lines))
    for label, (seconds, processor_s) in sorted(measured.items(), key=lambda row: -row[1][1])[:30]:
        print(f"{processor_s:6.1f} s of {seconds:6.1f} s  {label}")


class Processors:
    """Tells whether one of them has been idle for a look's time, as /proc/stat says."""

    def __init__(self):
        self.looked, self.idle_ticks = time.monotonic(), self.ticks()

    @staticmethod
    def ticks():
        return int(Path("/proc/stat").read_text().split(maxsplit=5)[4])

    def one_is_idle(self):
        """False, too, when the last look is too recent: a program that has just started is not seen yet."""
        now = time.monotonic()
        if now - self.looked < LOOK_S:
            return False
        idle_ticks = self.ticks()
        idle = (idle_ticks - self.idle_ticks) / os.sysconf("SC_CLK_TCK") / (now - self.looked)
        self.looked, self.idle_ticks = now, idle_ticks
        return idle > 0.5


def next_to_start(waiting, running, processors):
    """The first that the processors have time for, or None."""
    if len(running) >= AT_MOST:
        return None
    busy = sum(run.share for run in running)
    fitting = next((run for run in waiting if not running or busy + run.share <= BUSY), None)
    return fitting or (waiting[0] if waiting and processors.one_is_idle() else None)


def execute(tally, runs):
    """Runs them, the longest first."""
    waiting, running, processors = sorted(runs, key=lambda run: -run.seconds), {}, Processors()
    with ThreadPoolExecutor(AT_MOST) as pool:
        while waiting or running:
            while run := next_to_start(waiting, running.values(), processors):
                waiting.remove(run)
                running[pool.submit(run.result)] = run
            ended, _ = wait(running, timeout=LOOK_S if waiting else None, return_when=FIRST_COMPLETED)
            for done in ended:
                del running[done]
                counted, text = done.result()
                tally.add(counted)
                print(text, flush=True)


def end_of(tally, command, **options):
    """A program's exit code and output; -1 if it did not end in time. Adds the processor time of it and of all
    processes that it waited for."""
    try:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    except FileNotFoundError as missing:
        return -1, f"{missing}: ./dev test builds it"
    late = threading.Event()
    timer = threading.Timer(TIMEOUT_S, lambda: (late.set(), process.kill()))
    timer.start()
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    tally.processor_s += usage.ru_utime + usage.ru_stime
    return (-1, f"did not end within {TIMEOUT_S} s\n{output}") if late.is_set() else (process.returncode, output)


class PytestServer:
    """pytest_server.py, started when it is needed first."""

    def __init__(self):
        self.lock, self.process, self.folder = threading.Lock(), None, None

    def connect(self):
        with self.lock:
            if not self.process:
                self.folder = tempfile.TemporaryDirectory()
                self.process = subprocess.Popen([sys.executable, ROOT / "tests/pytest_server.py", f"{self.folder.name}/socket"],
                                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                self.process.stdout.readline()  # it is ready
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{self.folder.name}/socket")
        return connection

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.folder.cleanup()

    def end_of(self, tally, arguments, environment, output):
        """pytest's exit code and output; -1 if it did not end in time, or died."""
        with self.connect() as connection, connection.makefile("rw") as lines:
            pid = int(lines.readline())
            print(json.dumps({"arguments": arguments, "environment": environment, "output": str(output)}), file=lines, flush=True)
            late = threading.Event()
            timer = threading.Timer(TIMEOUT_S, lambda: (late.set(), os.kill(pid, signal.SIGKILL)))
            timer.start()
            code, seconds = lines.readline().split() or (-1, 0)
            timer.cancel()
        tally.processor_s += float(seconds)
        text = output.read_text(errors="replace")
        return int(code), f"did not end within {TIMEOUT_S} s\n{text}" if late.is_set() else text


pytest_server = PytestServer()


def run_unit(tally, executable, under=()):
    """One cmocka executable. A crash, a leak or a hang is one failure more than its report holds."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        code, output = end_of(tally, [*under, executable], env=dict(ENVIRONMENT, CMOCKA_XML_FILE=str(report)))
        failed = tally.add_xml(report) if report.exists() and report.stat().st_size else 0
        if code != 0 and (code < 0 or code >= 98 or failed == 0):
            tally.failed += 1
        details = report.read_text(errors="replace") if tally.failed and report.exists() else ""
    return f"exit code {code}\n{output}\n{details}" if tally.failed else ""


def run_photo_under_valgrind(tally):
    """One photo through cloud, engine and libvips in one process. Counts as one test."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        Image.new("RGB", (64, 48), (40, 90, 160)).save(photo)
        code, output = end_of(tally, [*VALGRIND, PLAIN / "thumbwheel", "process", "--isolation=thread", "--workers=1",
                               f"--out={folder}/out", photo], env=dict(os.environ, HOME=folder))
    # valgrind 3.19 has no RDTSCP on some processors, which libvips' libhwy runs when it is loaded: nothing of ours has run.
    if code != 0 and "Illegal opcode" in output and "libhwy" in output:
        tally.skipped += 1
        return "valgrind can't run libhwy's timer on this processor"
    tally.count(code == 0)
    return "" if code == 0 else output


def run_fuzz(tally, name, executable):
    """One fuzz target, from its seeds. Counts as one test."""
    held, output, tally.processor_s = fuzz.fuzz_short(name, executable, FUZZ_S, FUZZ_INPUTS)
    tally.count(held)
    return "" if held else output


def run_outside(tally, path, part):
    """One file of tests from outside, or a part of it, in a pytest of its own: its clouds and its home are its own, too."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        arguments = ["-q", "-p", "no:cacheprovider", "--tb=short", "-rfEs", f"--basetemp={folder}/pytest",
                     f"--junit-xml={report}", *(["-k", part] if part else []), str(path)]
        code, output = pytest_server.end_of(tally, arguments, dict(ENVIRONMENT, THUMBWHEEL=str(ASAN / "thumbwheel")),
                                            Path(folder) / "output")
        failed = tally.add_xml(report) if report.exists() else 0
        if code != 0 and failed == 0:
            tally.failed += 1
    skips = [line for line in output.splitlines() if line.startswith("SKIPPED")]
    return output if tally.failed else "\n".join(skips)


def unit_executables(build):
    return sorted(path for path in (build / "tests").glob("test_*") if os.access(path, os.X_OK)
                  and path.is_file())


def outside_runs():
    """Of each file: the label, the path and the part."""
    for path in sorted(OUTSIDE.glob("test_*.py")):
        parts = PARTS.get(path.stem, [])
        for part in parts:
            yield f"outside/{path.stem} ({part})", path, part
        yield f"outside/{path.stem}" + " (rest)" * bool(parts), path, " and ".join(f"not ({part})" for part in parts)


def wanted(name, filters):
    return not filters or any(part in name for part in filters)


def unit_runs():
    for executable in unit_executables(ASAN):
        yield Run(f"{executable.name} (ASan, UBSan)", run_unit, executable)
    for name in TSAN_TESTS:
        yield Run(f"test_{name} (TSan)", run_unit, TSAN / "tests" / f"test_{name}")
    for name in VALGRIND_TESTS:
        yield Run(f"test_{name} (valgrind)", run_unit, PLAIN / "tests" / f"test_{name}", VALGRIND)
    yield Run("a photo (valgrind)", run_photo_under_valgrind)


def all_runs():
    yield from unit_runs()
    for name, executable in fuzz.targets().items():
        yield Run(f"fuzz_{name}", run_fuzz, name, executable)
    for label, path, part in outside_runs():
        yield Run(label, run_outside, path, part)


def programs(preset, prefix):
    """The programs that a build can make, by the names of their targets."""
    rules = subprocess.run(["ninja", "-C", ROOT / "build" / preset, "-t", "targets", "all"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    return [name for name, _, rule in (line.partition(": ") for line in rules.splitlines())
            if rule == "phony" and name.startswith(prefix)]


def targets(preset, filters):
    """What the tests that match need from a build: the labels are those of all_runs()."""
    if preset == "tsan":
        return [f"test_{name}" for name in TSAN_TESTS if wanted(f"test_{name} (TSan)", filters)]
    if preset == "dev":
        return ([f"test_{name}" for name in VALGRIND_TESTS if wanted(f"test_{name} (valgrind)", filters)]
                + ["thumbwheel"] * wanted("a photo (valgrind)", filters)
                + ["package_files"] * wanted("outside/test_package", filters))
    if preset == "fuzz":
        return [name for name in programs(preset, "fuzz_") if wanted(name, filters)]
    if wanted("outside/test_readme", filters):
        return ["all"]  # its commands run the benchmarks' programs, too
    return ([name for name in programs(preset, "test_") if wanted(f"{name} (ASan, UBSan)", filters)]
            + ["thumbwheel"] * any(wanted(label, filters) for label, _, _ in outside_runs()))


def run_lint(tally):
    """The tools' findings in the sources."""
    began, failed = time.monotonic(), 0
    for name, held, output in lint.results():
        tally.count(held)
        if not held:
            failed += 1
            print(f"FAIL {name}\n{output}", flush=True)
    print(f"{'FAIL' if failed else 'ok  '} lint  ({time.monotonic() - began:.1f} s)", flush=True)


def main():
    if sys.argv[1:2] == ["--targets"]:
        print(*targets(sys.argv[2], sys.argv[3:]))
        return 0
    measures = sys.argv[1:2] == ["--durations"]
    filters, tally, everything = sys.argv[1 + measures:], Tally(), list(all_runs())
    if not filters or "lint" in filters:
        run_lint(tally)
    try:
        execute(tally, [run for run in everything if wanted(run.label, filters)])
    finally:
        pytest_server.stop()
    if tally.passed + tally.failed + tally.skipped == 0:
        print(f"no test matches {' '.join(filters)}")
        return 2
    if measures:
        write_durations(tally.seconds, {run.label for run in everything})
    print(f"processor time without lint: {tally.processor_s:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
