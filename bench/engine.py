#!/usr/bin/python3
"""Measures what the engine's own path costs, without image work.

    ./dev bench engine [--parts rate stages calls queues million tls] [--messages N] [--rounds N] [--seconds S]

The engine (bench/noop.c) has a codec that does nothing, or copies the object. It works on S3 events of objects of 1 KB, in a
queue of the embedded cloud, which is a process of its own.

rate     messages per second, and CPU time of the engine for each: nothing is stored, or a copy is
stages   instructions for each message, by stage and by library (valgrind)
calls    system calls for each message, by stage and by name (strace)
queues   CPU time, wake-ups and memory while 1 and 1,000 queues are idle
million  start, messages per second and memory with a million waiting messages
tls      CPU time of `thumbwheel run` for each photo over HTTPS and over HTTP: one download, three uploads

A stage is the difference between two runs: messages that match no pipeline are received, parsed and deleted; those of an object
that is marked as an output are fetched too; then the codec makes nothing; then a copy, which is stored. Instructions and calls
are those of more messages, divided by their number, so that start and end cancel out.
"""
import argparse
import collections
import datetime
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

from callgrind import self_cost
from queues import ROOT, Server, fill

sys.path.insert(0, str(ROOT / "tests/outside"))
os.environ.setdefault("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))

import harness  # noqa: E402

BUILD = ROOT / "build/release/bench"
BUCKET, KIB, KEYS = "bench", 1024, 1000  # bench_requests stores so many objects of each size
PARTS = ("rate", "stages", "calls", "queues", "million", "tls")
GOAL_PER_CORE = 5000
ROUNDS_TO_JUDGE = 3
FOREVER_S = 3600
PIPELINE = """name: {name}
queue: {name}
match: {{ bucket: bench, prefix: "{prefix}" }}
outputs:
  - {{ key: "{name}/{{dir}}/{{image}}", width: 32, format: jpeg }}
"""
# name, prefix that the pipeline matches, whether the objects are marked as outputs, codec
STAGES = {"receive, parse, delete": ("elsewhere/", False, "nothing"), "fetch": ("1", True, "nothing"),
          "hand to a worker": ("1", False, "nothing"), "store a copy": ("1", False, "copy")}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench engine", description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=["rate", "stages", "calls", "queues"], help="what to measure")
    parser.add_argument("--messages", type=int, default=20000, help="messages of each run of rate (20,000)")
    parser.add_argument("--counted", type=int, default=400, help="messages of which instructions and calls are counted (400)")
    parser.add_argument("--waiting", type=int, default=1_000_000, help="messages that wait, of million (1,000,000)")
    parser.add_argument("--queues", type=int, default=1000, help="number of idle queues (1,000)")
    parser.add_argument("--photos", type=int, default=48, help="photos of tls (48)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds of rate and tls (3)")
    parser.add_argument("--seconds", type=int, default=20, help="seconds of queues and of million (20)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="directory for the results (bench/results)")
    return parser.parse_args()


# ---- messages and objects ----

def key_of(number):
    return f"{KIB + number // KEYS}/{number % KEYS}"


def event(number, objects):
    """As S3 sends it."""
    return json.dumps({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2026-01-31T11:00:00.000Z",
        "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7"},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "thumbwheel",
               "bucket": {"name": BUCKET, "ownerIdentity": {"principalId": "A3NL1KOZZK"}, "arn": f"arn:aws:s3:::{BUCKET}"},
               "object": {"key": key_of(number % objects), "size": KIB, "eTag": f"{number:032x}",
                          "sequencer": f"{number + 1:016X}"}}}]})


def requests(server, *words):
    subprocess.run([BUILD / "bench_requests", "--port", server.host.rpartition(":")[2], "--access-key", harness.ACCESS_KEY, "--secret-key",
                    harness.SECRET_KEY, *words], check=True, stdout=subprocess.DEVNULL)


def store(server, count, marked):
    """Objects of 1 KB and a little more, because bench_requests names them by their size."""
    requests(server, "--operation", "bucket")
    for size in range(KIB, KIB + math.ceil(count / KEYS) if not marked else KIB):
        requests(server, "--operation", "put", "--size", str(size), "--count", str(KEYS), "--connections", "8")
    if marked:
        s3 = harness.client(f"http://{server.host}", "s3", max_pool_connections=8)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: s3.put_object(Bucket=BUCKET, Key=key_of(number), Body=bytes(KIB),
                                                       Metadata={"thumbwheel-pipeline": "other"}), range(count)))


