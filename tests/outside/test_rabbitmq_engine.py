"""The engine with queues in RabbitMQ: what becomes of a message, and of the connection."""
import json
import shutil

import pytest

import harness
from harness import until
from proxy import HOLD, Proxy
from rabbitmq import Cluster
from tcp_proxy import TcpProxy

PIPELINE = """name: {name}
queue: {queue}
match: {{ bucket: {bucket}, prefix: ingest/ }}
outputs:
  - {{ key: "{name}/{{name}}", width: 16, format: jpeg }}
"""
RETRIES = {"1s": 1000, "10s": 10000, "1m": 60000, "10m": 600000}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("rabbitmq"), tls=True)
    yield cluster
    cluster.close()


@pytest.fixture
def vhost(broker, name):
    return broker.make_vhost(name)


class Store(Proxy):
    """The cloud's S3, which answers the engine's GetObject as the test decides: None, HOLD, or (status, body)."""

    def __init__(self, endpoint):
        super().__init__(endpoint, lambda method, path, headers, body: self.verdict if method == "GET" else None)
        self.verdict = None


@pytest.fixture
def store(cloud):
    proxy = Store(cloud.endpoint)
    yield proxy
    proxy.close()


SLOW_DOWN = (503, b"<Error><Code>SlowDown</Code></Error>")


def quorum(**more):
    return {"x-queue-type": "quorum"} | {name.replace("_", "-"): value for name, value in more.items()}


def declare(broker, vhost, queue, receives=6, delays=RETRIES, kind="quorum"):
    """A work queue with what belongs to it, as `provision --via rabbitmq` makes it."""
    to = {"x_dead_letter_exchange": "", "x_dead_letter_strategy": "at-least-once", "x_overflow": "reject-publish"}
    connection = broker.connect(vhost)
    channel = connection.channel()
    if kind == "classic":
        channel.queue_declare(queue, durable=True)
    else:
        channel.queue_declare(queue, durable=True, arguments=quorum(
            x_delivery_limit=receives - 1, x_dead_letter_routing_key=f"{queue}.dead", **to))
    channel.queue_declare(f"{queue}.dead", durable=True, arguments=quorum())
    for step, milliseconds in delays.items():
        channel.queue_declare(f"{queue}.retry.{step}", durable=True, arguments=quorum(
            x_message_ttl=milliseconds, x_dead_letter_routing_key=queue, **to))
    connection.close()


SLOW = {step: 600000 for step in RETRIES}  # a message stays there until the test takes it


@pytest.fixture
def engine(broker, store, bucket, vhost, start, tmp_path):
    """Starts an engine whose pipelines read queues of the broker, by name of the queue."""
    def begin(*queues, arguments=(), address=None, **environment):
        folder = tmp_path / "pipelines"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for queue in queues:
            (folder / f"{queue}.yaml").write_text(PIPELINE.format(
                name=queue, queue=(address or broker.address)(vhost, queue), bucket=bucket))
        return start("run", "--pipelines", folder, "--workers", "1", "--grace", "20s", *arguments,
                     environment=harness.aws_environment(store.endpoint, **broker.environment(), **environment))
    return begin


def put(s3, bucket, count=1):
    """So many photos; the messages that announce them."""
    for i in range(count):
        s3.put_object(Bucket=bucket, Key=f"ingest/{i}.jpg", Body=harness.jpeg(64, 48))
    return [event(bucket, f"ingest/{i}.jpg") for i in range(count)]


def event(bucket, key):
    return json.dumps({"bucket": bucket, "key": key}).encode()


def finished(s3, bucket, queue="web", count=1):
    for i in range(count):
        until(lambda: harness.exists(s3, bucket, f"{queue}/{i}.jpg"), f"{queue}/{i}.jpg")


@pytest.mark.parametrize("kind", ["quorum", "classic"])
def test_photos_are_rendered_and_acknowledged(broker, s3, bucket, vhost, engine, kind):
    declare(broker, vhost, "web", kind=kind)
    running = engine("web")
    broker.publish(vhost, "", "web", *put(s3, bucket, 12))
    finished(s3, bucket, count=12)
    assert running.stop() == 0, running.output()
    assert broker.depth(vhost, "web") == 0, running.output()  # nothing was returned
    assert "received=12  acknowledged=12" in running.output()


