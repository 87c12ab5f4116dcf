#!/usr/bin/python3
"""Measures the engine with one queue and with 1,000, for the same messages.

    ./dev bench scale [--queues N] [--messages N] [--rounds N]

one     one queue
busy    1,000 queues, all messages in one of them: what the idle queues cost
spread  1,000 queues, the messages spread evenly over them

The embedded cloud and the engine are processes of their own. Each message names a small photo of its own, from which one
rendition is made. A run begins when every queue is polled; polls wait 20 s, so that each queue holds a connection.

jobs/s    messages per second, from the first send until the last job is done
p50, p99  milliseconds from the send of a message until its job is done: its rendition stored, its message deleted
deletes   requests to delete, for each message. A request concerns one queue, so messages that are spread are deleted in
          smaller batches, for which the embedded cloud works on the same processors

Each round measures all rows one after another. The report gives medians and the ratio of busy to one; with fewer than three
rounds it does not judge the goal.
"""
import argparse
import io
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from PIL import Image

from known_key import ACCESS_KEY, SECRET_KEY, write_known_key

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))
ROUNDS_TO_JUDGE = 3
RATIO_GOAL = 0.9  # as fast as one, within the noise of three rounds
TIMEOUT_S = 300
SENDERS = 8
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": "us-east-1"}
PIPELINE = """
name: {name}
queue: {name}
match: {{ bucket: photos, prefix: ingest/ }}
outputs:
  - {{ key: "{name}/{{image}}", width: 32, format: jpeg }}
"""


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench scale", description=__doc__.splitlines()[0])
    parser.add_argument("--queues", type=int, default=1000, help="number of queues to compare with one (1000)")
    parser.add_argument("--messages", type=int, default=2000, help="messages in each run, over all queues (2000)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (3)")
    return parser.parse_args()


class Program:
    """A process of Thumbwheel, whose lines are kept with the time at which they were read."""

    def __init__(self, *words, **variables):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "THUMBWHEEL_"))}
        self.process = subprocess.Popen([PROGRAM, *map(str, words)], env=environment | variables, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        self.lines = []
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append((time.perf_counter(), line))
                self.changed.notify_all()

    def wait_for(self, count, holds):
        """The first `count` lines that hold; waits until they are there."""
        with self.changed:
            done = self.changed.wait_for(lambda: sum(holds(line) for _, line in self.lines) >= count, TIMEOUT_S)
            if not done:
                raise SystemExit("timed out; the last lines:\n" + "".join(line for _, line in self.lines[-10:]))
            return [(at, line) for at, line in self.lines if holds(line)][:count]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def until_polled(path, count):
    end = time.monotonic() + TIMEOUT_S
    while path.read_text().count('"ReceiveMessage"') < count:
        if time.monotonic() > end or not path.exists():
            raise SystemExit("not every queue is polled")
        time.sleep(0.2)


def photo():
    out = io.BytesIO()
    Image.effect_noise((160, 120), 40).convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def client(service, endpoint):
    return boto3.client(service, endpoint_url=endpoint, region_name=KEYS["AWS_DEFAULT_REGION"],
                        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
                        config=Config(s3={"addressing_style": "path"}, max_pool_connections=SENDERS))


def prepare(endpoint, folder, names, messages):
    sqs, s3, body = client("sqs", endpoint), client("s3", endpoint), photo()
    (folder / "pipelines").mkdir()
    for name in names:
        (folder / "pipelines" / f"{name}.yaml").write_text(PIPELINE.format(name=name))
    with ThreadPoolExecutor(SENDERS) as pool:
        urls = list(pool.map(lambda name: sqs.create_queue(QueueName=name)["QueueUrl"], names))
        list(pool.map(lambda i: s3.put_object(Bucket="photos", Key=f"ingest/{i}.jpg", Body=body), range(messages)))
    return sqs, urls


def send(sqs, urls, messages):
    """By message: when its sending began."""
    began = {}

    def one(i):
        began[f"ingest/{i}.jpg"] = time.perf_counter()
        sqs.send_message(QueueUrl=urls[i % len(urls)], MessageBody=json.dumps({"bucket": "photos", "key": f"ingest/{i}.jpg"}))

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(one, range(messages)))
    return began


def deletes(path):
    return sum(json.loads(line)["operation"] == "DeleteMessageBatch" for line in path.read_text().splitlines())


def run(queues, spread, messages):
    with tempfile.TemporaryDirectory(prefix="thumbwheel-scale-") as path:
        folder = Path(path)
        log = folder / "requests.jsonl"
        write_known_key(folder / "data")
        cloud = Program("local", "--cloud-only", "--port", "0", "--data", folder / "data", "--durability", "relaxed",
                        "--request-log", log)
        endpoint = cloud.wait_for(1, lambda line: "Endpoint:" in line)[0][1].split()[1]
        client("s3", endpoint).create_bucket(Bucket="photos")
        names = [f"q-{i}" for i in range(queues)]
        sqs, urls = prepare(endpoint, folder, names, messages)
        engine = Program("run", "--pipelines", folder / "pipelines", "--endpoint", endpoint, "--wait", "20s", "--log-format",
                         "json", **KEYS)
        until_polled(log, queues)
        began = send(sqs, urls if spread else urls[:1], messages)
        done = engine.wait_for(messages, lambda line: '"job done"' in line)
        engine.stop()
        cloud.stop()
        spent = [1000 * (at - began[json.loads(line)["key"]]) for at, line in done]
        return {"jobs/s": messages / (done[-1][0] - min(began.values())), "p50": statistics.median(spent),
                "p99": statistics.quantiles(spent, n=100)[98],
                "deletes": deletes(log) / messages}


def report(rows, rounds, messages):
    """The lines that are printed in the end; rows: by name, the figures of each round."""
    lines = [f"{messages} messages, {rounds} round{'s' if rounds > 1 else ''}; medians (and from the lowest to the highest)"]
    for row, results in rows.items():
        figures = {name: sorted(result[name] for result in results) for name in results[0]}
        lines.append(f"{row:8}" + "  ".join(f"{name} {statistics.median(values):.4g} ({values[0]:.4g} to {values[-1]:.4g})"
                                            for name, values in figures.items()))
    ratios = sorted(busy["jobs/s"] / one["jobs/s"] for one, busy in zip(rows["one"], rows["busy"]))
    lines.append(f"busy to one: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    if rounds >= ROUNDS_TO_JUDGE:
        lines[-1] += f"; goal: at least {RATIO_GOAL}, {'met' if statistics.median(ratios) >= RATIO_GOAL else 'missed'}"
    else:
        lines[-1] += f"; not judged with fewer than {ROUNDS_TO_JUDGE} rounds"
    return lines


def main():
    options = arguments()
    setups = {"one": (1, False), "busy": (options.queues, False), "spread": (options.queues, True)}
    rows = {row: [] for row in setups}
    for number in range(options.rounds):
        for row, (queues, spread) in setups.items():
            rows[row].append(run(queues, spread, options.messages))
            print(f"round {number + 1}: {row:8}" + "  ".join(f"{name} {value:.4g}" for name, value in rows[row][-1].items()),
                  flush=True)
    print("\n" + "\n".join(report(rows, options.rounds, options.messages)))


if __name__ == "__main__":
    main()
