#!/usr/bin/python3
"""Measures whether memory stays flat: photos arrive at a part of the engine's speed, for an hour.

    ./dev bench soak [--minutes M] [--load F | --rate PER_S] [--photos N | --dir DIR] [--out DIR]

The embedded cloud and the engine are processes of their own. Photos are uploaded at random times (Poisson) under new names, and
the cloud announces them to three queues; each becomes three JPEG renditions. What is older than the last photos is deleted, so
that the cloud's data does not grow either. The speed is measured first, with photos that wait: --load is a fraction of it (0.2).

Every few seconds, the resident memory of the engine, of its decoders together, and of the cloud is read. The first 40 % of the time
are a warm-up, in which tables of limited size fill: that of the newest events takes 8 MiB after some 12,000 photos. The rest is cut into
15 parts, and a line is fitted to the least memory of each part, because memory goes up and down with the photos that are in it. The
slope of the line (least squares) is the growth per hour. Memory is flat if that is at most 2 MiB per hour, or 5 % of the mean. Exits
1 if it is not, or if a photo was not processed. With less than half an hour it gives no verdict.
"""
import argparse
import datetime
import json
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/outside"))
os.environ.setdefault("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))

import harness  # noqa: E402
from idle import free_port  # noqa: E402
from memory import children  # noqa: E402
from photo_files import photo_files  # noqa: E402

BUCKET, PIPELINES = "photos", ROOT / "bench/pipelines"
PREFIXES = {"ingest": "ingest/", "thumbnail": "thumbnail/Thumbnail-", "web": "web/WebImage-", "mobile": "mobile/MobileImage-"}
SAMPLE_S, REPORT_S = 5, 300
KEPT, DELETED_AT_ONCE = 750, 250  # photos that stay in the store; DeleteObjects takes 1,000 keys
BEHIND_MOST = 500  # photos that wait, or the engine is too slow for the rate
WARM_UP, PARTS = 0.4, 15
LEAST_MINUTES, MINUTES_TO_JUDGE = 0.5, 30
GROWTH_MIB, GROWTH_SHARE = 2, 0.05  # per hour
MIB = 2**20


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="how long photos arrive (60)")
    parser.add_argument("--load", type=float, default=0.2, help="fraction of the engine's speed (0.2)")
    parser.add_argument("--rate", type=float, help="photos per second, instead of --load")
    parser.add_argument("--photos", type=int, default=24, help="number of different photos (24)")
    parser.add_argument("--dir", type=Path, help="use the JPEG photos in this directory")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals (1)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="directory for the results (bench/results)")
    options = parser.parse_args()
    if options.minutes < LEAST_MINUTES:
        parser.error(f"--minutes: at least {LEAST_MINUTES}, for enough samples")
    return options


def resident(pid):
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / MIB
    except OSError:
        return 0  # a decoder that has just ended


class System:
    """The embedded cloud with photos that wait, and the engine."""

    def __init__(self, folder, photos):
        self.photos, self.count, self.deleted, self.port, self.engine = photos, 0, 0, free_port(), None
        self.cloud = harness.Cloud(folder / "data", "--cloud-only", "--gallery", "off", "--pipelines", PIPELINES)
        self.s3, self.sqs = self.cloud.client("s3"), self.cloud.client("sqs")

    def start_engine(self):
        self.engine = harness.Process("run", "--endpoint", self.cloud.endpoint, "--pipelines", PIPELINES, "--log-level", "warn",
                                      "--metrics", f"127.0.0.1:{self.port}", environment=harness.aws_environment())

    def upload(self):
        self.s3.put_object(Bucket=BUCKET, Key=f"{PREFIXES['ingest']}{self.count:07}.jpg", Body=self.photos[self.count % len(self.photos)])
        self.count += 1
        if self.count - self.deleted >= KEPT + DELETED_AT_ONCE:
            self.delete()

    def delete(self):
        names = [f"{number:07}.jpg" for number in range(self.deleted, self.deleted + DELETED_AT_ONCE)]
        self.s3.delete_objects(Bucket=BUCKET, Delete={"Quiet": True, "Objects": [
            {"Key": prefix + name} for prefix in PREFIXES.values() for name in names]})
        self.deleted += DELETED_AT_ONCE

    def settled(self):
        """Photos whose messages are all acknowledged."""
        try:
            status, _, page = harness.http(f"http://127.0.0.1:{self.port}/metrics")
        except OSError:
            return 0  # it is starting
        counts = [float(count) for count in re.findall(rb'^thumbwheel_messages_total\{.*outcome="acknowledged".*\} (\S+)$', page, re.M)]
        return sum(counts) / (len(PREFIXES) - 1) if status == 200 else 0

    def sample(self):
        pid = self.engine.process.pid
        return {"engine": resident(pid), "decoders": sum(map(resident, children(pid))), "cloud": resident(self.cloud.process.pid)}

    def dead_letters(self):
        return sum(sum(harness.depth(self.sqs, url)) for url in self.sqs.list_queues()["QueueUrls"] if url.endswith("-dlq"))

    def last_words(self):
        """What the processes wrote last, and what the cloud refused."""
        refused = [line for line in self.cloud.requests() if line["status"] >= 500]
        return "\n".join([*self.cloud.lines[-10:], *(self.engine.lines[-10:] if self.engine else []), *map(str, refused[-10:])])

    def stop(self):
        if self.engine:
            self.engine.stop()
        self.cloud.stop()