def test_a_retry_is_a_confirmed_copy_that_keeps_what_the_publisher_said(broker, s3, store, bucket, vhost, engine):
    declare(broker, vhost, "web", delays=SLOW)
    body, = put(s3, bucket)
    store.verdict = SLOW_DOWN
    running = engine("web", arguments=("--backoff", "1s"))
    broker.publish(vhost, "", "web", body, message_id="m-1", content_type="application/json", expiration="900000",
                   headers={"tenant": "blue", "number": 7, "CC": ["web.dead"]}, correlation_id="c")
    properties, copy = broker.take(vhost, "web.retry.1s")
    assert copy == body
    assert properties.message_id == "m-1" and properties.content_type == "application/json"
    assert properties.correlation_id == "c" and properties.delivery_mode == 2 and properties.expiration is None
    headers = properties.headers
    assert headers["tenant"] == "blue" and headers["number"] == 7 and headers["thumbwheel-attempts"] == 1
    assert headers["thumbwheel-message-id"].startswith("m-1-") and "CC" not in headers
    assert running.stop() == 0, running.output()
    assert broker.depth(vhost, "web") == 0


def test_a_retry_comes_back_and_its_receives_are_counted(broker, s3, store, bucket, vhost, engine):
    declare(broker, vhost, "web", delays=dict(SLOW, **{"1s": 300}))
    store.verdict = SLOW_DOWN
    running = engine("web", arguments=("--backoff", "1s", "--max-receives", "100"))
    broker.publish(vhost, "", "web", *put(s3, bucket))
    until(lambda: running.output().count("job will be retried") >= 2, "it has come back")
    properties, body = broker.take(vhost, "web.retry.1s")
    assert properties.headers["thumbwheel-attempts"] >= 2 and "x-death" not in properties.headers
    store.verdict = None
    broker.publish(vhost, "", "web", body, headers=properties.headers)
    finished(s3, bucket)


def test_a_photo_that_cannot_be_decoded_becomes_a_dead_letter_with_the_reason(broker, s3, bucket, vhost, engine):
    declare(broker, vhost, "web")
    s3.put_object(Bucket=bucket, Key="ingest/0.jpg", Body=b"no photo")
    running = engine("web")
    broker.publish(vhost, "", "web", event(bucket, "ingest/0.jpg"), headers={"tenant": "blue"})
    properties, body = broker.take(vhost, "web.dead")
    assert body == event(bucket, "ingest/0.jpg")
    assert properties.headers["tenant"] == "blue" and properties.headers["ThumbwheelPipeline"] == "web"
    assert properties.headers["ThumbwheelReason"] and properties.headers["ThumbwheelDetail"]
    assert running.stop() == 0, running.output()
    assert broker.depth(vhost, "web") == 0


def test_a_message_whose_copy_has_no_queue_stays_unacknowledged(broker, s3, store, bucket, vhost, engine):
    declare(broker, vhost, "web", delays={})
    store.verdict = SLOW_DOWN
    running = engine("web", arguments=("--backoff", "1s"))
    broker.publish(vhost, "", "web", *put(s3, bucket))
    running.wait_for('could not be copied.*there is no queue .*web.retry.1s.*thumbwheel provision')
    assert broker.depth(vhost, "web") == 0  # it is held
    running.kill()
    until(lambda: broker.depth(vhost, "web") == 1, "the message is back")


def test_the_prefetch_follows_the_free_slots(broker, s3, store, bucket, vhost, engine):
    declare(broker, vhost, "web")
    store.verdict = HOLD
    running = engine("web", arguments=("--jobs", "3"))
    bodies = put(s3, bucket, 8)
    broker.publish(vhost, "", "web", *bodies)
    until(lambda: broker.depth(vhost, "web") == 5, "three messages are held")
    broker.publish(vhost, "", "web", *bodies)
    assert broker.depth(vhost, "web") == 13  # there is no slot for more
    store.verdict = None
    store.released.set()
    until(lambda: broker.depth(vhost, "web") == 0, "all are done")
    finished(s3, bucket, count=8)
    assert running.stop() == 0, running.output()


