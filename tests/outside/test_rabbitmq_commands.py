"""The commands with a real RabbitMQ: what `provision --via rabbitmq` makes and what it leaves alone; that messages pass; and send,
backfill, status, dlq and notify."""
import json
import re
import signal
from urllib.parse import quote

import pytest

import harness
from harness import aws_environment, run_on_terminal, thumbwheel, until
from proxy import HOLD, Proxy
from rabbitmq import PASSWORD, USER, Cluster

PIPELINE = """name: {name}
queue: "{queue}"
match: {{ prefix: in/ }}
outputs:
  - {{ key: "small/{{stem}}.png", width: 64, height: 64, fit: cover, format: png }}
"""
EVENT = json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                                 "s3": {"bucket": {"name": "b"}, "object": {"key": "in/a.jpg"}}}]}).encode()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("rabbitmq"))
    yield cluster
    cluster.close()


@pytest.fixture
def make(cluster, cloud, name, tmp_path):
    """Runs provision for one pipeline in a virtual host of this test; the result's `plan` is its JSON."""
    vhost = cluster.make_vhost(f"{name}/v")  # the name of a virtual host may contain a slash
    file = tmp_path / "small.yaml"
    file.write_text(PIPELINE.format(name="small", queue=cluster.address(vhost, "small")))

    def run(*arguments, status=0, form=("--json", "--yes"), password=cluster.password_file, port=cluster.nodes[0].management_port):
        done = thumbwheel("provision", "--via", "rabbitmq", "--endpoint", cloud.endpoint, "--pipelines", file, "--bucket", name,
                          "--amqp-password-file", password, "--broker-api", f"http://{USER}@127.0.0.1:{port}", *form, *arguments,
                          environment=aws_environment())
        assert done.returncode == status, done.stdout + done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        done.plan = json.loads(done.stdout) if "--json" in form and done.stdout else None
        return done

    run.vhost, run.file, run.path = vhost, file, quote(vhost, safe="")
    return run


def actions(done):
    return {f"{resource['kind']} {resource['name']}": resource["action"] for resource in done.plan["resources"]}


def differing(done):
    return {name: action for name, action in actions(done).items() if action != "keep"}