class Bed:
    """An embedded cloud with waiting messages and their objects, and the engine's pipelines."""

    def __init__(self, folder, messages, prefix="1", marked=False, objects=None, queues=1):
        self.data, self.pipelines, self.objects = folder / "data", folder / "pipelines", objects or messages
        program = os.environ["THUMBWHEEL"]
        self.pipelines.mkdir(parents=True)
        for number in range(queues):
            (self.pipelines / f"q{number}.yaml").write_text(PIPELINE.format(name=f"q{number}", prefix=prefix))
        Server(program, self.data).stop()
        fill(self.data, queues, messages, lambda number: event(number, self.objects))
        self.server = Server(program, self.data)
        if messages:
            store(self.server, self.objects, marked)

    def engine(self, messages, codec, seconds=FOREVER_S, under=()):
        """What bench_noop reports."""
        done = subprocess.run([*map(str, under), BUILD / "bench_noop", f"http://{self.server.host}", self.pipelines, str(messages),
                               str(seconds), codec], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"bench_noop failed:\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        shutil.rmtree(self.data.parent)


def bed(folder, *words, **options):
    return Bed(Path(tempfile.mkdtemp(dir=folder)), *words, **options)


# ---- the parts ----

def rate(options, folder):
    rows = {"nothing is stored": "nothing", "a copy is stored": "copy"}
    found = {row: [] for row in rows}
    for _ in range(options.rounds):
        for row, codec in rows.items():
            with bed(folder, options.messages) as place:
                found[row].append(place.engine(options.messages, codec))
    print(f"\n{options.messages} messages, medians of {options.rounds} round{'s' if options.rounds > 1 else ''}\n\n"
          "| | messages/s | CPU µs each | messages/s per core |\n|---|---|---|---|")
    result = {}
    for row, runs in found.items():
        speed = statistics.median(run["settled"] / run["seconds"] for run in runs)
        cost = statistics.median(run["cpu_seconds"] / run["settled"] for run in runs)
        result[row] = {"per_second": speed, "cpu_us": 1e6 * cost, "per_core": 1 / cost}
        print(f"| {row} | {speed:,.0f} | {1e6 * cost:.0f} | {1 / cost:,.0f} |")
    reached = result["nothing is stored"]["per_core"]
    print(f"\nGoal: at least {GOAL_PER_CORE:,} messages/s per core when nothing is stored: " +
          (("met" if reached >= GOAL_PER_CORE else "NOT MET") if options.rounds >= ROUNDS_TO_JUDGE else
           f"not judged with fewer than {ROUNDS_TO_JUDGE} rounds"))
    return result


def by_stage(options, folder, count_of):
    """By stage: a Counter of what count_of reports, for each message, without the stages before it."""
    before, found = collections.Counter(), {}
    few, many = options.counted // 4, options.counted // 4 + options.counted
    for stage, (prefix, marked, codec) in STAGES.items():
        counts = []
        for messages in (few, many):
            with bed(folder, messages, prefix, marked) as place:
                counts.append(count_of(place, messages, codec, folder))
        total = {name: (counts[1][name] - counts[0][name]) / options.counted for name in counts[1]}
        found[stage] = {name: total.get(name, 0) - before.get(name, 0) for name in {*total, *before}}
        before = total
        print(f"  {stage}: {sum(found[stage].values()):,.1f}", flush=True)
    return found, before


def print_table(found, total, unit, least):
    """A column for each stage; the names that make up little are together in one row."""
    print(f"\n| {unit} | " + " | ".join(found) + " | all |\n|---|" + "---|" * (len(found) + 1))
    names = sorted((name for name in total if total[name] >= least), key=lambda name: -total[name])
    rows = {name: [found[stage].get(name, 0) for stage in found] for name in names}
    rows["others"] = [sum(count for name, count in found[stage].items() if name not in names) for stage in found]
    rows["all"] = [sum(found[stage].values()) for stage in found]
    style = ",.0f" if least > 1 else ".2f"
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{value:{style}}" for value in [*row, sum(row)]) + " |")


def instructions(place, messages, codec, folder):
    path = folder / "callgrind.out"
    place.engine(messages, codec, under=["valgrind", "--tool=callgrind", f"--callgrind-out-file={path}"])
    return self_cost(path)


def system_calls(place, messages, codec, folder):
    path = folder / "strace.out"
    place.engine(messages, codec, under=["strace", "-f", "-c", "-o", path])
    lines = (line.split() for line in path.read_text().splitlines())
    return collections.Counter({line[-1]: int(line[3]) for line in lines
                                if len(line) >= 5 and line[3].isdigit() and line[-1] != "total"})


def stages(options, folder):
    print("\ninstructions of each message, by stage")
    found, total = by_stage(options, folder, instructions)
    print_table(found, total, "instructions", sum(total.values()) / 50)
    return {"by_stage": found, "total": total}


def calls(options, folder):
    print("\nsystem calls of each message, by stage")
    found, total = by_stage(options, folder, system_calls)
    print_table(found, total, "system calls", 0.5)
    return {"by_stage": found, "total": total}


def queues(options, folder):
    print(f"\nidle for {options.seconds} s\n\n| queues | CPU | wake-ups per second | resident MiB |\n|---|---|---|---|")
    result = {}
    for count in (1, options.queues):
        with bed(folder, 0, queues=count) as place:
            run = place.engine(1, "nothing", options.seconds)
        result[count] = run
        print(f"| {count:,} | {run['cpu_seconds'] / run['seconds']:.2%} | {run['switches'] / run['seconds']:.1f} | "
              f"{run['rss_after_kib'] / 1024:.1f} |", flush=True)
    return result


def million(options, folder):
    print(f"\nreceive and fetch for {options.seconds} s\n\n| waiting | cloud ready, s | engine ready, s | messages/s | "
          "engine MiB, before | after | cloud MiB, before | after |\n|---|---|---|---|---|---|---|---|")
    result = {}
    for waiting in (options.waiting // 10, options.waiting):
        with bed(folder, waiting, objects=10 * KEYS) as place:
            before = place.server.rss_mb()
            run = place.engine(waiting, "nothing", options.seconds)
            result[waiting] = {**run, "cloud_start_s": place.server.start_s, "cloud_mb": [before, place.server.rss_mb()]}
        print(f"| {waiting:,} | {place.server.start_s:.2f} | {run['ready_s']:.2f} | {run['settled'] / run['seconds']:,.0f} | "
              f"{run['rss_before_kib'] / 1024:.0f} | {run['rss_after_kib'] / 1024:.0f} | {before / 1.048576:.0f} | "
              f"{result[waiting]['cloud_mb'][1] / 1.048576:.0f} |", flush=True)
    return result


# ---- TLS ----

def tls_cost(options, photos, folder, secure):
    """CPU milliseconds of the engine, without its decoders, for each photo."""
    pipelines, data = ROOT / "bench/pipelines", folder / "data"
    words = ["--tls"] if secure else []
    cloud = harness.Process("local", "--cloud-only", "--gallery", "off", "--port", "0", "--data", data, "--durability", "relaxed",
                            "--pipelines", pipelines, *words)
    try:
        endpoint = cloud.wait_for(r"Endpoint: +(https?://127\.0\.0\.1:\d+)").group(1)
        trust = cloud.wait_for(r"Trust: +(\S+)").group(1) if secure else None
        s3, sqs = (trusting(endpoint, service, trust) for service in ("s3", "sqs"))
        engine = harness.Process("run", "--endpoint", endpoint, "--pipelines", pipelines, "--log-level", "error",
                                 environment=harness.aws_environment(**({"AWS_CA_BUNDLE": trust} if trust else {})))
        process_all(s3, sqs, photos[:2], "warm-up")
        spent = cpu_seconds(engine.process.pid)
        process_all(s3, sqs, [photos[number % len(photos)] for number in range(options.photos)], "photo")
        spent = cpu_seconds(engine.process.pid) - spent
        engine.stop()
        return 1000 * spent / options.photos
    finally:
        cloud.stop()


def trusting(endpoint, service, trust):
    return boto3.client(service, endpoint_url=endpoint, region_name=harness.REGION, aws_access_key_id=harness.ACCESS_KEY,
                        aws_secret_access_key=harness.SECRET_KEY, verify=trust, config=Config(s3={"addressing_style": "path"}))


def process_all(s3, sqs, photos, name):
    for number, photo in enumerate(photos):
        s3.put_object(Bucket="photos", Key=f"ingest/{name}-{number}.jpg", Body=photo)
    urls = [url for url in sqs.list_queues()["QueueUrls"] if not url.endswith("-dlq")]
    harness.until(lambda: all(harness.depth(sqs, url) == (0, 0, 0) for url in urls), "all photos are done")


def cpu_seconds(pid):
    """In nanoseconds, where /proc/PID/stat counts hundredths of a second: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def tls(options, folder):
    made = folder / "photographs"
    subprocess.run([BUILD / "bench_photographs", made, "24"], check=True)
    photos = [path.read_bytes() for path in sorted(made.iterdir())]
    found = {"http": [], "https": []}
    for number in range(options.rounds):
        for name in found:
            found[name].append(tls_cost(options, photos, Path(tempfile.mkdtemp(dir=folder)), name == "https"))
    size = sum(map(len, photos)) / len(photos) / 1e6
    print(f"\n{options.photos} photos of {size:.2f} MB, three renditions each\n\n"
          "| | CPU ms per photo of the engine, without decoders | range |\n|---|---|---|")
    for name, values in found.items():
        print(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f}–{max(values):.2f} |")
    return found


def main():
    options = arguments()
    results = {"processors": os.cpu_count(), "messages": options.messages}
    with tempfile.TemporaryDirectory(prefix="thumbwheel-engine-") as name:
        harness.set_home(name)
        for part in options.parts:
            results[part] = globals()[part](options, Path(name))
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / datetime.datetime.now(datetime.timezone.utc).strftime("engine-%Y%m%dT%H%M%SZ.json")
    path.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nResults: {path}")


if __name__ == "__main__":
    main()