def test_a_stopped_engine_returns_what_it_has_not_started(broker, s3, store, bucket, vhost, engine):
    declare(broker, vhost, "web")
    store.verdict = HOLD
    running = engine("web", arguments=("--grace", "1s"))
    broker.publish(vhost, "", "web", *put(s3, bucket, 3))
    until(lambda: broker.depth(vhost, "web") == 0, "they are held")
    assert running.stop() == 0, running.output()
    assert broker.depth(vhost, "web") == 3


def test_work_that_outlasts_the_consumer_timeout_is_returned_and_reported(broker, s3, store, bucket, vhost, engine):
    declare(broker, vhost, "web", receives=1)
    store.verdict = HOLD
    running = engine("web", arguments=("--amqp-consumer-timeout", "10s", "--timeout", "2m"))
    broker.publish(vhost, "", "web", *put(s3, bucket))
    running.wait_for("returned to its queue; raise consumer_timeout.*queue=web.*seconds=9")
    properties, _ = broker.take(vhost, "web.dead")  # by the broker: it was returned too often
    assert properties.headers["x-first-death-reason"] == "delivery_limit"


def test_a_deleted_queue_stops_only_its_pipeline_and_may_come_back(broker, s3, bucket, vhost, engine):
    declare(broker, vhost, "web")
    declare(broker, vhost, "tags")
    running = engine("web", "tags")
    running.wait_for("engine started")
    body, = put(s3, bucket)
    connection = broker.connect(vhost)
    connection.channel().queue_delete("web")
    connection.close()
    running.wait_for("queue could not be polled.*queue=web.*deleted")
    broker.publish(vhost, "", "tags", body)
    finished(s3, bucket, "tags")
    declare(broker, vhost, "web")
    broker.publish(vhost, "", "web", body)
    finished(s3, bucket)
    assert "connection to RabbitMQ; trying" not in running.output()
    assert running.stop() == 0, running.output()


def test_a_purge_takes_only_what_waits(broker, s3, store, bucket, vhost, engine):
    declare(broker, vhost, "web")
    store.verdict = HOLD
    running = engine("web", arguments=("--jobs", "1"))
    broker.publish(vhost, "", "web", *put(s3, bucket, 3))
    until(lambda: broker.depth(vhost, "web") == 2, "one is held")
    connection = broker.connect(vhost)
    connection.channel().queue_purge("web")
    connection.close()
    store.verdict = None
    store.released.set()
    until(lambda: "job done" in running.output(), "the held one is done")
    assert running.stop() == 0, running.output()
    assert "received=1  acknowledged=1" in running.output() and broker.depth(vhost, "web") == 0


@pytest.fixture
def proxies(broker):
    """Two ways to the broker."""
    both = [TcpProxy(broker.nodes[0].port) for _ in range(2)]
    yield both
    for proxy in both:
        proxy.close()


def through(broker, *proxies):
    hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies)
    return lambda vhost, queue: broker.address(vhost, queue, hosts=hosts)


def test_a_lost_connection_is_opened_again_at_the_next_host(broker, s3, store, bucket, vhost, engine, proxies):
    declare(broker, vhost, "web")
    store.verdict = HOLD
    running = engine("web", address=through(broker, *proxies))
    broker.publish(vhost, "", "web", *put(s3, bucket))
    until(lambda: broker.depth(vhost, "web") == 0, "it is held")
    proxies[0].refuse()
    proxies[0].cut()
    running.wait_for(f"connected to RabbitMQ.*host=127.0.0.1:{proxies[1].port}")
    store.verdict = None
    store.released.set()
    until(lambda: running.output().count("job done") == 2, "both deliveries are done")
    assert running.stop() == 0, running.output()
    assert broker.depth(vhost, "web") == 0  # the first could not be acknowledged, the second was


