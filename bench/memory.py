#!/usr/bin/python3
"""Measures the engine's peak memory against --memory, with 200 mixed photos through `thumbwheel run`.

    ./dev bench memory [--photos N] [--memory SIZE] [--workers N] [--isolation process|thread]

The photos are JPEG, progressive JPEG, PNG and WebP of 1 to 24 megapixels (bench/photographs.c). The embedded cloud is a
separate process, which is not counted. The engine and its decoder processes are counted: the proportional set sizes of all
of them (smaps_rollup), sampled every few milliseconds, plus the memory files that they share.
Exits 1 if the peak exceeded --memory plus the constant that docs/measurements.md states.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/outside"))
os.environ.setdefault("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))

import harness  # noqa: E402

CONSTANT_MIB, CONSTANT_WORKER_MIB = 64, 48  # docs/measurements.md
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench memory", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=200, help="number of photos (200)")
    parser.add_argument("--memory", default="300M", help="the engine's --memory (300M)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="worker threads (number of processors)")
    parser.add_argument("--isolation", default="process", choices=("process", "thread"))
    parser.add_argument("--dir", type=Path, help="use the photos in this directory")
    return parser.parse_args()


def photographs(options, folder):
    if options.dir:
        return sorted(path for path in options.dir.iterdir() if path.is_file())
    made = folder / "photographs"
    subprocess.run([ROOT / "build/release/bench/bench_photographs", made, "28", "mixed"], check=True)
    return sorted(made.iterdir())


def process_bytes(pid):
    """Its proportional set size, without the memory files that it has mapped: memory_files counts them, mapped or not."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    whole, shared = (int(re.search(rf"^{name}:\s+(\d+) kB", rollup, re.M).group(1)) for name in ("Pss", "Pss_Shmem"))
    return (whole - shared) * 1024


def memory_files(pid):
    """Inode and bytes of each memory file that a process has open: the kernel's pages, mapped or not."""
    found = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if "memfd:" in os.readlink(path):
                about = os.stat(path)
                found[about.st_ino] = about.st_blocks * 512
        except OSError:
            pass
    return found


def children(pid):
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except OSError:
            pass  # the thread has just ended
    return found


class Peak:
    """The largest sum so far, and its parts."""

    def __init__(self):
        self.total = self.engine = self.decoders = self.files = self.samples = 0

    def sample(self, pid):
        try:
            engine = process_bytes(pid)
            files = memory_files(pid)
        except (OSError, AttributeError):
            return
        decoders = 0
        for child in children(pid):
            try:
                decoders += process_bytes(child)
            except (OSError, AttributeError):
                pass  # it has just ended
        self.samples += 1
        total = engine + decoders + sum(files.values())
        if total > self.total:
            self.total, self.engine, self.decoders, self.files = total, engine, decoders, sum(files.values())


def run(options, cloud, photos, names):
    s3, sqs = cloud.client("s3"), cloud.client("sqs")  # the cloud has created the bucket, topic and queues
    urls = [sqs.get_queue_url(QueueName=f"{name}-queue")["QueueUrl"] for name in names]
    for number in range(options.photos):
        path = photos[number % len(photos)]
        s3.put_object(Bucket="photos", Key=f"ingest/{number:04}-{path.name}", Body=path.read_bytes())
    began = time.monotonic()
    engine = harness.Process("run", "--memory", options.memory, "--workers", options.workers, "--isolation",
                             options.isolation, "--log-format", "json", "--log-level", "warn", "--endpoint",
                             cloud.endpoint, "--pipelines", ROOT / "pipelines",
                             environment=harness.aws_environment())
    peak = Peak()
    looked = 0
    while engine.running():
        peak.sample(engine.process.pid)
        if time.monotonic() - looked > 1:
            looked = time.monotonic()
            if all(harness.depth(sqs, url) == (0, 0, 0) for url in urls):
                break
    took = time.monotonic() - began
    engine.stop(signal.SIGTERM)
    dead = sum(sum(harness.depth(sqs, url)) for url in
               sqs.list_queues()["QueueUrls"] if url.endswith("-dlq"))
    stored = {name: sum(page["KeyCount"] for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket="photos", Prefix=f"{name}/")) for name in names}
    return peak, took, stored, dead, engine


def main():
    options = arguments()
    names = ["thumbnail", "web", "mobile", "tags"]
    harness.set_home(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="thumbwheel-memory-") as folder:
        folder = Path(folder)
        photos = photographs(options, folder)
        cloud = harness.Cloud(folder / "data", "--cloud-only")
        try:
            peak, took, stored, dead, engine = run(options, cloud, photos, names)
        finally:
            cloud.stop()
    budget = int(options.memory[:-1]) * UNITS[options.memory[-1]]
    bound = budget + (CONSTANT_MIB + CONSTANT_WORKER_MIB * options.workers) * 2**20
    mib = 2**20
    print(f"{options.photos} photos ({len(photos)} different), --memory {options.memory}, {options.workers} workers, "
          f"--isolation {options.isolation}: {took:.0f} s, {peak.samples} samples")
    print(f"stored {stored}, dead letters {dead}")
    print(f"peak {peak.total / mib:.0f} MiB (engine {peak.engine / mib:.0f}, decoders {peak.decoders / mib:.0f}, "
          f"shared memory files {peak.files / mib:.0f}); limit {bound / mib:.0f} MiB")
    done = all(count == options.photos for count in stored.values()) and not dead
    if engine.lines:
        print("\n".join(engine.lines[-5:]))
    return 0 if done and peak.total <= bound else 1


if __name__ == "__main__":
    sys.exit(main())
