#!/usr/bin/python3
"""Compares the queues of SQS with those of RabbitMQ: the same engine, photos and store.

    ./dev bench backends [--photos N | --dir DIR] [--messages N] [--rounds N] [--setups NAME...] [--engines N...] [--workers N]

sqs         the embedded cloud's SQS
classic-1   RabbitMQ, one node, classic queues      classic-3   a cluster of three nodes
quorum-1    RabbitMQ, one node, quorum queues       quorum-3    a cluster of three nodes, each queue on all of them

Store, broker and engine are processes of their own on this machine; the store is the embedded cloud. Three pipelines make a
rendition of each photo, so that a photo is three messages. For each run, the servers start anew with an empty data directory.

photos/s    photos that arrive all at once, until the last rendition is stored; the median of three times
messages/s  messages that match no pipeline, waiting in one queue: receiving and deleting alone
p50, max    milliseconds from the event to the last rendition, one photo at a time
engine      milliseconds of processor time for a message: of the engine with its decoders, while it makes renditions
servers     the same of store and broker
empty       of engine and servers, for a message without work
idle        percent of a processor: of the engine, and of store and broker

With --engines 1 2 4, each setup runs with so many engines on the same queues (bench/scale_page.py makes docs/scale.md of the
results). Rounds measure all rows in turns; the report gives medians. With fewer than three rounds it does not judge the goals.
"""
import argparse
import collections
import datetime
import json
import os
import platform
import re
import shutil
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

import pika  # noqa: E402

import harness  # noqa: E402
from photo_files import photo_files  # noqa: E402
from processes import tree_cpu_seconds  # noqa: E402
from rabbitmq import Cluster  # noqa: E402

BUCKET, EXCHANGE = "photos", "bench"
PIPELINES = {"thumbnail": "thumbnail/Thumbnail-", "web": "web/WebImage-", "mobile": "mobile/MobileImage-"}  # and their outputs
SETUPS = {"sqs": None, "classic-1": ("classic", 1), "quorum-1": ("quorum", 1), "classic-3": ("classic", 3), "quorum-3": ("quorum", 3)}
ROUNDS_TO_JUDGE = 3
SPEED_GOAL, IDLE_GOAL = 0.9, 0.5
SINGLES, BACKLOGS = 12, 3
TIMEOUT_S, LOOK_S = 600, 0.02
WARM_UP = "warm-up.jpg"


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench backends", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=60, help="number of photos (60)")
    parser.add_argument("--dir", type=Path, help="use the JPEG photos in this directory")
    parser.add_argument("--messages", type=int, default=10_000, help="messages without work (10000)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (3)")
    parser.add_argument("--setups", nargs="+", choices=SETUPS, default=list(SETUPS))
    parser.add_argument("--engines", nargs="+", type=int, default=[1], help="numbers of engines (1)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="of each engine (number of processors)")
    parser.add_argument("--idle", type=float, default=5, help="seconds to measure idle processes (5)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="directory for the results (bench/results)")
    return parser.parse_args()


# ---- the store ----

def at(line):
    """The Unix time of a line in the request log."""
    return datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()


class Store:
    """An embedded cloud with the photos in it."""

    def __init__(self, folder, photos, keys):
        (folder / "idle").mkdir()
        (folder / "idle/idle.yaml").write_text(harness.PIPELINE_IDLE)
        self.cloud = harness.Cloud(folder / "data", "--cloud-only", "--gallery", "off", "--durability", "relaxed", "--pipelines",
                                   folder / "idle")
        self.endpoint, self.sizes, s3 = self.cloud.endpoint, {}, self.cloud.client("s3")
        for number, key in enumerate(keys):
            content = photos[number % len(photos)].read_bytes()
            self.sizes[key] = len(content)
            s3.put_object(Bucket=BUCKET, Key=f"ingest/{key}", Body=content)
        self.events = 0

    def event(self, key, prefix="ingest/"):
        """As S3 sends it; each one is newer than those before."""
        self.events += 1
        now = datetime.datetime.now(datetime.timezone.utc)
        return json.dumps({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": harness.REGION, "eventName": "ObjectCreated:Put",
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": f"{prefix}{key}", "size": self.sizes.get(key, 1),
                                                          "sequencer": f"{self.events:016X}"}}}]})

    def stored_at(self):
        """When each output was stored last, as the request log says."""
        return {line["key"]: at(line) for line in self.cloud.requests("PutObject", status=200)}

    def requests_since(self, began):
        """How many of each operation."""
        return collections.Counter(line["operation"] for line in self.cloud.requests() if at(line) >= began)

    def bytes_of(self, prefix):
        """The mean size of the objects with a prefix."""
        pages = self.cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return statistics.mean(item["Size"] for page in pages for item in page.get("Contents", []))

    def pids(self):
        return [self.cloud.process.pid]

    def stop(self):
        self.cloud.kill()  # nobody needs the data


