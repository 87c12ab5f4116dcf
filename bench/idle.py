#!/usr/bin/python3
"""Measures the startup time of the embedded cloud and its cost when idle.

    ./dev bench idle [--seconds S] [--starts N] [--out DIR] [-- OPTION...]

start   from the start of the process to the first response (the request is unsigned, so the response is an error): the
        median of the starts with an empty data directory, and of as many starts with a used one
idle    resident memory, and how often a thread of the process woke up during S seconds without requests

Arguments after -- are passed to `thumbwheel local --cloud-only`.
"""
import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))
START_TIMEOUT_S = 30
GOALS = {"start_ms": 50, "resident_mib": 20, "wakeups": 0}


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def first_response(port, process):
    """Seconds until the first response; retries at once while the port is closed."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < START_TIMEOUT_S and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=START_TIMEOUT_S) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if peer.recv(64).startswith(b"HTTP/1.1 "):
                    return time.perf_counter() - begun
        except ConnectionRefusedError:
            time.sleep(0.0005)
    raise SystemExit("the embedded cloud did not start")


@contextlib.contextmanager
def cloud(data, options):
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "THUMBWHEEL_"))}
    with tempfile.TemporaryFile("w+") as said:  # printed only on failure
        process = subprocess.Popen([PROGRAM, "local", "--cloud-only", "--port", str(port), "--data", data, *options],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=environment)
        try:
            yield process, first_response(port, process)
        finally:
            process.send_signal(signal.SIGTERM)
            if process.wait():
                said.seek(0)
                print(said.read(), file=sys.stderr)


def status(pid, name):
    """The sum over all threads of a number in /proc/PID/task/*/status."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith(name + ":"):
                total += int(line.split()[1])
    return total


def switches(pid):
    return status(pid, "voluntary_ctxt_switches") + status(pid, "nonvoluntary_ctxt_switches")


def resident_mib(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:")) / 1024


def measure(seconds, starts, options):
    folder = Path(tempfile.mkdtemp(prefix="thumbwheel-idle-"))
    fresh, again = [], []
    try:
        for i in range(starts):
            for times in (fresh, again):
                with cloud(folder / str(i), options) as (_, took):
                    times.append(took * 1000)
        with cloud(folder / "idle", options) as (process, _):
            time.sleep(2)  # until the client connection is closed and startup work is done
            before = switches(process.pid)
            time.sleep(seconds)
            woken = switches(process.pid) - before
            memory = resident_mib(process.pid)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"start_ms": statistics.median(fresh), "start_again_ms": statistics.median(again),
            "start_range_ms": [min(fresh), max(fresh)], "start_again_range_ms": [min(again), max(again)],
            "resident_mib": memory, "wakeups": woken, "seconds": seconds, "starts": starts}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results")
    parser.add_argument("options", nargs="*")
    arguments = parser.parse_args()
    found = measure(arguments.seconds, arguments.starts, arguments.options)
    for name, where in (("start", "an empty data directory"), ("start_again", "a used one")):
        low, high = found[f"{name}_range_ms"]
        print(f"first response after  {found[f'{name}_ms']:.1f} ms with {where}, from {low:.1f} to {high:.1f} (goal: under "
              f"{GOALS['start_ms']})")
    print(f"idle memory           {found['resident_mib']:.1f} MiB resident (goal: under {GOALS['resident_mib']})")
    print(f"idle wake-ups         {found['wakeups']} in {found['seconds']} s (goal: {GOALS['wakeups']})")
    arguments.out.mkdir(parents=True, exist_ok=True)
    found["machine"] = {"system": platform.platform(), "processors": os.cpu_count(),
                        "load": os.getloadavg()[0]}
    (arguments.out / "idle.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
