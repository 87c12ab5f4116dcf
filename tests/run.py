#!/usr/bin/python3
"""Runs every test and ends with one line: N passed, N failed, N skipped.

clang-format and clang-tidy come first (lint.py; each file counts as one test). Then, the slow ones first and as many at
once as there are processors, or up to six times as many while a processor is idle, since many tests mostly wait: C tests
(cmocka, built with sanitizers), some of them under valgrind, the fuzz targets that `./dev fuzz` has built, their seeds
and some thousand inputs each, and the tests from outside (one pytest for each file, with the sanitized binary). Those
that measure time or memory run alone at the end. With arguments: only those whose file name contains one of them.
run.py --targets PRESET NAME... prints what has to be built for that.
"""
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

# What runs for ten seconds or more, the slowest first: started last, it would keep one processor busy and the others
# idle. The order changes nothing but the time.
SLOW = ["outside/test_terraform", "outside/test_gallery_page", "outside/test_container", "outside/test_credentials", "outside/test_faults", "outside/test_peers",
        "outside/test_examples", "outside/test_first_run", "outside/test_service", "outside/test_notify",
        "outside/test_readme", "outside/test_dlq", "outside/test_sns_recorded", "outside/test_tracing",
        "outside/test_bad_input", "a photo (valgrind)", "outside/test_isolation", "outside/test_commands",
        "outside/test_gate", "test_isolation (ASan, UBSan)", "test_isolation_results (ASan, UBSan)",
        "outside/test_soak", "test_render_sharing (ASan, UBSan)", "outside/test_deploy_run",
        "outside/test_credential_rotation", "outside/test_metrics", "outside/test_sqs",
        "test_render_sizes (ASan, UBSan)", "outside/test_tls", "outside/test_sns_delivery", "outside/test_engines",
        "outside/test_process_output", "outside/test_image_sheet", "outside/test_quality_search", "outside/test_s3",
        "outside/test_image_page", "outside/test_colours", "outside/test_package"]
# What measures: the processor time of an idle process, the peak memory of a busy one.
ALONE = ["outside/test_memory", "outside/test_resources"]

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
        self.processor_s = 0.0

    def count(self, held):
        self.passed += held
        self.failed += not held

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.processor_s += other.processor_s

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

    def result(self):
        """Its own tally, and its lines, so that those of two runs don't mix."""
        began, tally = time.monotonic(), Tally()
        output = self.function(tally, *self.arguments)
        outcome = "FAIL" if tally.failed else "ok  " if tally.passed else "skip"
        times = f"{time.monotonic() - began:.1f} s, processor {tally.processor_s:.1f} s"
        return tally, f"{outcome} {self.label}  ({times})" + (f"\n{output}" if output else "")


def place(run):
    """Where a run stands in the order of starts."""
    return SLOW.index(run.label) if run.label in SLOW else len(SLOW)


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


def execute(tally, runs, at_once, at_most):
    """Runs them, at_once at a time, or up to at_most while a processor is idle."""
    waiting, running, processors = sorted(runs, key=place), set(), Processors()
    with ThreadPoolExecutor(at_most) as pool:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.add(pool.submit(waiting.pop(0).result))
            if waiting and len(running) < at_most and processors.one_is_idle():
                running.add(pool.submit(waiting.pop(0).result))
            ended, running = wait(running, timeout=LOOK_S if waiting else None, return_when=FIRST_COMPLETED)
            for done in ended:
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
    held, output = fuzz.fuzz_short(name, executable, FUZZ_S, FUZZ_INPUTS)
    tally.count(held)
    return "" if held else output


def run_outside(tally, path):
    """One file of tests from outside, in a pytest of its own: its clouds and its home are its own, too."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        arguments = ["-q", "-p", "no:cacheprovider", "--tb=short", "-rfEs", f"--basetemp={folder}/pytest",
                     f"--junit-xml={report}", str(path)]
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


def outside_files():
    return sorted(OUTSIDE.glob("test_*.py"))


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
    for path in outside_files():
        yield Run(f"outside/{path.stem}", run_outside, path)


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
            + ["thumbwheel"] * any(wanted(f"outside/{path.stem}", filters) for path in outside_files()))


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
    filters, tally = sys.argv[1:], Tally()
    if not filters or "lint" in filters:
        run_lint(tally)
    runs = [run for run in all_runs() if wanted(run.label, filters)]
    try:
        execute(tally, [run for run in runs if run.label not in ALONE], AT_ONCE, 6 * AT_ONCE)
        execute(tally, [run for run in runs if run.label in ALONE], 1, 1)
    finally:
        pytest_server.stop()
    if tally.passed + tally.failed + tally.skipped == 0:
        print(f"no test matches {' '.join(filters)}")
        return 2
    print(f"processor time without lint: {tally.processor_s:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