def test_everything_is_made_once(cluster, make, name):
    first = make()
    assert set(actions(first).values()) == {"create"} and first.plan["applied"]
    assert all(resource["done"] for resource in first.plan["resources"])
    second = make()
    assert not differing(second) and second.plan["keep"] == len(second.plan["resources"]) == first.plan["create"]
    assert cluster.queue(make.vhost, "small")["arguments"] == {
        "x-queue-type": "quorum", "x-delivery-limit": 2, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "small.dead",
        "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    names = {queue["name"] for queue in cluster.demand("GET", f"queues/{make.path}")}
    assert names == {"small", "small.dead", "small.retry.1s", "small.retry.10s", "small.retry.1m", "small.retry.10m", "thumbwheel.unrouted"}
    exchange = cluster.demand("GET", f"exchanges/{make.path}/thumbwheel")
    assert (exchange["type"], exchange["durable"], exchange["arguments"]) == ("topic", True, {})


def test_messages_pass_through_what_was_made(cluster, make):
    """From the exchange to the queue; after the TTL back from a retry queue; to the dead-letter queue after the last delivery;
    and what no binding takes is kept."""
    make("--max-receives", "2")
    cluster.publish(make.vhost, "thumbwheel", "thumbwheel", EVENT)
    assert cluster.take(make.vhost, "small")[1] == EVENT
    cluster.publish(make.vhost, "", "small.retry.1s", b"again")
    properties, body = cluster.take(make.vhost, "small")
    assert body == b"again" and properties.headers["x-death"][0]["queue"] == "small.retry.1s"
    cluster.publish(make.vhost, "", "small", b"fatal")
    connection = cluster.connect(make.vhost)
    channel = connection.channel()
    for _ in range(2):
        method, _, body = until(lambda: (found := channel.basic_get("small"))[0] and found, "the message")
        assert body == b"fatal"
        channel.basic_nack(method.delivery_tag, requeue=True)
    connection.close()
    properties, body = cluster.take(make.vhost, "small.dead")
    assert body == b"fatal" and properties.headers["x-first-death-reason"] == "delivery_limit"

    def unrouted():  # a policy takes effect a moment after it was set
        cluster.publish(make.vhost, "thumbwheel", "another-key", b"lost?")
        return cluster.depth(make.vhost, "thumbwheel.unrouted")

    assert until(unrouted, "the message without a binding is kept")


def test_a_dry_run_only_shows_the_plan(cluster, make):
    done = make("--dry-run", form=())
    shown = re.sub(r"127\.0\.0\.1:\d+", "HOST", done.stdout)
    assert shown.startswith(f"RabbitMQ, amqp://{USER}@HOST/{make.path}\n\n")
    assert "+ queue small.retry.10s\n" in shown and "x-message-ttl" in shown and "to create" in shown
    assert "the exchange thumbwheel of amqp://" in shown  # the note says what is left to do
    assert cluster.demand("GET", f"queues/{make.path}") == []


def test_nothing_is_changed_without_consent(cluster, cloud, make, name):
    output, status = run_on_terminal(
        ["provision", "--via", "rabbitmq", "--endpoint", cloud.endpoint, "--pipelines", make.file, "--bucket", name,
         "--amqp-password-file", cluster.password_file, "--broker-api", f"http://{USER}@127.0.0.1:{cluster.nodes[0].management_port}"],
        typed="n\n", asked="Apply this plan to RabbitMQ and the store", **aws_environment())
    assert status == 1 and "nothing was changed" in output
    assert cluster.demand("GET", f"queues/{make.path}") == []


def declare(cluster, vhost, **arguments):
    connection = cluster.connect(vhost)
    connection.channel().queue_declare("small", durable=True, arguments={f"x-{name.replace('_', '-')}": value for name, value in arguments.items()})
    connection.close()


def test_a_queue_with_other_arguments_is_a_conflict(cluster, make):
    declare(cluster, make.vhost, queue_type="quorum", delivery_limit=20, max_length=1000)
    done = make(status=1)
    [conflict] = [resource["conflict"] for resource in done.plan["resources"] if resource["action"] == "conflict"]
    assert "x-delivery-limit is 20, not 2" in conflict and "PRECONDITION_FAILED" in conflict and "policy" in conflict
    assert "x-overflow is not set, not" in conflict and "x-queue-type is" not in conflict
    assert [queue["name"] for queue in cluster.demand("GET", f"queues/{make.path}")] == ["small"]  # nothing was changed


def test_a_policy_may_stand_for_arguments(cluster, make):
    cluster.demand("PUT", f"policies/{make.path}/letters", {
        "pattern": "^small$", "apply-to": "queues", "definition": {
            "dead-letter-exchange": "", "dead-letter-routing-key": "small.dead", "dead-letter-strategy": "at-least-once",
            "overflow": "reject-publish"}})
    declare(cluster, make.vhost, queue_type="quorum", delivery_limit=20, max_length=1000)
    until(lambda: cluster.queue(make.vhost, "small").get("policy"), "the management knows the policy")  # up to five seconds
    done = make("--max-receives", "21")
    assert actions(done)["queue small"] == "keep"
    [kept] = [resource["kept"] for resource in done.plan["resources"] if resource["name"] == "small" and resource["kept"]]
    assert "x-max-length" in kept[0]


def test_another_policy_and_other_bindings_are_kept(cluster, make):
    make()
    cluster.demand("PUT", f"policies/{make.path}/thumbwheel", {"pattern": "^other$", "apply-to": "exchanges",
                                                              "definition": {"alternate-exchange": "x"}})
    cluster.demand("POST", f"bindings/{make.path}/e/thumbwheel/q/small", {"routing_key": "theirs", "arguments": {}})
    done = make()
    assert differing(done) == {"policy thumbwheel": "change"}
    [kept] = [resource["kept"] for resource in done.plan["resources"] if resource["kind"] == "binding of queue" and resource["kept"]]
    assert "theirs" in kept[0]
    found = cluster.demand("GET", f"policies/{make.path}/thumbwheel")
    assert (found["pattern"], found["definition"]) == ("^thumbwheel$", {"alternate-exchange": "thumbwheel.unrouted"})


def test_what_is_wrong_is_said(cluster, make, tmp_path):
    wrong = tmp_path / "wrong-password"
    wrong.write_text("not-the-secret\n")
    done = make(status=2, password=wrong)
    assert "HTTP 401" in done.stderr and "not-the-secret" not in done.stderr
    done = make(status=1, password=tmp_path / "missing")
    assert "the password for RabbitMQ" in done.stderr and "missing" in done.stderr
    done = make(status=1, port=harness.free_port())
    assert "rabbitmq_management" in done.stderr
    cluster.demand("PUT", "users/plain", {"password": "plain", "tags": "management"})
    cluster.demand("PUT", f"permissions/{make.path}/plain", {"configure": ".*", "write": ".*", "read": ".*"})
    wrong.write_text("plain")
    done = make("--broker-api", cluster.api().replace(USER, "plain"), "--broker-api-password-file", wrong, status=2)
    assert "policy thumbwheel: cannot read it" in done.stderr and "policymaker" in done.stderr
    make.file.write_text(PIPELINE.format(name="small", queue=cluster.address("no-such", "small")))
    done = make(status=1)
    assert "rabbitmqctl add_vhost no-such" in done.stderr
    make.file.write_text(PIPELINE.format(name="small", queue="small-queue"))
    assert "queue: amqp://" in make(status=2).stderr
    assert "--emit" in make("--emit", "terraform", status=2, form=()).stderr


def test_the_commands_for_minio(make, name):
    done = make("--store", "minio", "--events-to", "amqp://store@broker:5672/photos", "--dry-run", form=())
    commands = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("mc ")]
    assert len(commands) == 3
    assert "notify_amqp:thumbwheel url='amqp://store:PASSWORD@broker:5672/photos'" in commands[0]
    assert commands[2] == f"mc event add ALIAS/{name} arn:minio:sqs::thumbwheel:amqp --event put --prefix 'in/'"


