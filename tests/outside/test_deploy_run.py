"""deploy/ at work: its commands and settings start engines here, on loopback and with free ports, and Prometheus reads them.

compose.yaml runs as processes instead of containers, with its own commands and variables. The stack of cloudformation.yaml
is created in an embedded cloud, and the pod of the Kubernetes manifests works on it.
"""
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

import harness
import sanitizers
import systemd_unit
from cloud_formation import Template
from harness import ACCOUNT, PROGRAM, REGION, Process, aws_environment, clean_environment, jpeg, until
from test_deploy import (DEPLOY, PIPELINES, board_expressions, container, documents, kubernetes, rules)

PHOTOS = 3
TEST_EVENTS = 1  # S3 sends one to each queue when a bucket gets its notification
METRICS_LINE = r"metrics are served.*?port\W+(\d+)"


def get(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read().decode()


def outputs(name):
    return [f"thumbnail/Thumbnail-{name}.jpg", f"web/WebImage-{name}.jpg", f"mobile/MobileImage-{name}.jpg",
            f"tags/{name}.jpg.json"]


def stored(s3, bucket, keys):
    found = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
    return found >= set(keys)


# ---- Compose and Prometheus ----

class Compose:
    """The services of compose.yaml that are Thumbwheel's, as processes. Host names and ports become free ports on loopback."""

    def __init__(self, folder):
        self.services = documents("compose.yaml")[0]["services"]
        self.folder, self.processes, self.environments = folder, {}, {}

    def start_all(self):
        cloud = self.start("cloud", {"0.0.0.0": "127.0.0.1", "4566": "0", "/data": str(self.folder / "data"),
                                     "/init.yaml": str(DEPLOY / "local-init.yaml")})
        self.endpoint = cloud.wait_for(r"Endpoint: +(http://127\.0\.0\.1:\d+)")[1]
        for name in ("engine-1", "engine-2"):
            self.start(name, {"http://cloud:4566": self.endpoint, "/cloud/credentials": str(self.folder / "data/credentials")})
        self.metrics = {name: "127.0.0.1:" + process.wait_for(METRICS_LINE)[1] for name, process in self.processes.items()
                        if name != "cloud"}

    def start(self, name, changes):
        service = self.services[name]
        command = [changes.pop(word, word) for word in service["command"]]
        variables = {key: changes.pop(value, value) for key, value in service["environment"].items()}
        assert not changes, f"compose.yaml does not contain {changes}"
        variables["THUMBWHEEL_METRICS"] = "127.0.0.1:0"
        self.environments[name] = clean_environment(**variables)
        self.processes[name] = Process(*command, environment=self.environments[name])
        return self.processes[name]

    def stop(self):
        processes = [self.processes[name] for name in reversed(self.processes)]
        codes = [process.stop() for process in processes]
        for process in processes:
            harness.assert_healthy(process.output())
        assert not any(codes), "\n".join(process.output() for process in processes)


class Prometheus:
    """Debian's, with the configuration of deploy/ except for the targets and the interval."""

    def __init__(self, folder, targets):
        text = (DEPLOY / "prometheus/prometheus.yml").read_text()
        configuration = yaml.safe_load(text)
        configuration["global"] = {"scrape_interval": "2s", "evaluation_interval": "2s"}
        configuration["scrape_configs"][0]["static_configs"] = [{"targets": targets}]
        shutil.copy(DEPLOY / "prometheus/alerts.yml", folder)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/series",
             "--web.listen-address=127.0.0.1:0", "--log.format=json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=clean_environment(GOMAXPROCS="1"))
        self.address, ready = None, False
        for line in self.process.stderr:  # the two come in any order
            found = re.search(r'"address":"(127\.0\.0\.1:[1-9]\d*)"', line)
            self.address = self.address or (found and found[1])
            ready = ready or "Server is ready" in line
            if self.address and ready:
                break
        if not (self.address and ready):
            self.process.kill()
            raise AssertionError("Prometheus did not start")

    def ask(self, path, **parameters):
        answer = json.loads(get(f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def number(self, expression):
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else None

    def stop(self):
        self.process.terminate()
        self.process.stderr.read()
        assert self.process.wait(harness.PATIENCE_S) == 0


@pytest.fixture(scope="module")
def compose(tmp_path_factory):
    """The cloud and both engines, after their photos."""
    compose = Compose(tmp_path_factory.mktemp("compose"))
    try:
        compose.start_all()
        s3 = harness.client(compose.endpoint, "s3")
        for i in range(PHOTOS):
            s3.put_object(Bucket="photos", Key=f"ingest/{i}.jpg", Body=jpeg(160 + i, 120))
        until(lambda: stored(s3, "photos", [key for i in range(PHOTOS) for key in outputs(i)]), "the photos are done")
        yield compose
    finally:
        compose.stop()


@pytest.fixture(scope="module")
def prometheus(compose, tmp_path_factory):
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed")
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), list(compose.metrics.values()))
    yield server
    server.stop()


def test_the_engines_of_compose_are_healthy(compose):
    """Each health check passes as it is in the file, in its service's environment."""
    for name, address in compose.metrics.items():
        _, *check = compose.services[name]["healthcheck"]["test"]
        environment = compose.environments[name] | {"THUMBWHEEL_METRICS": ":" + address.rpartition(":")[2]}
        done = subprocess.run([PROGRAM, *check[1:]], env=environment, capture_output=True, text=True, timeout=60)
        assert check[0] == "thumbwheel" and done.returncode == 0, done.stderr


def test_prometheus_counts_what_the_engines_have_done(prometheus):
    renditions = PHOTOS * (len(PIPELINES) - 1)  # labels make none
    expected = {
        'sum(up{job="thumbwheel"})': 2,
        'sum(thumbwheel_messages_total{outcome="acknowledged"})': (PHOTOS + TEST_EVENTS) * len(PIPELINES),
        "count(count by (pipeline) (thumbwheel_messages_received_total))": len(PIPELINES),
        "sum(thumbwheel_renditions_stored_total)": renditions,
        "sum(thumbwheel_upload_seconds_count)": renditions,
        'sum(thumbwheel_receipt_to_stored_seconds_count{pipeline="web"})': PHOTOS,
    }
    until(lambda: {expression: prometheus.number(expression) for expression in expected} == expected,
          "Prometheus has read both engines' counters")
    assert prometheus.number('sum(thumbwheel_requests_total{service="s3", operation="PutObject"})') >= renditions


def test_prometheus_evaluates_the_dashboard_and_finds_series_for_most_of_it(prometheus):
    """Panels about what has not happened are empty: no decoder died and nothing was throttled."""
    until(lambda: prometheus.number('count(count_over_time(up{job="thumbwheel"}[1m]) >= 3)') == 2, "there are three samples")
    empty = [expression for expression in board_expressions() if not prometheus.query(expression)]
    assert all(re.search("restarts|throttled|retries|refreshes|dead_letter|delayed|visible", item) for item in empty), empty


def test_prometheus_has_loaded_the_alerts(prometheus):
    until(lambda: all(rule["health"] == "ok" for group in prometheus.ask("rules")["groups"] for rule in group["rules"]),
          "the rules were evaluated")
    loaded = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in loaded] == [rule["alert"] for rule in rules()]
    assert [rule["name"] for rule in loaded if rule["state"] == "firing"] == []


