#!/usr/bin/python3
"""Kills the engine and the embedded cloud (-9) repeatedly while photos are uploaded, and checks that nothing is lost.

    ./dev soak [--kills N] [--cloud-kills M] [--session-lifetime SECONDS] [--renewals R] [--seed S] [--keep]

The cloud and the engine are separate processes, as in production. The engine has a role, whose credentials the cloud's STS
issues for a web identity; they are valid for 20 seconds. After the kills, one engine lives on until it has renewed its
credentials several times, under the same load. Third-party clients upload photos all the time, and retry
while the cloud is down. The moments of the kills are drawn from the seed: any time, while a process starts, while a photo is
uploaded, and right after events in the engine's log and the cloud's request log (a message received, a rendition stored, a
finished job whose message is not yet deleted).

In the end everything that was acknowledged must exist: each photo, its tags, and each of its renditions, byte for byte as an
undisturbed run made it. All queues must be empty, with nothing in a dead-letter queue, and nothing else may be left: no
half-written or unreferenced file, no temporary file, no decoder process without an engine.
"""
import argparse
import collections
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

import harness
from harness import depth, fetch, free_port, jpeg, make_queue, png, queue_arn, send_policy, until
from metadata import jwt

BUCKET, OUT, TOPIC = "soak", "soak-out", "soak-events"
VISIBILITY_S = 4  # how long the messages of a killed engine stay hidden
BACKLOG = 40      # messages of a queue above which the uploads pause
REPLACE_EVERY = 7 # uploads between two that store another picture under the previous key
IDLE_S = 5        # after this long without the awaited moment, the kill happens at once
STATES = ["matching", "fetching", "rendering", "storing", "labelling", "describing", "tagging", "finished"]
OPERATIONS = ["ReceiveMessage", "GetObject", "PutObject", "PutObjectTagging", "DeleteMessageBatch"]
MOMENTS = {"engine": ["any", "starting", *STATES], "cloud": ["any", "starting", "upload", "together", *OPERATIONS]}
RENDITIONS = {"thumbnail": [("thumbnail/{name}", 64, "JPEG")],
              "web": [("web/{name}", 480, "JPEG"), ("web/{name}.webp", 200, "WEBP")],
              "mobile": [("mobile/{name}", 240, "JPEG")]}
QUEUES = [f"soak-{name}" for name in (*RENDITIONS, "tags")]


def pipeline_text(name, queue):
    head = f'name: {name}\nqueue: "{queue}"\nmatch: {{ bucket: {BUCKET}, prefix: ingest/ }}\n'
    if name == "tags":
        return head + f'labels: {{ labeler: builtin, tags: true, bucket: {OUT}, sidecar: "tags/{{name}}.json" }}\n'
    return head + "outputs:\n" + "".join(
        f'  - {{ bucket: {OUT}, key: "{key}", width: {box}, height: {box}, fit: inside, format: {kind.lower()} }}\n'
        for key, box, kind in RENDITIONS[name])