def speed_of(system, count):
    """Photos per second, of photos that wait."""
    for _ in range(count):
        system.upload()
    system.start_engine()
    harness.until(system.settled, "a photo is done")
    began, first = time.monotonic(), system.settled()
    while system.settled() < count:
        time.sleep(0.02)
    return (count - first) / (time.monotonic() - began)


def soak(options, system, rate):
    """The samples, with the seconds since the start."""
    chooser, samples = random.Random(options.seed), []
    began = due = time.monotonic()
    sampled = told = began
    while (now := time.monotonic()) < began + options.minutes * 60:
        if now >= sampled:
            samples.append({"seconds": now - began, **system.sample()})
            if system.count - system.settled() > BEHIND_MOST:
                sys.exit(f"the engine does not keep up with {rate:.1f} photos/s; lower --load or --rate")
            sampled += SAMPLE_S
        if now >= told + REPORT_S:
            told = now
            print(f"{(now - began) / 60:.0f} min: {system.count} photos; " + ", ".join(
                f"{name} {value:.1f} MiB" for name, value in samples[-1].items() if name != "seconds"), flush=True)
        if now >= due:
            system.upload()
            due += chooser.expovariate(rate)
        time.sleep(max(0, min(due, sampled) - time.monotonic()))
    return samples


def slope(points):
    """Of the line with the least squares, through (x, y)."""
    x0, y0 = (statistics.fmean(values) for values in zip(*points))
    return sum((x - x0) * (y - y0) for x, y in points) / sum((x - x0) ** 2 for x, _ in points)


def least_of_parts(points):
    """The point with the least y of each part of the range of x."""
    first, width = points[0][0], (points[-1][0] - points[0][0]) / PARTS
    least = {}
    for x, y in points:
        part = min(PARTS - 1, int((x - first) / width))
        if part not in least or y < least[part][1]:
            least[part] = (x, y)
    return list(least.values())


def summary(samples):
    """By process, after the warm-up: mean, range, and growth per hour."""
    settled = [sample for sample in samples if sample["seconds"] >= WARM_UP * samples[-1]["seconds"]]
    result = {}
    for name in samples[0]:
        if name == "seconds":
            continue
        values = [sample[name] for sample in settled]
        mean = statistics.fmean(values)
        growth = 3600 * slope(least_of_parts([(sample["seconds"], sample[name]) for sample in settled]))
        result[name] = {"mean_mib": mean, "least_mib": min(values), "most_mib": max(values), "growth_mib_per_hour": growth,
                        "flat": growth <= max(GROWTH_MIB, GROWTH_SHARE * mean)}
    return result


def report(minutes, rate, count, result):
    """The lines that are printed in the end."""
    judged = minutes >= MINUTES_TO_JUDGE
    lines = [f"{count} photos in {minutes:g} minutes ({rate:.1f} per second), 3 renditions each; resident memory after the warm-up, MiB",
             f"  {'':<10}{'mean':>8}{'range':>16}{'growth per hour':>18}"]
    for name, row in result.items():
        verdict = ("flat" if row["flat"] else "NOT FLAT") if judged else ""
        span = f"{row['least_mib']:.1f}–{row['most_mib']:.1f}"
        lines.append(f"  {name:<10}{row['mean_mib']:>8.1f}{span:>16}{row['growth_mib_per_hour']:>+18.2f}   {verdict}".rstrip())
    if not judged:
        lines.append(f"Not judged: less than {MINUTES_TO_JUDGE} minutes.")
    return lines


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the processes are stopped, too
    with tempfile.TemporaryDirectory(prefix="thumbwheel-flat-") as name:
        folder = Path(name)
        harness.set_home(folder)
        system = System(folder, [path.read_bytes() for path in photo_files(options.dir, folder, options.photos)])
        try:
            speed = speed_of(system, 2 * len(system.photos))
            rate = options.rate or options.load * speed
            print(f"speed {speed:.1f} photos/s; {rate:.1f} photos/s arrive for {options.minutes:g} minutes", flush=True)
            samples = soak(options, system, rate)
            harness.until(lambda: system.settled() >= system.count, "all photos are processed")
            dead = system.dead_letters()
        except Exception:
            print(system.last_words(), file=sys.stderr)
            raise
        finally:
            system.stop()
    result = summary(samples)
    print("\n" + "\n".join(report(options.minutes, rate, system.count, result)))
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / datetime.datetime.now(datetime.timezone.utc).strftime("soak-%Y%m%dT%H%M%SZ.json")
    path.write_text(json.dumps({"minutes": options.minutes, "photos_per_second": rate, "photos": system.count, "dead_letters": dead,
                                "summary": result, "samples": samples}, indent=2) + "\n")
    print(f"\nResults: {path}")
    flat = all(row["flat"] for row in result.values()) or options.minutes < MINUTES_TO_JUDGE
    return 0 if flat and not dead else 1


if __name__ == "__main__":
    sys.exit(main())