# ---- the stack and the pod ----

# What a request of the engine needs, by operation. The bucket of the stack is versioned.
PERMISSIONS = {
    "GetObject": {"s3:GetObject", "s3:GetObjectVersion"}, "HeadObject": {"s3:GetObject", "s3:GetObjectVersion"},
    "PutObject": {"s3:PutObject"}, "ListObjectsV2": {"s3:ListBucket"}, "HeadBucket": {"s3:ListBucket"},
    "GetObjectTagging": {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"},
    "PutObjectTagging": {"s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
    "GetQueueUrl": {"sqs:GetQueueUrl"}, "GetQueueAttributes": {"sqs:GetQueueAttributes"},
    "ReceiveMessage": {"sqs:ReceiveMessage"}, "DeleteMessageBatch": {"sqs:DeleteMessage"},
    "ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"}, "SendMessage": {"sqs:SendMessage"},
    "SendMessageBatch": {"sqs:SendMessage"}, "GetCallerIdentity": set()}
# Only if a GetObject is refused, and only for messages that wait: neither happens in this run.
NOT_IN_THIS_RUN = {"s3:ListBucket", "sqs:ChangeMessageVisibility"}


def mounted(folder, data):
    """A directory as the kubelet makes it of a ConfigMap: links to files in a hidden directory, behind a hidden link."""
    hidden = folder / "..2026_11_29"
    hidden.mkdir(parents=True)
    (folder / "..data").symlink_to(hidden.name)
    for name, text in data.items():
        (hidden / name).write_text(text)
        (folder / name).symlink_to(f"..data/{name}")
    return folder


@pytest.fixture
def stack(cloud):
    """The bucket of a stack in the embedded cloud."""
    Template(documents("cloudformation.yaml")[0],
             {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws", "Bucket": "stack-photos"}
             ).create(cloud.client)
    return "stack-photos"


@pytest.fixture
def pod(start, cloud, stack, tmp_path):
    """The container of the Deployment, with its arguments and with the ConfigMaps' contents."""
    settings = dict(kubernetes("ConfigMap")["thumbwheel-settings"]["data"])
    pipelines = mounted(tmp_path / "pipelines", kubernetes("ConfigMap")["thumbwheel-pipelines"]["data"])
    settings |= {"AWS_REGION": REGION, "THUMBWHEEL_PIPELINES": str(pipelines), "THUMBWHEEL_METRICS": "127.0.0.1:0",
                 "THUMBWHEEL_WAIT": "1s"}
    process = start(*container()["args"], environment=aws_environment(cloud.endpoint) | settings)
    process.address = "127.0.0.1:" + process.wait_for(METRICS_LINE)[1]
    return process


def requested(address):
    """The operations that an engine has requested of S3 and SQS."""
    return set(re.findall(r'^thumbwheel_requests_total\{service="\w+",operation="(\w+)"\} [1-9]', get(f"http://{address}/metrics"),
                          re.M))


def actions_of(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def allows(policy, action, resource):
    """Whether a statement names the action, and the resource with its wildcards."""
    return any(action in actions_of(statement) and any(
        fnmatch.fnmatchcase(resource, pattern) for pattern in
        ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]))
        for statement in policy["Statement"])


def not_allowed(policy, lines):
    """Requests in the log that the policy does not allow on their queue or object; those of this test are left out."""
    found = []
    for line in lines:
        name, key = line["resource"], line["key"]
        if line["service"] == "s3" and name == "stack-photos":
            own = (line["operation"], key.partition("/")[0]) in {("PutObject", "ingest"), ("ListObjectsV2", "")}
            resource = "arn:aws:s3:::example-photos" + (f"/{key}" if key else "")
        elif line["service"] == "sqs" and re.fullmatch(rf"({'|'.join(PIPELINES)})-queue(-dlq)?", name):
            own = (line["operation"], name) == ("ReceiveMessage", "web-queue-dlq")
            resource = f"arn:aws:sqs:eu-west-1:123456789012:{name}"
        else:
            continue
        found += [] if own else [(line["operation"], resource) for action in PERMISSIONS[line["operation"]]
                                 if not allows(policy, action, resource) and "Version" not in action]
    return found


def test_a_pod_works_on_the_stack_with_the_permissions_of_its_role(pod, cloud, stack, s3, sqs):
    probe = container()["readinessProbe"]["httpGet"]["path"]
    until(lambda: pod.wait_for("engine started"), "the engine runs")
    s3.put_object(Bucket=stack, Key="ingest/a.jpg", Body=jpeg(160, 120))
    s3.put_object(Bucket=stack, Key="ingest/broken.jpg", Body=b"not a photo")
    until(lambda: stored(s3, stack, outputs("a")), "the renditions are stored")
    assert get(f"http://{pod.address}{probe}") == "ok\n"
    assert get(f"http://{pod.address}{container()['livenessProbe']['httpGet']['path']}") == "ok\n"
    dead = sqs.get_queue_url(QueueName="web-queue-dlq")["QueueUrl"]
    assert "broken.jpg" in harness.receive(sqs, dead)["Body"]
    urls = [sqs.get_queue_url(QueueName=f"{name}-queue")["QueueUrl"] for name in PIPELINES]
    until(lambda: all(harness.depth(sqs, url) == (0, 0, 0) for url in urls), "the queues are empty")
    needed = set().union(*(PERMISSIONS[operation] for operation in requested(pod.address)))
    policy = documents("iam-policy.json")[0]
    allowed = {action for statement in policy["Statement"] for action in actions_of(statement)}
    assert needed <= allowed
    assert allowed - needed <= NOT_IN_THIS_RUN
    assert pod.stop() == 0
    lines = cloud.requests()
    since = next(i for i, line in enumerate(lines) if (line["operation"], line["resource"], line["key"]) ==
                 ("PutObject", stack, "ingest/a.jpg"))
    assert {line["operation"] for line in lines[since:]} >= {"GetObject", "DeleteMessageBatch", "SendMessage"}
    assert not_allowed(policy, lines[since:]) == []


# ---- the unit ----

def facts_of(pid):
    """/proc/PID/status; the namespaces that differ from ours; and whether its root is empty."""
    status = dict(re.findall(r"^(\w+):\t(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M))
    spaces = {name for name in ("user", "mnt", "net", "pid", "ipc", "uts", "cgroup")
              if os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}")}
    return status, (spaces, not os.listdir(f"/proc/{pid}/root"), len(status["NSpid"].split()))


def test_decoders_confine_themselves_under_the_sandbox_of_the_unit(start, cloud, tmp_path, s3, sqs, bucket):
    """The engine works with the system calls, capabilities and memory that the unit leaves it, and a decoder enters the
    namespaces and the empty root that it enters without systemd, as far as this machine allows them."""
    pytest.importorskip("seccomp")
    (tmp_path / "unit.yaml").write_text(f"name: unit\nqueue: unit-queue\nmatch: {{ bucket: {bucket}, prefix: in/ }}\n"
                                        'outputs: [{ key: "out/{name}", width: 16, format: jpeg }]\n')
    url = harness.make_queue(sqs, "unit-queue", receives=3)
    unit = DEPLOY / "thumbwheel.service"
    variables = dict(word.split("=", 1) for line in systemd_unit.settings(unit)["Environment"] for word in line.split())
    # The sanitizer looks for leaks with ptrace, which the unit does not allow.
    variables["ASAN_OPTIONS"] = sanitizers.OPTIONS["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0")
    arguments = ["run", "--pipelines", tmp_path / "unit.yaml", "--endpoint", cloud.endpoint, "--wait", "1s", "--workers", "1"]
    seen = {}
    for how, under in (("alone", ()), ("confined", (sys.executable, systemd_unit.__file__, unit))):
        process = start(*arguments, under=under, environment=aws_environment(**variables))
        s3.put_object(Bucket=bucket, Key=f"in/{how}.jpg", Body=jpeg(64, 48))
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"bucket": bucket, "key": f"in/{how}.jpg"}))
        until(lambda: stored(s3, bucket, [f"out/{how}.jpg"]), f"a photo is done, {how}")
        decoder, = process.children()
        status, seen[how] = facts_of(decoder[0])
        assert status["CapEff"] == status["CapBnd"] == "0" * 16 and status["NoNewPrivs"] == "1"
        assert facts_of(process.process.pid)[0]["CapEff"] == "0" * 16 or how == "alone"
        assert process.stop() == 0, process.output()
    assert seen["confined"] == seen["alone"]