# ---- the queues ----

class Sqs:
    def __init__(self, store, folder):
        self.sqs, self.environment = store.cloud.client("sqs"), {}
        self.names = {name: f"bench-{name}" for name in PIPELINES}
        self.urls = {name: self.sqs.create_queue(QueueName=queue)["QueueUrl"] for name, queue in self.names.items()}

    def send(self, bodies, pipelines=PIPELINES):
        for first in range(0, len(bodies), 10):
            entries = [{"Id": str(at), "MessageBody": body} for at, body in enumerate(bodies[first:first + 10])]
            for name in pipelines:
                self.sqs.send_message_batch(QueueUrl=self.urls[name], Entries=entries)

    def pids(self):
        return []  # the store's

    def stop(self):
        pass


class Rabbit:
    def __init__(self, store, folder, kind, size):
        self.cluster = Cluster(folder / "rabbitmq", size, schedulers=None)
        try:
            self.environment, vhost = self.cluster.environment(), self.cluster.make_vhost("bench")
            queues = {name: f"bench-{name}" for name in PIPELINES}
            self.cluster.make_queues(vhost, *queues.values(), kind=kind)
            self.names = {name: self.cluster.address(vhost, queue) for name, queue in queues.items()}
            self.connection = self.cluster.connect(vhost)
            self.channel = self.connection.channel()
            self.channel.exchange_declare(EXCHANGE, "fanout", durable=True)
            for queue in queues.values():
                self.channel.queue_bind(queue, EXCHANGE)
        except BaseException:
            self.cluster.close()
            raise

    def send(self, bodies, pipelines=PIPELINES):
        persistent = pika.BasicProperties(delivery_mode=2)
        for body in bodies:
            if pipelines == PIPELINES:
                self.channel.basic_publish(EXCHANGE, "", body, persistent)
            else:
                for name in pipelines:
                    self.channel.basic_publish("", f"bench-{name}", body, persistent)
        self.connection.process_data_events(0)  # answers heartbeats

    def pids(self):
        return [node.process.pid for node in self.cluster.nodes]

    def stop(self):
        self.cluster.close()


def write_pipelines(folder, queues):
    """The benchmark's pipelines, with these queues."""
    folder.mkdir()
    for name, queue in queues.items():
        text = (ROOT / "bench/pipelines" / f"{name}.yaml").read_text()
        (folder / f"{name}.yaml").write_text(re.sub(r"^queue: .*$", f'queue: "{queue}"', text, flags=re.M))


# ---- the engines ----

class Engine:
    def __init__(self, options, store, queues, pipelines, log):
        self.port = harness.free_port()
        self.log = open(log, "w+")
        self.process = subprocess.Popen(
            [harness.PROGRAM, "run", "--endpoint", store.endpoint, "--pipelines", pipelines, "--metrics", f"127.0.0.1:{self.port}",
             "--workers", str(options.workers), "--log-level", "warn"],
            env=harness.aws_environment(store.endpoint, **queues.environment), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT)

    def settled(self):
        """Messages that it has settled; None: it starts."""
        if self.process.poll() is not None:
            self.log.seek(0)
            sys.exit(f"the engine has ended:\n{self.log.read()[-4000:]}")
        try:
            text = harness.http(f"http://127.0.0.1:{self.port}/metrics")[2].decode()
        except OSError:
            return None
        return sum(int(float(value)) for value in re.findall(r"^thumbwheel_messages_total\{.*\} (\S+)$", text, re.M))

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


