"""`thumbwheel provision --via rabbitmq` against a real RabbitMQ: what it makes, what it leaves alone, and that messages pass."""
import json
import re
from urllib.parse import quote

import pytest

import harness
from harness import aws_environment, run_on_terminal, thumbwheel, until
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
