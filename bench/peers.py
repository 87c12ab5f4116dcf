#!/usr/bin/python3
"""Measures Thumbwheel beside what people would use instead, on the same photos, queues and cloud.

    ./dev bench peers [--photos N | --dir DIR] [--rounds N] [--workers NAME...] [--latency MS[:SIGMA]] [--loss P] [--loads F...]

thumbwheel  `thumbwheel run`
sharp       sqs-consumer with sharp, one Node.js process (bench/peers/consumer.mjs)
pillow      boto3 with Pillow, a process for each queue, as three Lambda handlers (bench/peers/consumer.py)
shell       the AWS CLI with vipsthumbnail, a process for each queue (bench/peers/consumer.sh); only if named

Each makes three JPEG renditions of each photo, of 128, 480 and 1280 pixels at quality 80, from the messages of three queues.
The embedded cloud runs in a process of its own. A worker is started, does one photo to warm up, and is stopped (SIGSTOP) while
the messages of all photos are sent. The clock begins when it goes on, and ends when the last rendition is stored, by the
cloud's log of requests. CPU and memory are those of the worker's processes.
With --latency, a proxy holds each response back by a random time (bench/distance.c): log-normal, with this median and this
standard deviation of the logarithm (0.25). With --loss, it resets that share of the connections instead of responding.
With --loads, photos also arrive at random times (Poisson), at these fractions of the speed that the worker had, and the
time from a photo's event to its last rendition is measured.

Rounds take the workers in turns; the report gives medians and the spread, and judges the goals with three rounds or more.
PSNR and SSIM compare the renditions with an ideal resize (bench/quality.c).
"""
import argparse
import datetime
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"
sys.path.insert(0, str(ROOT / "tests/outside"))
os.environ.setdefault("THUMBWHEEL", str(BUILD / "thumbwheel"))

import harness  # noqa: E402
from memory import memory_files, process_bytes  # noqa: E402
from photo_files import photo_files  # noqa: E402
from processes import tree, tree_cpu_seconds  # noqa: E402

BUCKET = "photos"
RENDITIONS = {"thumbnail": (128, "thumbnail/Thumbnail-"), "web": (1280, "web/WebImage-"), "mobile": (480, "mobile/MobileImage-")}
ROUNDS_TO_JUDGE = 3
WARM_UP = "warm-up.jpg"
QUALITY_PHOTOS = 6
SAMPLE_S = 0.2


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench peers", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=120, help="number of photos (120)")
    parser.add_argument("--dir", type=Path, help="use the JPEG photos in this directory")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (3)")
    parser.add_argument("--workers", nargs="+", choices=WORKERS, default=["thumbwheel", "sharp", "pillow"])
    parser.add_argument("--latency", default="0", help="MEDIAN_MS[:SIGMA] of each request (0: no proxy)")
    parser.add_argument("--loss", type=float, default=0, help="share of the responses that are lost (0)")
    parser.add_argument("--loads", type=float, nargs="*", default=[], help="fractions of a worker's speed, such as 0.5 0.8")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals, the latencies and the losses (1)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="directory for the results (bench/results)")
    return parser.parse_args()


# ---- the workers ----

def arguments_of(name):
    width, prefix = RENDITIONS[name]
    return name, str(width), prefix


def thumbwheel(endpoint):
    return [[os.environ["THUMBWHEEL"], "run", "--endpoint", endpoint, "--pipelines", ROOT / "bench/pipelines", "--log-level", "error"]]


def sharp(endpoint):
    return [["node", ROOT / "bench/peers/consumer.mjs", endpoint, BUCKET, *("=".join(arguments_of(name)) for name in RENDITIONS)]]


def pillow(endpoint):
    return [["/usr/bin/python3", ROOT / "bench/peers/consumer.py", endpoint, BUCKET, *arguments_of(name)] for name in RENDITIONS]


def shell(endpoint):
    return [["/bin/sh", ROOT / "bench/peers/consumer.sh", endpoint, BUCKET, *arguments_of(name)] for name in RENDITIONS]


WORKERS = {"thumbwheel": thumbwheel, "sharp": sharp, "pillow": pillow, "shell": shell}


