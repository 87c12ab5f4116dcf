"""thumbwheel status against the embedded cloud, with and without an engine."""
import json
import os
import pty
import signal

import pytest

import harness
from harness import aws_environment, make_queue, thumbwheel, until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("status")
    cloud = harness.Cloud(folder / "data", "--cloud-only")
    yield cloud
    cloud.stop()
    harness.assert_healthy(cloud.output())


@pytest.fixture
def files(tmp_path):
    def write(*names):
        for name in names:
            (tmp_path / f"{name}.yaml").write_text(
                f"name: {name}\nqueue: {name}\nmatch: {{ prefix: in/ }}\n"
                f"outputs: [{{ key: 'out/{name}/{{name}}', width: 9 }}]\n")
        return tmp_path
    return write


@pytest.fixture
def status(cloud):
    def run(folder, *arguments, code=0):
        done = thumbwheel("status", "--pipelines", folder, *arguments, environment=aws_environment(cloud.endpoint))
        assert done.returncode == code, done.stdout + done.stderr
        return done
    return run


def test_all_is_well(status, sqs, files, name):
    url = make_queue(sqs, name, receives=3)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.send_message(QueueUrl=url, MessageBody="y", DelaySeconds=900)
    report = json.loads(status(files(name), "--json").stdout)
    assert report["ok"] is True and report["engine"] is None
    [row] = report["pipelines"]
    assert row == {"pipeline": name, "attention": None, "oldest_age_seconds": None,
                   "queue": {"name": name, "exists": True, "visible": 1, "in_flight": 0, "delayed": 1},
                   "dead_letters": {"name": f"{name}-dlq", "exists": True, "visible": 0, "in_flight": 0, "delayed": 0}}
    shown = status(files(name)).stdout.splitlines()
    assert shown[0].split() == ["Pipeline", "Queue", "Visible", "In", "flight", "Delayed", "Dead", "Attention"]
    assert shown[1].split() == [name, name, "1", "0", "1", "0"]


def test_what_needs_attention_is_named_and_exits_1(status, sqs, files, name):
    dead, plain, gone = f"{name}-a", f"{name}-b", f"{name}-c"
    make_queue(sqs, dead, receives=3)
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=f"{dead}-dlq")["QueueUrl"], MessageBody="x")
    make_queue(sqs, plain)
    rows = json.loads(status(files(dead, plain, gone), "--json", code=1).stdout)["pipelines"]
    assert [row["attention"] for row in rows] == ["dead letters", "no dead-letter queue", "the queue does not exist"]
    assert rows[0]["dead_letters"]["visible"] == 1 and rows[1]["dead_letters"] is None
    assert rows[2]["queue"] == {"name": gone, "exists": False, "visible": None, "in_flight": None, "delayed": None}


def test_many_queues_are_asked_at_once(status, sqs, files, name):
    names = [f"{name}-{number}" for number in range(20)]
    for each in names:
        make_queue(sqs, each, receives=3)
    rows = json.loads(status(files(*names), "--json").stdout)["pipelines"]
    assert sorted(row["pipeline"] for row in rows) == sorted(names)


def test_an_engine_is_asked_too(cloud, start, status, sqs, files, name):
    make_queue(sqs, name, receives=3)
    folder = files(name)
    engine = start("run", "--pipelines", folder, "--metrics", "127.0.0.1:0", "--log-format", "json", "--wait", "1s",
                   "--isolation", "thread", environment=aws_environment(cloud.endpoint))
    port = engine.wait_for(r'"metrics are served".*"port":(\d+)').group(1)
    until(lambda: thumbwheel("health", "--ready", "--metrics", f"127.0.0.1:{port}").returncode == 0, "it is ready")
    report = json.loads(status(folder, "--json", "--metrics", f"127.0.0.1:{port}").stdout)["engine"]
    assert (report["reached"], report["ready"], report["jobs"], report["done"]) == (True, True, 0, 0)
    assert report["done_per_second"] is None  # it takes two rounds
    assert f"Engine 127.0.0.1:{port}: ready, 0 jobs" in status(folder, "--metrics", f"127.0.0.1:{port}").stdout
    engine.stop()
    gone = status(folder, "--metrics", f"127.0.0.1:{port}", code=1)
    assert "not reached: it does not respond" in gone.stdout


def test_watch_asks_until_it_is_interrupted(cloud, start, sqs, files, name):
    url = make_queue(sqs, name, receives=3)
    watch = start("status", "--watch", "--json", "--pipelines", files(name),
                  environment=aws_environment(cloud.endpoint))
    watch.wait_for('"visible":0')
    sqs.send_message(QueueUrl=url, MessageBody="x")
    watch.wait_for('"visible":1')
    assert watch.stop(signal.SIGINT) == 0
    assert all(json.loads(line)["ok"] for line in watch.lines)


def test_watch_redraws_on_a_terminal(cloud, sqs, files, name):
    url = make_queue(sqs, name, receives=3)
    environment = aws_environment(cloud.endpoint, TERM="xterm", COLUMNS="100", LINES="24", NO_COLOR="1")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(harness.PROGRAM, [harness.PROGRAM, "status", "--watch", "--pipelines", str(files(name))], environment)
    written = ""

    def shows(text):
        nonlocal written
        written += os.read(terminal, 65536).decode()
        return text in written

    until(lambda: shows("\x1b[J"), "the first round")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    until(lambda: shows("\x1b[2A"), "the second is drawn over it: a title and a row")
    os.write(terminal, b"\x03")
    _, code = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(code) == 0, written
    harness.assert_healthy(written)


def test_wrong_commands_are_usage_errors(status, files, name):
    assert 'takes no argument "x"' in status(files(name), "x", code=2).stderr
    assert "ADDRESS:PORT" in status(files(name), "--metrics", "nonsense", code=2).stderr


def test_refused_credentials_are_reported_once(cloud, files, name):
    done = thumbwheel("status", "--pipelines", files(name), environment=aws_environment(cloud.endpoint, secret="wrong"))
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stdout == ""