def test_a_silent_broker_is_given_up(broker, s3, bucket, vhost, engine, proxies):
    """As behind a broken network: two heartbeats are missing."""
    declare(broker, vhost, "web")
    running = engine("web", address=through(broker, *proxies), arguments=("--amqp-heartbeat", "1s"))
    running.wait_for("engine started")
    proxies[0].hold()
    running.wait_for(f"connected to RabbitMQ.*host=127.0.0.1:{proxies[1].port}")
    broker.publish(vhost, "", "web", *put(s3, bucket))
    finished(s3, bucket)


def test_a_broker_that_is_gone_is_waited_for(broker, s3, bucket, vhost, engine, proxies):
    declare(broker, vhost, "web")
    running = engine("web", address=through(broker, proxies[0]))
    running.wait_for("engine started")
    proxies[0].refuse()
    proxies[0].cut()
    running.wait_for("service unavailable: its queues cannot be used")
    broker.publish(vhost, "", "web", *put(s3, bucket, 2))
    proxies[0].refuse(False)
    finished(s3, bucket, count=2)
    running.wait_for("service available")
    assert running.stop() == 0, running.output()
    assert broker.depth(vhost, "web") == 0


def test_a_broker_without_memory_still_takes_acknowledgements_and_retries_wait(broker, s3, store, bucket, vhost, engine):
    declare(broker, vhost, "web", delays=SLOW)
    bodies = put(s3, bucket, 2)
    store.verdict = HOLD
    running = engine("web", arguments=("--backoff", "1s"))
    broker.publish(vhost, "", "web", *bodies)
    until(lambda: broker.depth(vhost, "web") == 0, "both are held")
    broker.nodes[0].control("set_vm_memory_high_watermark", "absolute", "1MB")
    store.verdict = SLOW_DOWN
    store.released.set()
    running.wait_for("RabbitMQ takes no messages for now.*memory")
    assert broker.depth(vhost, "web.retry.1s") == 0
    broker.nodes[0].control("set_vm_memory_high_watermark", "absolute", "1GB")
    running.wait_for("RabbitMQ takes messages again")
    until(lambda: broker.depth(vhost, "web.retry.1s") == 2, "both copies are stored")
    assert running.stop() == 0, running.output()


def localhost(broker):
    return lambda vhost, queue: broker.address(vhost, queue, tls=True, hosts=f"localhost:{broker.nodes[0].tls_port}")


def test_a_broker_with_tls_is_verified(broker, s3, bucket, vhost, engine):
    declare(broker, vhost, "web")
    running = engine("web", address=localhost(broker), arguments=("--amqp-ca-file", broker.certificate[0]))
    broker.publish(vhost, "", "web", *put(s3, bucket))
    finished(s3, bucket)
    assert running.stop() == 0, running.output()
    unknown = engine("web", address=localhost(broker))
    unknown.wait_for("no connection to RabbitMQ.*--amqp-ca-file")
    unknown.stop()


def test_a_wrong_password_ends_the_start_with_the_reason(broker, vhost, engine, tmp_path):
    declare(broker, vhost, "web")
    (tmp_path / "wrong").write_text("other-secret\n")
    running = engine("web", arguments=("--amqp-password-file", tmp_path / "wrong"))
    assert running.wait() == 2
    assert "ACCESS_REFUSED" in running.output() and "other-secret" not in running.output()


def test_a_missing_virtual_host_is_told_and_waited_for(broker, s3, bucket, vhost, engine):
    absent = f"{vhost}-late"
    running = engine("web", address=lambda _, queue: broker.address(absent, queue))
    running.wait_for(f"vhost {absent} not found")
    broker.make_vhost(absent)
    declare(broker, absent, "web")
    broker.publish(absent, "", "web", *put(s3, bucket))
    finished(s3, bucket)


def test_a_password_in_an_address_is_refused(tmp_path):
    (tmp_path / "web.yaml").write_text(PIPELINE.format(name="web", queue="amqp://me:s3cret@broker/%2F/web", bucket="photos"))
    done = harness.thumbwheel("check", "--pipelines", tmp_path)
    assert done.returncode == 2 and "--amqp-password-file" in done.stdout + done.stderr
    assert "web.yaml:2:8" in done.stdout + done.stderr and "contains a password" in done.stdout + done.stderr