class Run:
    """One row of one round: the servers and the engines, with an empty data directory."""

    def __init__(self, options, folder, photos, setup, engines):
        self.options, self.folder = options, folder
        # Each photo is new: what replaces an earlier one takes more requests.
        self.backlogs = [[f"{turn}-{number:05}.jpg" for number in range(options.photos)] for turn in range(BACKLOGS)]
        self.single_keys = [f"single-{number}.jpg" for number in range(SINGLES)]
        keys = [WARM_UP, *(key for backlog in self.backlogs for key in backlog), *self.single_keys]
        self.servers, self.engines = [], []
        try:
            self.store = self.enter(Store(folder, photos, keys))
            self.queues = self.enter(Sqs(self.store, folder) if not SETUPS[setup] else Rabbit(self.store, folder, *SETUPS[setup]))
            write_pipelines(folder / "pipelines", self.queues.names)
            self.count = engines
        except BaseException:
            self.stop()
            raise

    def enter(self, server):
        self.servers.append(server)
        return server

    def stop(self):
        for one in [*self.engines, *reversed(self.servers)]:
            one.stop()

    def start_engines(self):
        self.engines = [Engine(self.options, self.store, self.queues, self.folder / "pipelines", self.folder / f"engine-{number}.log")
                        for number in range(self.count)]

    def settled(self):
        """By all engines that respond; None: none does yet."""
        counts = [count for engine in self.engines if (count := engine.settled()) is not None]
        return sum(counts) if counts else None

    def wait_for(self, settled):
        end = time.monotonic() + TIMEOUT_S
        while (count := self.settled()) is None or count < settled:
            if time.monotonic() > end:
                sys.exit(f"{count} of {settled} messages are settled after {TIMEOUT_S} s")
            time.sleep(LOOK_S)

    def cpu(self):
        """Processor seconds so far: (engines, servers)."""
        return (tree_cpu_seconds(engine.process.pid for engine in self.engines),
                tree_cpu_seconds(pid for server in (self.store, self.queues) for pid in server.pids()))

    def used(self, before):
        return [after - early for after, early in zip(self.cpu(), before)]

    def empty_messages(self):
        """Messages of no pipeline wait in one queue when the engines start; the clock starts when they do work, or, if they were
        too fast to see that, when they are started."""
        wanted, end = self.options.messages, time.monotonic() + TIMEOUT_S
        self.queues.send([self.store.event(f"{number}.txt", "other/") for number in range(wanted)], ["web"])
        self.start_engines()
        since, before, count = time.monotonic(), self.cpu(), None
        while count is None or count < wanted:
            count, now = self.settled(), time.monotonic()
            if count == 0:
                since, before = now, self.cpu()
            if now > end:
                sys.exit(f"{count} of {wanted} messages are settled after {TIMEOUT_S} s")
            time.sleep(LOOK_S)
        engine, servers = self.used(before)
        return {"messages_per_second": wanted / (now - since), "empty_engine_ms": 1000 * engine / wanted,
                "empty_servers_ms": 1000 * servers / wanted}

    def outputs(self, keys):
        return [prefix + key for prefix in PIPELINES.values() for key in keys]

    def make(self, keys):
        """Photos arrive at once; seconds until the last rendition is stored."""
        wanted, bodies = self.settled() + len(keys) * len(PIPELINES), [self.store.event(key) for key in keys]
        began = time.time()
        self.queues.send(bodies)
        self.wait_for(wanted)
        stored = self.store.stored_at()
        return max(stored[output] for output in self.outputs(keys)) - began

    def backlog(self):
        before, began = self.cpu(), time.time()
        seconds = statistics.median(self.make(keys) for keys in self.backlogs)
        engine, servers = self.used(before)
        photos, requests = BACKLOGS * self.options.photos, self.store.requests_since(began)
        messages = photos * len(PIPELINES)
        return {"photos_per_second": self.options.photos / seconds, "engine_ms": 1000 * engine / messages, "servers_ms": 1000 * servers / messages,
                "requests_per_photo": {name: count / photos for name, count in sorted(requests.items())},
                "bytes_per_photo": {prefix: self.store.bytes_of(prefix) for prefix in ("ingest/", *PIPELINES.values())}}

    def singles(self):
        times = sorted(1000 * self.make([key]) for key in self.single_keys)
        return {"p50_ms": statistics.median(times), "max_ms": times[-1]}

    def idle(self):
        time.sleep(1)  # what follows the last message
        before = self.cpu()
        time.sleep(self.options.idle)
        engine, servers = (100 * used / self.options.idle for used in self.used(before))
        return {"idle_engine_percent": engine, "idle_servers_percent": servers}

    def measure(self):
        figures = self.empty_messages()
        self.make([WARM_UP] * 4 * self.count)
        return figures | self.backlog() | self.singles() | self.idle()