class Worker:
    """A worker's processes, and what they use."""

    def __init__(self, name, endpoint):
        self.processes = [subprocess.Popen(list(map(str, command)), env=harness.aws_environment(), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for command in WORKERS[name](endpoint)]
        for process in self.processes:
            os.set_blocking(process.stderr.fileno(), False)
        self.name, self.peak = name, 0

    def pids(self):
        return [pid for process in self.processes for pid in tree(process.pid)]

    def cpu(self):
        return tree_cpu_seconds(process.pid for process in self.processes)

    def sample(self):
        total, files = 0, {}
        for pid in self.pids():
            try:
                total += process_bytes(pid)
                files.update(memory_files(pid))
            except (OSError, AttributeError):
                pass  # it has just ended
        self.peak = max(self.peak, total + sum(files.values()))

    def check(self):
        for process in self.processes:
            if process.poll() is not None:
                sys.exit(f"{self.name} has ended:\n{process.stderr.read().decode(errors='replace')}")

    def signal(self, number):
        for pid in self.pids():
            os.kill(pid, number)

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


# ---- the cloud ----

class Service:
    """The embedded cloud with the photos in it, and the proxy before it, if there is one."""

    def __init__(self, options, folder, photos):
        self.cloud = harness.Cloud(folder / "data", "--cloud-only", "--gallery", "off", "--durability", "relaxed", "--pipelines", ROOT / "bench/pipelines")
        self.endpoint, self.proxy, self.events = self.cloud.endpoint, None, 0
        self.s3, self.sqs = self.cloud.client("s3"), self.cloud.client("sqs")
        self.queues = [self.sqs.get_queue_url(QueueName=f"{name}-queue")["QueueUrl"] for name in RENDITIONS]
        self.sizes, self.etags = {}, {}
        for key, path in [(WARM_UP, photos[0]), *((name_of(number), photos[number % len(photos)]) for number in range(options.photos))]:
            self.sizes[key] = path.stat().st_size
            put = self.s3.put_object(Bucket=BUCKET, Key=f"ingest/{key}", Body=path.read_bytes())
            self.etags[key] = put["ETag"].strip('"')
        harness.until(lambda: all(harness.depth(self.sqs, url)[0] >= len(self.sizes) for url in self.queues), "the events arrive")
        for url in self.queues:
            self.sqs.purge_queue(QueueUrl=url)  # the rounds send their own
        median, _, sigma = options.latency.partition(":")
        if float(median) or options.loss:
            host, port = self.endpoint.removeprefix("http://").split(":")
            self.proxy = subprocess.Popen([BUILD / "bench/bench_distance", host, port, median, sigma or "0.25", str(options.loss),
                                           str(options.seed)], stdout=subprocess.PIPE, text=True)
            self.endpoint = f"http://127.0.0.1:{self.proxy.stdout.readline().strip()}"

    def event(self, key):
        """As S3 sends it; each one is newer than those before."""
        self.events += 1
        return json.dumps({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": harness.REGION, "eventName": "ObjectCreated:Put",
            "eventTime": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": f"ingest/{key}", "size": self.sizes[key],
                                                          "eTag": self.etags[key], "sequencer": f"{self.events:016X}"}}}]})

    def send(self, keys):
        for first in range(0, len(keys), 10):
            entries = [{"Id": str(at), "MessageBody": self.event(key)} for at, key in enumerate(keys[first:first + 10])]
            for url in self.queues:
                self.sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def clear(self):
        for url in self.queues:
            self.sqs.purge_queue(QueueUrl=url)
        pages = self.s3.get_paginator("list_objects_v2")
        for _, prefix in RENDITIONS.values():
            for page in pages.paginate(Bucket=BUCKET, Prefix=prefix):
                for item in page.get("Contents", []):
                    self.s3.delete_object(Bucket=BUCKET, Key=item["Key"])

    def stop(self):
        if self.proxy:
            self.proxy.terminate()
            self.proxy.wait()
        self.cloud.stop()


def name_of(number):
    return f"{number:05}.jpg"


def outputs_of(keys):
    return {prefix + key for _, prefix in RENDITIONS.values() for key in keys}


class Stored:
    """When each object was stored first, from now on: the cloud's log of requests, read as it grows."""

    def __init__(self, cloud):
        self.at, self.rest = {}, ""
        self.file = cloud.request_log.open()
        self.file.seek(0, os.SEEK_END)

    def read(self):
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        for line in lines:
            if '"PutObject"' in line:
                entry = json.loads(line)
                if entry["status"] == 200:
                    at = datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00"))
                    self.at.setdefault(entry["key"], at.timestamp())
        return self.at