# ---- send, backfill, status, dlq, notify ----


@pytest.fixture
def ask(cluster, cloud, make):
    """Runs a command on the pipeline of make; its lines of JSON."""
    make("--max-receives", "2")

    def run(*arguments, status=0):
        done = thumbwheel(*arguments, "--endpoint", cloud.endpoint, environment=aws_environment(**cluster.environment()))
        assert done.returncode == status, done.stdout + done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    run.dlq = lambda action, *arguments: run("dlq", action, "--json", "--pipelines", make.file, *arguments)
    return run


def kill_a_message(cluster, vhost, body):
    """Returns a message to its queue so often that the broker moves it to the dead-letter queue."""
    cluster.publish(vhost, "thumbwheel", "thumbwheel", body)
    connection = cluster.connect(vhost)
    channel = connection.channel()
    for _ in range(2):
        method, _, _ = until(lambda: (found := channel.basic_get("small"))[0] and found, "the message")
        channel.basic_nack(method.delivery_tag, requeue=True)
    connection.close()
    until(lambda: cluster.depth(vhost, "small.dead") == 1, "it is a dead letter")


def test_send_and_backfill_reach_the_queue(cluster, cloud, make, ask, s3, name):
    s3.put_object(Bucket=name, Key="in/a b.jpg", Body=harness.jpeg(32, 24))
    s3.put_object(Bucket=name, Key="out/b.jpg", Body=b"not an input")
    ask("send", "--queue", cluster.address(make.vhost, "small"), f"s3://{name}/in/a b.jpg", "--attribute", "kind=test", "--json")
    properties, body = cluster.take(make.vhost, "small")
    assert json.loads(body)["Records"][0]["s3"]["object"]["key"] == "in/a+b.jpg" and properties.headers["kind"] == "test"
    assert properties.delivery_mode == 2
    [result] = ask("backfill", "--pipelines", make.file, f"s3://{name}/", "--json")
    assert (result["listed"], result["matched"], result["sent"], result["messages"]) == (2, 1, 1, 1)
    assert json.loads(cluster.take(make.vhost, "small")[1])["Records"][0]["s3"]["object"]["key"] == "in/a+b.jpg"


def test_status_shows_what_waits(cluster, make, ask):
    cluster.publish(make.vhost, "", "small", EVENT, EVENT)
    cluster.publish(make.vhost, "", "small.retry.10m", EVENT)
    cluster.publish(make.vhost, "", "small.dead", EVENT)
    [report] = ask("status", "--pipelines", make.file, "--json", status=1)
    [row] = report["pipelines"]
    assert (row["queue"]["name"], row["queue"]["visible"], row["queue"]["delayed"]) == ("small", 2, 1)
    assert (row["dead_letters"]["visible"], row["attention"]) == (1, "dead letters")