# ---- the report ----

FIGURES = {"photos_per_second": ("photos/s", 1), "messages_per_second": ("messages/s", 0), "p50_ms": ("p50 ms", 0), "max_ms": ("max ms", 0),
           "engine_ms": ("engine", 2), "servers_ms": ("servers", 2), "empty_engine_ms": ("empty", 3), "empty_servers_ms": ("servers", 3),
           "idle_engine_percent": ("idle %", 2), "idle_servers_percent": ("servers", 2)}


def median_of(rounds, row, figure):
    return statistics.median(one[row][figure] for one in rounds)


def ratio(rounds, row, other):
    """Photos per second relative to another row, each pair in the same round."""
    return statistics.median(one[row]["photos_per_second"] / one[other]["photos_per_second"] for one in rounds)


def goals(rounds):
    """Lines about the goals."""
    lines, judged = [], len(rounds) >= ROUNDS_TO_JUDGE
    for row in rounds[0]:
        base = "sqs" + row[len(row.split(" ")[0]):]
        if row == base or base not in rounds[0]:
            continue
        value, idle = ratio(rounds, row, base), median_of(rounds, row, "idle_engine_percent")
        words = [("met" if value >= SPEED_GOAL else "NOT MET") if judged else "", ("met" if idle < IDLE_GOAL else "NOT MET") if judged else ""]
        lines.append(f"  {row:<14} photos/s relative to {base}: {value:.2f} {words[0]:<8} idle engine: {idle:.2f} % {words[1]}".rstrip())
    if lines:
        lines.insert(0, f"Goals: at least {SPEED_GOAL} of the photos per second of SQS, an idle engine below {IDLE_GOAL} %" +
                     ("" if judged else f" (not judged: fewer than {ROUNDS_TO_JUDGE} rounds)"))
    return lines


def report(options, rounds):
    lines = [f"{options.photos} photos in {len(PIPELINES)} renditions, {options.messages} messages without work, {options.workers} workers, "
             f"{len(rounds)} round{'s' if len(rounds) > 1 else ''}; medians", "",
             f"  {'':<14}" + "".join(f"{title:>12}" for title, _ in FIGURES.values())]
    for row in rounds[0]:
        lines.append(f"  {row:<14}" + "".join(f"{median_of(rounds, row, figure):>12.{digits}f}" for figure, (_, digits) in FIGURES.items()))
    return lines + [""] + goals(rounds)


def row_name(setup, engines):
    return setup if engines == 1 else f"{setup} x{engines}"


def measure(options, folder):
    photos, rounds = photo_files(options.dir, folder, min(options.photos, 24)), []
    rows = [(setup, engines) for engines in options.engines for setup in options.setups]
    for number in range(options.rounds):
        rounds.append({})
        for setup, engines in rows[number % len(rows):] + rows[:number % len(rows)]:
            place = folder / f"{number}-{setup}-{engines}"
            place.mkdir()
            run = Run(options, place, photos, setup, engines)
            try:
                rounds[-1][row_name(setup, engines)] = run.measure()
            finally:
                run.stop()
            shutil.rmtree(place, ignore_errors=True)
            print(f"round {number + 1}: {row_name(setup, engines):<14} " +
                  "  ".join(f"{title} {rounds[-1][row_name(setup, engines)][name]:.4g}" for name, (title, _) in FIGURES.items()), flush=True)
        rounds[-1] = {row_name(*row): rounds[-1][row_name(*row)] for row in rows}
    return rounds


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="thumbwheel-bench-") as folder:
        harness.set_home(folder)
        rounds = measure(options, Path(folder))
    print("\n" + "\n".join(report(options, rounds)))
    options.out.mkdir(parents=True, exist_ok=True)
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = options.out / f"{stamp}-backends.json"
    path.write_text(json.dumps({"machine": platform.machine(), "processors": os.cpu_count(), "photos": options.photos,
                                "messages": options.messages, "workers": options.workers, "pipelines": len(PIPELINES),
                                "rounds": rounds}, indent=2) + "\n")
    print(f"\nResults: {path}")


if __name__ == "__main__":
    main()