def wait_for(stored, worker, keys):
    """Until the outputs of all keys are stored."""
    wanted = outputs_of(keys)
    while not wanted <= stored.read().keys():
        worker.sample()
        worker.check()
        time.sleep(SAMPLE_S)


# ---- measuring ----

def begun(service, name):
    """A worker that has done a photo."""
    service.clear()
    worker, stored = Worker(name, service.endpoint), Stored(service.cloud)
    service.send([WARM_UP])
    wait_for(stored, worker, [WARM_UP])
    return worker


def backlog(options, service, name):
    """All photos wait at once."""
    keys = [name_of(number) for number in range(options.photos)]
    worker = begun(service, name)
    try:
        worker.signal(signal.SIGSTOP)
        service.send(keys)
        stored, cpu, began = Stored(service.cloud), worker.cpu(), time.time()
        worker.signal(signal.SIGCONT)
        wait_for(stored, worker, keys)
        seconds, cpu = max(stored.at[key] for key in outputs_of(keys)) - began, worker.cpu() - cpu
    finally:
        worker.stop()
    return {"photos_per_second": options.photos / seconds, "cpu_ms": 1000 * cpu / options.photos, "memory_mib": worker.peak / 2**20}


def arrivals(options, service, name, rate):
    """Photos arrive at random times; seconds from each event to the last rendition."""
    keys = [name_of(number) for number in range(options.photos)]
    chooser, sent = random.Random(options.seed), {}
    worker = begun(service, name)
    try:
        stored, due = Stored(service.cloud), time.time()
        for key in keys:
            due += chooser.expovariate(rate)
            time.sleep(max(0, due - time.time()))
            sent[key] = time.time()
            service.send([key])
        wait_for(stored, worker, keys)
    finally:
        worker.stop()
    return sorted(max(stored.at[output] for output in outputs_of([key])) - sent[key] for key in keys)


