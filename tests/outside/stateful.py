"""What the stateful tests share: an embedded cloud that is killed and comes back, and how long they run.

THUMBWHEEL_EXAMPLES is the number of random histories (a few by default), THUMBWHEEL_SEED chooses them; a failure prints both.
"""
import os
import socket

import hypothesis
from hypothesis import HealthCheck, settings

import harness

SEED = int(os.environ.get("THUMBWHEEL_SEED", "1"))
CLIENTS = 3


def histories(examples):
    """A decorator of a test by hypothesis, which prints how to run it again."""
    count = int(os.environ.get("THUMBWHEEL_EXAMPLES", examples))

    def decorate(test):
        return hypothesis.seed(SEED)(settings(
            max_examples=count, deadline=None, database=None, print_blob=False,
            suppress_health_check=list(HealthCheck))(test))

    return decorate


def note_seed():
    """Call it in a test: printed if it fails."""
    hypothesis.note(f"run it again with THUMBWHEEL_SEED={SEED}, and with more histories with THUMBWHEEL_EXAMPLES")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Phoenix:
    """An embedded cloud on one data directory and one port."""

    def __init__(self, folder, *arguments):
        self.data, self.arguments, self.port = folder / "data", arguments, free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.process = harness.Process("local", "--cloud-only", "--port", self.port, "--data", self.data, *self.arguments)
        self.process.wait_for("Serving")

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process.running():
            self.process.stop()
        harness.assert_healthy(self.process.output())