def noise(width, height, seed):
    """A picture that compresses badly, so that it and its renditions become files."""
    image = Image.frombytes("RGB", (width // 4, height // 4), random.Random(seed).randbytes(width // 4 * (height // 4) * 3))
    out = io.BytesIO()
    image.resize((width, height), Image.BILINEAR).save(out, "JPEG", quality=90)
    return out.getvalue()


def pictures():
    """(content, upright size), by the end of their names."""
    return {"wide.jpg": (jpeg(640, 400), (640, 400)), "turned.jpg": (jpeg(300, 200, orientation=6), (200, 300)),
            "plain.png": (png(320, 240), (320, 240)), "grey.png": (png(50, 70, "L"), (50, 70)),
            "noise.jpg": (noise(800, 600, 1), (800, 600)), "tall.jpg": (noise(300, 900, 2), (300, 900))}


class Soak:
    def __init__(self, folder, kills, cloud_kills, seed, lifetime=20, renewals=6):
        self.folder, self.kills, self.cloud_kills, self.seed = Path(folder), kills, cloud_kills, seed
        self.lifetime, self.renewals = lifetime, renewals
        self.random = random.Random(seed)
        self.port, self.endpoint = free_port(), None
        self.cloud = self.engine = None
        self.pictures = pictures()
        self.reference = {}    # by picture: the results of an undisturbed run
        self.uploaded = {}     # by key: the last picture
        self.replaced = set()  # keys that have had more than one
        self.counts = collections.Counter()
        self.moments, self.moments_of = collections.Counter(), MOMENTS
        self.messages = set()
        self.problems = []
        self.engine_settings = {}  # more environment variables
        self.pace_s = 0            # between two uploads of a thread
        self.putting, self.enough = threading.Event(), threading.Event()
        self.began = time.monotonic()
        for name in ("tmp", "pipelines", "idle"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "token").write_text(jwt(exp=int(time.time()) + 7 * 24 * 3600))
        (self.folder / "idle/idle.yaml").write_text(harness.PIPELINE_IDLE)
        self.write_pipelines({name: f"soak-{name}" for name in (*RENDITIONS, "tags")})

    def write_pipelines(self, queues):
        for name, queue in queues.items():
            (self.folder / f"pipelines/{name}.yaml").write_text(pipeline_text(name, queue))

    # ---- the two processes ----

    def start_cloud(self):
        self.cloud = harness.Process(
            "local", "--cloud-only", "--port", self.port, "--data", self.folder / "data", "--pipelines",
            self.folder / "idle", "--request-log", self.folder / "requests.jsonl", "--log-level", "warn",
            "--session-lifetime", f"{self.lifetime}s",
            environment=harness.clean_environment(TMPDIR=str(self.folder / "tmp")))
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def start_engine(self):
        self.engine = harness.Process(
            "run", "--pipelines", self.folder / "pipelines", "--endpoint", self.endpoint, "--wait", "2s", "--timeout",
            "5s", "--workers", "2", "--backoff", "5s", "--log-level", "debug", "--log-format", "json",
            environment=harness.role_environment(self.folder / "token", TMPDIR=str(self.folder / "tmp"), **self.engine_settings))

    def wait_until_ready(self):
        self.cloud.wait_for("Serving")
        self.engine.wait_for("engine started")

    def client(self, service):
        return harness.client(self.endpoint, service, retries={"max_attempts": 10, "mode": "standard"},
                              connect_timeout=10)

    # ---- set up ----

    def set_up(self):
        self.s3 = self.client("s3")
        for bucket in (BUCKET, OUT):
            self.s3.create_bucket(Bucket=bucket)
        self.set_up_queues()

    def set_up_queues(self):
        self.sqs, sns = self.client("sqs"), self.client("sns")
        topic = sns.create_topic(Name=TOPIC)["TopicArn"]
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish",
                 "Resource": topic, "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{BUCKET}"}}}]}))
        self.urls = {}
        for name in QUEUES:  # kills must not turn messages into dead letters
            self.urls[name] = make_queue(self.sqs, name, receives=1000, visibility=VISIBILITY_S)
            self.sqs.set_queue_attributes(QueueUrl=self.urls[name],
                                          Attributes={"Policy": send_policy(name, "sns", topic)})
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(name))
        self.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"], "Filter": {
                "Key": {"FilterRules": [{"Name": "prefix", "Value": "ingest/"}]}}}]})

    def results(self, key):
        """All results of a photo, without its name; None where something is missing."""
        name = key.removeprefix("ingest/")
        made = {}
        for template, _, _ in sum(RENDITIONS.values(), [("tags/{name}.json", 0, "")]):
            if harness.exists(self.s3, OUT, template.format(name=name)):
                made[template] = fetch(self.s3, OUT, template.format(name=name)).replace(name.encode(), b"NAME")
            else:
                made[template] = None
        made["tags"] = sorted((tag["Key"], tag["Value"]) for tag in
                              self.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]) or None
        return made

    def make_reference(self):
        for picture, (content, _) in self.pictures.items():
            self.upload(self.s3, f"ingest/reference-{picture}", content)
        self.wait_for_results([f"ingest/reference-{picture}" for picture in self.pictures])
        self.drain()
        for picture, (_, size) in self.pictures.items():
            self.reference[picture] = self.results(f"ingest/reference-{picture}")
            self.check_reference(picture, size)

    def wait_for_results(self, keys):
        """Empty queues are not enough: SNS delivers after it has acknowledged. A missing delivery is found later."""
        end = time.monotonic() + 120
        for key in keys:
            while None in self.results(key).values() and time.monotonic() < end:
                time.sleep(0.1)

    def check_reference(self, picture, size):
        made = self.reference[picture]
        if None in made.values():
            self.problems.append(f"{picture}: not even the undisturbed run made everything")
            return
        for template, box, kind in sum(RENDITIONS.values(), []):
            image, factor = harness.open_image(made[template]), min(1, box / max(size))
            if image.format != kind or any(abs(a - b * factor) > 1 for a, b in zip(image.size, size)):
                self.problems.append(f"{picture}: {template} is {image.format} {image.size}")
        if not json.loads(made["tags/{name}.json"])["labels"]:
            self.problems.append(f"{picture}: no labels")

    # ---- load ----

    def upload_all_the_time(self, number):
        s3 = self.client("s3")
        names = list(self.pictures)
        for i in range(10**9):
            if self.enough.is_set():
                return
            picture = names[i % len(names)]
            key = f"ingest/{number}-{i:05}-{picture}"
            if i % REPLACE_EVERY == REPLACE_EVERY - 1:
                key = f"ingest/{number}-{i - 1:05}-{names[(i - 1) % len(names)]}"
                self.replaced.add(key)
            self.upload(s3, key, self.pictures[picture][0])
            self.uploaded[key] = picture
            self.pause_while_behind()
            self.enough.wait(self.pace_s)

    def upload(self, s3, key, content):
        """Until it is acknowledged; the client's own retries are not always enough."""
        while True:
            self.putting.set()
            try:
                response = s3.put_object(Bucket=BUCKET, Key=key, Body=content)
                self.counts["upload attempts"] += 1 + response["ResponseMetadata"]["RetryAttempts"]
                self.announce(key)
                return
            except (BotoCoreError, ClientError) as error:
                if "ResponseMetadata" in getattr(error, "response", {}) and \
                        error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                    self.problems.append(f"upload of {key}: {error}")
                    return

    def announce(self, key):
        """The store sends its events by itself."""

    def backlog(self):
        """Messages of one queue; None: it does not respond."""
        try:
            return sum(depth(self.sqs, self.urls[QUEUES[0]]))
        except (BotoCoreError, ClientError):
            return None

    def pause_while_behind(self):
        def caught_up():
            return self.enough.is_set() or (count := self.backlog()) is not None and count < BACKLOG
        until(caught_up, "the engine has caught up", timeout=600)

    # ---- kills ----

    def victims(self):
        return ["engine"] * self.kills + ["cloud"] * self.cloud_kills

    def plan(self):
        victims = self.victims()
        self.random.shuffle(victims)
        offset = self.random.randrange(1000)
        turns = collections.Counter()
        for victim in victims:  # each moment equally often
            moments = self.moments_of[victim]
            yield victim, moments[(offset + turns[victim]) % len(moments)], self.random.random()
            turns[victim] += 1

    def wait_for_line(self, operation):
        """The next line of the request log about an operation that succeeded."""
        with open(self.folder / "requests.jsonl", "rb") as log:
            log.seek(0, os.SEEK_END)
            end, rest = time.monotonic() + IDLE_S, b""
            while time.monotonic() < end:
                *lines, rest = (rest + log.read()).split(b"\n")
                if any(f'"operation":"{operation}"'.encode() in line and b'"status":200' in line for line in lines):
                    return
                time.sleep(0.001)

    def await_moment(self, victim, moment, chance):
        if moment == "any":
            time.sleep(0.7 * chance)
        elif moment in STATES:
            try:
                self.engine.wait_for(f'"state":"{moment}"', IDLE_S, after=len(self.engine.lines))
            except AssertionError:
                pass  # nothing to do at the moment
        elif moment == "upload":
            self.putting.clear()
            self.putting.wait(IDLE_S)
            time.sleep(0.02 * chance)
        elif moment in OPERATIONS:
            self.wait_for_line(moment)
            time.sleep(0.003 * chance)

    def kill_engine(self, alone=True):
        if alone:
            self.expect_running()
        children = self.engine.children()
        self.engine.kill()
        self.tally(self.engine)
        self.counts["engine kills"] += 1
        self.start_engine()
        try:
            until(lambda: not any(map(harness.still_there, children)), "decoders end with their engine", 30)
        except AssertionError:
            self.problems.append(f"decoders outlive their engine: {children}")

    def kill_cloud(self):
        self.expect_running()
        self.cloud.kill()
        self.check_output(self.cloud)
        self.counts["cloud kills"] += 1
        self.start_cloud()

    def kill_together(self, chance):
        """The engine is restarted before the cloud."""
        self.expect_running()
        self.cloud.kill()
        self.check_output(self.cloud)
        self.counts["cloud kills"] += 1
        if self.counts["engine kills"] < self.kills:
            self.kill_engine(alone=False)
        time.sleep(chance)
        self.start_cloud()

    def expect_running(self):
        for name, process in (("engine", self.engine), ("cloud", self.cloud)):
            if not process.running():
                self.problems.append(f"the {name} ended by itself:\n{process.output()[-4000:]}")

    def strike(self, victim, moment, chance):
        self.await_moment(victim, moment, chance)
        self.moments[f"{victim} {moment}"] += 1
        if moment == "together":
            self.kill_together(chance)
        elif moment == "starting":
            (self.kill_engine if victim == "engine" else self.kill_cloud)()
            time.sleep(0.15 * chance)
        elif victim == "engine":
            self.kill_engine()
        else:
            self.kill_cloud()

    def kill_again_and_again(self):
        pending = collections.deque(self.plan())
        while pending:
            victim, moment, chance = pending.popleft()
            if self.counts[f"{victim} kills"] == self.victims().count(victim):
                continue
            self.strike(victim, moment, chance)
            if self.problems:
                return
            if moment != "starting":
                self.wait_until_ready()

    def renew(self):
        """No credentials last longer than one of these rounds, and nobody is killed."""
        for _ in range(self.renewals):
            self.engine.wait_for("credentials are refreshed", after=len(self.engine.lines))
            self.expect_running()
            self.counts["renewals"] += 1

    # ---- the end ----

    def tally(self, process):
        """The number of received messages in an engine's log."""
        for line in process.lines:
            if '"state":"matching"' in line:
                self.counts["receives"] += 1
                job, pipeline = re.search(r'"job":"([^"]+)","pipeline":"([^"]+)"', line).groups()
                self.messages.add((self.message_of(job), pipeline))
        self.check_output(process)

    def message_of(self, job):
        """What is the same each time that a message is received."""
        return job

    def check_output(self, process):
        try:
            harness.assert_healthy(process.output())
        except AssertionError as error:
            self.problems.append(str(error)[-4000:])

    def waiting(self):
        """The queues that are not empty, and what is in them."""
        depths = {name: depth(self.sqs, url) for name, url in self.urls.items()}
        return {name: found for name, found in depths.items() if found != (0, 0, 0)}

    def dead_letters(self):
        depths = {f"{name}-dlq": depth(self.sqs, f"{self.urls[name]}-dlq") for name in QUEUES}
        return {name: found for name, found in depths.items() if found != (0, 0, 0)}

    def drain(self):
        try:
            until(lambda: not self.waiting(), "all queues are empty", 300)
        except AssertionError:
            raise AssertionError(f"the queues are not empty: {self.waiting()}") from None

    def check_photos(self):
        for key, picture in sorted(self.uploaded.items()):
            if fetch(self.s3, BUCKET, key) != self.pictures[picture][0]:
                self.problems.append(f"{key} is not what was uploaded")
            made = self.results(key)
            if key in self.replaced:  # tags are read, changed and written: the old picture's may be among them
                made["tags"] = made["tags"] and self.reference[picture]["tags"]
            missing = [name for name, content in made.items() if content is None]
            self.counts["losses"] += len(missing)
            wrong = [name for name, content in made.items() if content != self.reference[picture][name]]
            self.counts["right"] += len(made) - len(wrong)
            if wrong:
                self.problems.append(f"{key}: missing: {missing}, wrong: {[name for name in wrong if name not in missing]}")

    def check_dead_letters(self):
        self.problems += [f"{name}: {found}" for name, found in self.dead_letters().items()]

    def check_leftovers(self):
        found = harness.leftovers(self.folder / "data")
        found["temporary files"] = list((self.folder / "tmp").rglob("*"))
        self.counts["leftovers"] = sum(map(len, found.values()))
        self.counts["blob files"] = len(list((self.folder / "data").glob("blobs/*/*")))
        self.problems += [f"{what}: {sorted(map(str, items))[:10]} ({len(items)})"
                          for what, items in found.items() if items]

    def stop(self, process, name):
        code = process.stop()
        if code:
            self.problems.append(f"the {name} ended with {code}:\n{process.output()[-4000:]}")

    def count_stored_again(self):
        """Renditions that were stored more than once: work that a kill undid, or a message delivered twice."""
        stored = collections.Counter()
        with open(self.folder / "requests.jsonl", errors="replace") as log:
            for line in log:
                if f'"resource":"{OUT}"' in line and '"operation":"PutObject"' in line and '"status":200' in line:
                    stored[re.search(r'"key":"([^"]*)"', line).group(1)] += 1
        self.counts["stored again"] = sum(stored.values()) - len(stored)

    def run(self):
        try:
            self.start_cloud()
            self.cloud.wait_for("Serving")
            self.set_up()
            self.start_engine()
            self.make_reference()
            self.kill_under_load()
            if not self.problems:
                self.finish()
        except AssertionError as error:
            self.problems.append(str(error)[-4000:])
        finally:
            for process in (self.engine, self.cloud):
                if process and process.running():
                    process.kill()

    def kill_under_load(self):
        uploaders = [threading.Thread(target=self.upload_all_the_time, args=(number,)) for number in range(2)]
        try:
            for thread in uploaders:
                thread.start()
            self.kill_again_and_again()
            if not self.problems:
                self.renew()
        finally:
            self.enough.set()
            for thread in uploaders:
                thread.join()

    def finish(self):
        self.wait_for_results(sorted(self.uploaded))
        self.drain()
        self.check_photos()
        self.check_dead_letters()
        self.stop(self.engine, "engine")
        self.tally(self.engine)
        self.stop(self.cloud, "cloud")
        self.check_output(self.cloud)
        self.check_leftovers()
        self.count_stored_again()
        if not self.uploaded:
            self.problems.append("nothing was uploaded")

    def summary(self):
        rows = [("seed", self.seed), ("engine kills", self.counts["engine kills"]),
                ("cloud kills", self.counts["cloud kills"]), ("renewals", self.counts["renewals"]),
                ("photos", len(self.uploaded)), ("photos replaced", len(self.replaced)),
                ("upload attempts", self.counts["upload attempts"]), ("messages", len(self.messages)),
                ("receives", self.counts["receives"]),
                ("received again", self.counts["receives"] - len(self.messages)),
                ("stored again", self.counts["stored again"]), ("results correct", self.counts["right"]),
                ("results lost", self.counts["losses"]), ("blob files", self.counts["blob files"]),
                ("leftovers", self.counts["leftovers"]), ("problems", len(self.problems)),
                ("seconds", round(time.monotonic() - self.began))]
        moments = ", ".join(f"{name} {count}" for name, count in sorted(self.moments.items()))
        return "\n".join([*(f"{name:<16}{value:>8}" for name, value in rows), f"kills by moment: {moments}",
                          *(f"PROBLEM: {problem}" for problem in self.problems)])


def main():
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=120, help="kills of the engine (%(default)s)")
    parser.add_argument("--cloud-kills", type=int, default=60, help="kills of the embedded cloud (%(default)s)")
    parser.add_argument("--session-lifetime", type=int, default=20, metavar="SECONDS",
                        help="how long the engine's credentials are valid (%(default)s)")
    parser.add_argument("--renewals", type=int, default=6,
                        help="renewals of its credentials that the last engine lives through (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6),
                        help="seed of the moments (default: random); printed at the start")
    parser.add_argument("--keep", action="store_true", help="keep the data directory and the logs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="thumbwheel-soak-"))
    harness.set_home(folder)
    print(f"seed {options.seed}, state and logs in {folder}", flush=True)
    soak = Soak(folder / "soak", options.kills, options.cloud_kills, options.seed, options.session_lifetime, options.renewals)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    soak.run()
    print(soak.summary())
    if soak.problems or options.keep:
        (folder / "engine.log").write_text(soak.engine.output())
        (folder / "cloud.log").write_text(soak.cloud.output())
    else:
        shutil.rmtree(folder)
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