def quality(options, service, folder, name):
    """PSNR and SSIM of the renditions that a worker has left in the store, and their bytes."""
    measured, sizes = [], []
    for number in range(min(QUALITY_PHOTOS, options.photos)):
        source = folder / "source.jpg"
        source.write_bytes(service.s3.get_object(Bucket=BUCKET, Key=f"ingest/{name_of(number)}")["Body"].read())
        made = []
        for output in sorted(outputs_of([name_of(number)])):
            path = folder / f"{name}-{output.replace('/', '-')}"
            path.write_bytes(service.s3.get_object(Bucket=BUCKET, Key=output)["Body"].read())
            made.append(path)
            sizes.append(path.stat().st_size)
        done = subprocess.run([BUILD / "bench/bench_quality", source, *made], capture_output=True, text=True, check=True)
        measured += [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    return {"psnr": statistics.median(row[0] for row in measured), "ssim": statistics.median(row[1] for row in measured),
            "bytes": sum(sizes) / len(sizes)}


def measure(options, service, folder):
    rounds, qualities, tails = [], {}, {}
    for number in range(options.rounds):
        turn = options.workers[number % len(options.workers):] + options.workers[:number % len(options.workers)]
        one = {}
        for name in turn:
            one[name] = backlog(options, service, name)
            if name not in qualities:
                qualities[name] = quality(options, service, folder, name)
        rounds.append(one)
        print(f"round {number + 1}: " + ", ".join(f"{name} {one[name]['photos_per_second']:.1f}" for name in options.workers) +
              " photos/s", flush=True)
    for load in options.loads:
        for name in options.workers:
            speed = statistics.median(one[name]["photos_per_second"] for one in rounds)
            tails.setdefault(name, {})[load] = arrivals(options, service, name, load * speed)
    return rounds, qualities, tails


# ---- the report ----

def percentile(values, fraction):
    return values[min(len(values) - 1, int(fraction * len(values)))]


def summary(options, rounds, qualities, tails):
    result = {}
    for name in options.workers:
        row = {measure: statistics.median(one[name][measure] for one in rounds) for measure in rounds[0][name]}
        speeds = [one[name]["photos_per_second"] for one in rounds]
        row.update(qualities[name], range=[min(speeds), max(speeds)])
        row["tails_ms"] = {str(load): {f"p{round(100 * part)}": 1000 * percentile(times, part) for part in (0.5, 0.95, 0.99)}
                           for load, times in tails.get(name, {}).items()}
        if name != "thumbwheel" and "thumbwheel" in options.workers:
            row["times"] = statistics.median(one["thumbwheel"]["photos_per_second"] / one[name]["photos_per_second"] for one in rounds)
        result[name] = row
    return result


def report(options, result):
    print(f"\n{options.photos} photos, 3 JPEG renditions each, latency {options.latency} ms, loss {options.loss:g}, "
          f"{options.rounds} round{'' if options.rounds == 1 else 's'}\n")
    print(f"  {'':<12}{'photos/s':>9}{'range':>14}{'CPU ms/photo':>14}{'peak MiB':>10}{'PSNR dB':>9}{'SSIM':>8}{'KB each':>9}"
          f"{'thumbwheel is':>15}")
    for name, row in result.items():
        low, high = row["range"]
        print(f"  {name:<12}{row['photos_per_second']:>9.1f}{f'{low:.1f}–{high:.1f}':>14}{row['cpu_ms']:>14.1f}{row['memory_mib']:>10.0f}"
              f"{row['psnr']:>9.2f}{row['ssim']:>8.4f}{row['bytes'] / 1000:>9.1f}"
              f"{'{:.2f} times'.format(row['times']) if 'times' in row else '':>15}")
    for load in options.loads:
        print(f"\n  event to stored at {load:.0%} load, ms: " + "; ".join(
            f"{name} " + ", ".join(f"{key} {value:.0f}" for key, value in row["tails_ms"][str(load)].items()) for name, row in result.items()))


def goals(options, result):
    """At the real service's latencies, and without any."""
    far = options.latency.partition(":")[0] != "0"
    wanted = {"sharp": 3, "pillow": 9 if far else 4}
    if options.rounds < ROUNDS_TO_JUDGE:
        print(f"\nGoals are not judged: fewer than {ROUNDS_TO_JUDGE} rounds.")
        return
    print("\nGoals:")
    for name, times in wanted.items():
        if "times" in result.get(name, {}):
            print(f"  {f'at least {times} times the speed of {name}':<62}{result[name]['times']:>8.2f}   "
                  f"{'met' if result[name]['times'] >= times else 'NOT MET'}")
    if "times" in result.get("sharp", {}):
        share = result["thumbwheel"]["memory_mib"] / result["sharp"]["memory_mib"]
        print(f"  {'peak memory at most a quarter of that of sharp':<62}{share:>8.2f}   {'met' if share <= 0.25 else 'NOT MET'}")


PLOTS = {"photos_per_second": "photos/s", "cpu_ms": "CPU ms/photo", "memory_mib": "peak memory, MiB"}


def panels(options, result):
    """What is drawn: a title, and each worker's value."""
    found = [(title, {name: row[measure] for name, row in result.items()}) for measure, title in PLOTS.items()]
    for load in options.loads:
        found.append((f"event to stored at {load:.0%} of its own speed, 95th percentile, ms",
                      {name: row["tails_ms"][str(load)]["p95"] for name, row in result.items()}))
    return found


def plot(options, result, path):
    """A group of bars for each measure, in an SVG file."""
    parts, y = [], 16
    for title, values in panels(options, result):
        scale = 400 / max(values.values())
        parts.append(f'<text x="8" y="{y + 14}" font-weight="bold">{title}</text>')
        y += 24
        for name, value in values.items():
            colour = "#0b6b5e" if name == "thumbwheel" else "#9aa5b1"
            parts.append(f'<text x="8" y="{y + 14}">{name}</text><rect x="104" y="{y}" width="{value * scale:.0f}" height="18" '
                         f'fill="{colour}"/><text x="{112 + value * scale:.0f}" y="{y + 14}">{value:.1f}</text>')
            y += 24
        y += 16
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="{y}" font-family="sans-serif" font-size="14">'
                    f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n')


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="thumbwheel-peers-") as name:
        folder = Path(name)
        harness.set_home(folder)
        service = Service(options, folder, photo_files(options.dir, folder, min(options.photos, 24)))
        try:
            rounds, qualities, tails = measure(options, service, folder)
        finally:
            service.stop()
    result = summary(options, rounds, qualities, tails)
    report(options, result)
    goals(options, result)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / datetime.datetime.now(datetime.timezone.utc).strftime("peers-%Y%m%dT%H%M%SZ.json")
    path.write_text(json.dumps({"photos": options.photos, "latency": options.latency, "loss": options.loss,
                                "processors": os.cpu_count(), "summary": result, "rounds": rounds}, indent=2) + "\n")
    plot(options, result, path.with_suffix(".svg"))
    print(f"\nResults: {path} and {path.with_suffix('.svg').name}")


if __name__ == "__main__":
    main()
