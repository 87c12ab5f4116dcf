"""Random histories of queues, by several clients at once and with kills, compared with a model response by response."""
import itertools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from linear import Linear, at_once
from sqs_client import SqsClient
from sqs_model import MAX_RECEIVES, FifoModel, StandardModel
from stateful import CLIENTS, Phoenix, histories, note_seed

STEPS = 30
_names = itertools.count()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = Phoenix(tmp_path_factory.mktemp("stateful-sqs"))
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def sessions(cloud):
    return [harness.client(cloud.endpoint, "sqs") for _ in range(CLIENTS)]


class Run:
    """A queue, its model, and the operations that a random number makes up."""

    def __init__(self, cloud, sessions, model, url, dead, number):
        note_seed()
        self.cloud, self.sqs, self.linear = cloud, sessions[0], Linear(model)
        self.clients = [SqsClient(sqs, url, dead) for sqs in sessions]
        self.random, self.choose, self.count = random.Random(number), random.Random(number).choice, itertools.count()

    def receipt(self):
        """Of a message that was received, or one that nobody has."""
        model = self.linear.first
        known = [m.receipt for m in (model.all() if isinstance(model, StandardModel) else model.messages)
                 if m.receipt and (m.in_flight or isinstance(model, StandardModel))]
        return self.choose(known) if known else None

    def operation(self, names):
        name = self.choose(names)
        made = getattr(self, name)()
        return (name, *made) if None not in made else ("receive", 1, True)

    def receive(self):
        return self.choose([1, 2, 3, 10]), self.choose([True, True, True, False])

    def receive_dead(self):
        return (self.choose([1, 10]),)

    def delete(self):
        return (self.receipt(),)

    make_visible = keep = delete

    def purge(self):
        return ()

    def depth(self):
        """Exact only when nothing happens meanwhile."""
        harness.receives_stored(self.sqs)
        self.step([("depth",)])

    def step(self, operations):
        """The receipts of dead letters say to which queue a receipt belongs."""
        dead = frozenset(m.receipt for m in getattr(self.linear.first, "dead", ()) if m.receipt)
        for client in self.clients:
            client.dead_receipts = dead
        self.linear.step(at_once(self.clients, operations, lambda client, operation: client.run(operation)))

    def run(self, names):
        for at in range(STEPS):
            if at % 8 == 7:
                self.depth()
            operations = [self.operation(names) for _ in range(self.choose([1, 1, 2, 3]))]
            passing = [operation for operation in operations if operation[0] == "receive" and not operation[2]]
            self.step([operation for operation in operations if operation not in passing] or passing[:1])
            if passing:  # messages that are visible again when their receive is stored
                harness.receives_stored(self.sqs)

    def restart(self):
        harness.receives_stored(self.sqs)
        self.cloud.kill()
        self.cloud.start()


class StandardRun(Run):
    def send(self):
        return ([f"body {next(self.count)} ä\n" for _ in range(self.choose([1, 1, 2, 3]))],)

    def check(self):
        """Everything is in the queue or in the dead-letter queue, and comes out."""
        self.step([("receive", 10, True)])
        harness.receives_stored(self.sqs)
        for state in self.linear.states:
            state.settle()
        self.depth()
        for _ in range(50):
            self.step([("receive_dead", 10)])
            self.step([("receive", 10, True)])
            if all(m.in_flight for m in self.linear.first.all()):
                return
        raise AssertionError("the queue does not become empty")


class FifoRun(Run):
    def send(self):
        number = next(self.count) if self.choose([True, True, True, False]) else 0
        return self.choose("gh"), f"id-{number}", f"body {number}"

    def check(self):
        self.depth()


STANDARD = "send send send receive receive receive receive receive_dead delete make_visible make_visible keep".split()
FIFO = "send send send receive receive receive delete delete make_visible".split()


@histories(8)
@given(st.integers(0, 2 ** 32 - 1))
def test_a_standard_queue_answers_as_the_model(cloud, sessions, history):
    name = f"history-{next(_names)}"
    dead = sessions[0].create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    url = sessions[0].create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(
        {"deadLetterTargetArn": harness.queue_arn(f"{name}-dead"), "maxReceiveCount": MAX_RECEIVES})})["QueueUrl"]
    run = StandardRun(cloud, sessions, StandardModel(), url, dead, history)
    run.run(STANDARD if run.choose([True, True, False]) else [*STANDARD, "purge"])
    if run.choose([True, False, False]):
        run.restart()
        run.run(STANDARD)
    run.check()


@histories(8)
@given(st.integers(0, 2 ** 32 - 1))
def test_a_fifo_queue_answers_as_the_model(cloud, sessions, history):
    url = sessions[0].create_queue(QueueName=f"history-{next(_names)}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    run = FifoRun(cloud, sessions, FifoModel(), url, None, history)
    run.run(FIFO if run.choose([True, True, False]) else [*FIFO, "purge"])
    if run.choose([True, False, False]):
        run.restart()
        run.run(FIFO)
    run.check()