def test_dead_letters_are_listed_moved_back_and_deleted(cluster, make, ask):
    kill_a_message(cluster, make.vhost, EVENT)
    letter = next(line for line in ask.dlq("list") if "key" in line)
    assert (letter["reason"], letter["pipeline"], letter["bucket"], letter["key"]) == ("receive count exceeded", "small", "b", "in/a.jpg")
    assert cluster.depth(make.vhost, "small.dead") == 1  # it was put back
    ask.dlq("redrive")
    assert cluster.depth(make.vhost, "small.dead") == 0
    properties, body = cluster.take(make.vhost, "small")
    assert body == EVENT and "x-death" not in properties.headers
    cluster.publish(make.vhost, "", "small.dead", EVENT, b"another")
    ask.dlq("purge", "--key", "in/", "--yes")
    assert cluster.depth(make.vhost, "small.dead") == 1
    ask.dlq("purge", "--yes")
    assert cluster.depth(make.vhost, "small.dead") == 0


def test_a_message_whose_receives_are_used_up_is_a_dead_letter(cluster, cloud, make, ask, start):
    """The photo cannot be fetched: a retry, then the dead-letter queue, and the redrive gives it new receives."""
    cluster.publish(make.vhost, "thumbwheel", "thumbwheel", EVENT, headers={"kind": "test"})
    engine = start("run", "--pipelines", make.file, "--max-receives", "2", "--workers", "1", "--isolation", "thread",
                   environment=aws_environment(cloud.endpoint, **cluster.environment(), AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{harness.free_port()}"))
    until(lambda: cluster.depth(make.vhost, "small.dead") == 1, "it is a dead letter")
    assert engine.stop() == 0 and "received too often" in engine.output()
    letter = next(line for line in ask.dlq("list") if "key" in line)
    assert (letter["reason"], letter["pipeline"], letter["key"]) == ("receive count exceeded", "small", "in/a.jpg")
    ask.dlq("redrive")
    properties, body = cluster.take(make.vhost, "small")
    assert body == EVENT and properties.headers["kind"] == "test"
    assert not [header for header in properties.headers if header in ("thumbwheel-attempts", "thumbwheel-source")]


def test_the_example_goes_from_the_exchange_to_renditions_and_a_notification(cluster, cloud, s3, start, name, tmp_path):
    """pipelines/examples/rabbitmq, with the user, the host and the virtual host of the test."""
    vhost = cluster.make_vhost(name)
    for file in (harness.ROOT / "pipelines/examples/rabbitmq").iterdir():
        text = file.read_text().replace("amqp://photos@localhost/photos/", cluster.address(vhost, ""))
        (tmp_path / file.name).write_text(text.replace("bucket: photos", f"bucket: {name}"))
    environment = aws_environment(cloud.endpoint, **cluster.environment())
    done = thumbwheel("provision", "--via", "rabbitmq", "--pipelines", tmp_path, "--broker-api", cluster.api(), "--yes", environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "queue finished: created" in done.stdout
    engine = start("run", "--pipelines", tmp_path, "--workers", "1", "--isolation", "thread", environment=environment)
    s3.put_object(Bucket=name, Key="ingest/sea.jpg", Body=harness.jpeg(160, 120))
    cluster.publish(vhost, "thumbwheel", "thumbwheel", json.dumps({"bucket": name, "key": "ingest/sea.jpg"}).encode())
    told = json.loads(cluster.take(vhost, "finished")[1])
    assert (told["type"], told["outputs"][0]["key"]) == ("photo.done", "web/WebImage-sea.jpg")
    until(lambda: harness.exists(s3, name, "thumbnail/Thumbnail-sea.jpg"), "the thumbnail")
    assert engine.stop() == 0
    assert [cluster.depth(vhost, queue) for queue in ("web", "thumbnail", "finished", "web.dead")] == [0] * 4


def test_ctrl_c_ends_a_run_that_waits_for_the_management(cluster, cloud, make, name, start):
    asked = []
    proxy = Proxy(cluster.api().replace(f"{USER}@", ""), lambda method, path, headers, body: asked.append(path) or HOLD)
    process = start("provision", "--via", "rabbitmq", "--endpoint", cloud.endpoint, "--pipelines", make.file, "--bucket", name, "--yes",
                    "--broker-api", proxy.endpoint, environment=aws_environment(**cluster.environment()))
    until(lambda: asked, "the management is asked")
    assert process.stop(signal.SIGINT) == 1
    assert "interrupted; what was done stays" in process.output()
    proxy.close()
