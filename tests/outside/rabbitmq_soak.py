#!/usr/bin/python3
"""Kills the engine and the nodes of a RabbitMQ cluster (-9), separates nodes, and cuts connections, while photos are uploaded;
checks that nothing is lost.

    ./dev soak rabbitmq [--kills N] [--node-kills N] [--leader-kills N] [--partitions N] [--cuts N] [--pace SECONDS] [--seed S]
                        [--keep]

The queues are quorum queues on three nodes; the embedded cloud is the store. The producer publishes an event for each photo that
the store has acknowledged, until the broker confirms it. The engine reaches each node through a proxy, which cuts all
connections at once. A node stays down for a while, and is back before the next kill. A node that is stopped (SIGSTOP) for longer than the cluster
waits for a sign of life is, for the others, behind a broken network. The moments are drawn from the seed: any
time, while a process starts, and right after states in the engine's log.

In the end, everything that was acknowledged must exist, as in soak.py, and all queues must be empty.
"""
import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import pika.exceptions

import harness
from harness import until
from rabbitmq import TICK_S, Cluster
from soak import BUCKET, RENDITIONS, STATES, Soak
from tcp_proxy import TcpProxy

VHOST, EXCHANGE = "soak", "soak-events"
PIPELINES = (*RENDITIONS, "tags")
UUID_SIZE = 36
APART_S = 1.5 * TICK_S  # the others notice it after 0.75 to 1.25 of TICK_S
DOWN_S = 3  # a node stays down for at most this long
MOMENTS = {"engine": ["any", "starting", *STATES], "node": ["any", *STATES], "leader": ["any", *STATES],
           "partition": ["any"], "cut": ["any", "starting", *STATES]}


class Publisher:
    """Publishes until the broker has confirmed; each thread has one of its own."""

    def __init__(self, cluster):
        self.cluster, self.connection, self.channel = cluster, None, None
        self.repeated = 0

    def open(self):
        node = random.choice([node for node in self.cluster.nodes if node.running()])
        self.connection = self.cluster.connect(VHOST, node)
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()

    def publish(self, body):
        name = str(uuid.uuid4())
        while True:
            try:
                if not self.channel or not self.channel.is_open:
                    self.open()
                self.channel.basic_publish(EXCHANGE, "", body, pika.BasicProperties(delivery_mode=2, message_id=name), mandatory=True)
                return
            except (pika.exceptions.AMQPError, OSError, AssertionError):
                self.repeated += 1  # it may have arrived: then it is there twice
                self.channel = None
                time.sleep(0.05)


class RabbitSoak(Soak):
    def __init__(self, folder, kills, node_kills, leader_kills, partitions, cuts, seed, pace_s=0):
        super().__init__(folder, kills, cloud_kills=0, seed=seed, lifetime=3600, renewals=0)
        self.pace_s = pace_s
        self.numbers = {"engine": kills, "node": node_kills, "leader": leader_kills, "partition": partitions, "cut": cuts}
        self.moments_of = MOMENTS
        self.local, self.publishers, self.sequence, self.lock = threading.local(), [], time.time_ns(), threading.Lock()
        self.cluster = Cluster(self.folder / "rabbitmq", 3)
        self.proxies = [TcpProxy(node.port) for node in self.cluster.nodes]
        self.engine_settings = self.cluster.environment() | {
            "THUMBWHEEL_MAX_RECEIVES": "1000",  # kills alone make no dead letter
            "THUMBWHEEL_AMQP_HEARTBEAT": "3s"}
        hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.proxies)
        self.write_pipelines({name: self.cluster.address(VHOST, f"soak-{name}", hosts=hosts) for name in PIPELINES})

    def close(self):
        for proxy in self.proxies:
            proxy.close()
        self.cluster.close()

    # ---- queues ----

    def set_up_queues(self):
        self.cluster.make_vhost(VHOST)
        self.cluster.make_queues(VHOST, *(f"soak-{name}" for name in PIPELINES))
        connection = self.cluster.connect(VHOST)
        channel = connection.channel()
        channel.exchange_declare(EXCHANGE, "fanout", durable=True)
        for name in PIPELINES:
            channel.queue_bind(f"soak-{name}", EXCHANGE)
        connection.close()

    def announce(self, key):
        if not hasattr(self.local, "publisher"):
            self.local.publisher = Publisher(self.cluster)
            self.publishers.append(self.local.publisher)
        with self.lock:
            self.sequence += 1
            sequencer = f"{self.sequence:016X}"
        self.local.publisher.publish(json.dumps({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": key, "sequencer": sequencer}}}]}))
        self.counts["published"] += 1

    def ready(self, wanted):
        """The ready messages of the queues whose name is wanted; None: the broker does not respond."""
        try:
            connection = self.cluster.connect(VHOST)
            try:
                names = [queue["name"] for queue in self.cluster.demand("GET", f"queues/{VHOST}") if wanted(queue["name"])]
                channel = connection.channel()
                depths = {name: channel.queue_declare(name, passive=True).method.message_count for name in names}
            finally:
                connection.close()
        except (pika.exceptions.AMQPError, OSError, AssertionError, StopIteration):
            return None
        return {name: depth for name, depth in depths.items() if depth}

    def backlog(self):
        found = self.ready(lambda name: name == f"soak-{PIPELINES[0]}")
        return None if found is None else sum(found.values())

    def waiting(self):
        """Unacknowledged messages are not among them: check_queues() looks again when the engine has ended."""
        return self.ready(lambda name: not name.endswith(".dead"))

    def dead_letters(self):
        return self.ready(lambda name: name.endswith(".dead"))

    def drain(self):
        try:
            until(lambda: self.waiting() == {}, "all queues are empty", 300)
        except AssertionError:
            raise AssertionError(f"the queues are not empty: {self.waiting()}") from None

    # ---- kills ----

    def victims(self):
        return [victim for victim, number in self.numbers.items() for _ in range(number)]

    def strike(self, victim, moment, chance):
        if victim == "engine":
            super().strike(victim, moment, chance)
            return
        if moment == "starting":
            self.kill_engine()
            self.counts["engine kills"] -= 1  # it is about the connection
            time.sleep(0.3 * chance)
        else:
            self.await_moment(victim, moment, chance)
        self.moments[f"{victim} {moment}"] += 1
        if victim == "cut":
            self.counts["connections cut"] += sum(proxy.cut() for proxy in self.proxies)
        elif victim == "partition":
            self.separate_node()
        else:
            self.kill_node(victim == "leader", chance)
        self.counts[f"{victim} kills"] += 1

    def kill_node(self, leader, chance):
        node = self.cluster.leader(VHOST, f"soak-{random.choice(PIPELINES)}") if leader else self.random.choice(self.cluster.nodes)
        node.kill()
        time.sleep(DOWN_S * chance)
        node.start()
        node.wait_until_ready()
        self.cluster.wait_until_safe()

    def separate_node(self):
        node = self.random.choice(self.cluster.nodes)
        """The losing side has to be restarted ("Clustering and network partitions", RabbitMQ's documentation), a while after it is
        reachable again: a node that was stopped does not notice by itself."""
        node.pause()
        time.sleep(APART_S)
        node.resume()
        time.sleep(DOWN_S)
        node.kill()
        node.start()
        node.wait_until_ready()
        self.cluster.wait_until_safe()

    # ---- the end ----

    def message_of(self, job):
        """The id of the publisher, without what the engine adds to tell copies apart."""
        return job[:UUID_SIZE]

    def finish(self):
        super().finish()
        left = self.waiting()
        if left != {}:
            self.problems.append(f"messages that were not acknowledged: {left}")
        self.counts["repeated"] = sum(publisher.repeated for publisher in self.publishers)

    def run(self):
        try:
            super().run()
        finally:
            self.close()

    def summary(self):
        rows = [("node kills", self.counts["node kills"]), ("leader kills", self.counts["leader kills"]),
                ("partitions", self.counts["partition kills"]), ("cuts", self.counts["cut kills"]), ("connections cut", self.counts["connections cut"]), ("events published", self.counts["published"]),
                ("published again", self.counts["repeated"])]
        return "\n".join([*(f"{name:<16}{value:>8}" for name, value in rows), super().summary()])


def main():
    parser = argparse.ArgumentParser(prog="./dev soak rabbitmq", description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=40, help="kills of the engine (%(default)s)")
    parser.add_argument("--node-kills", type=int, default=15, help="kills of any node (%(default)s)")
    parser.add_argument("--leader-kills", type=int, default=15, help="kills of the node that leads a queue (%(default)s)")
    parser.add_argument("--partitions", type=int, default=8, help="times that a node is separated (%(default)s)")
    parser.add_argument("--cuts", type=int, default=30, help="times that all connections are cut (%(default)s)")
    parser.add_argument("--pace", type=float, default=0, help="seconds between two uploads of each of two threads (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6),
                        help="seed of the moments (default: random); printed at the start")
    parser.add_argument("--keep", action="store_true", help="keep the data directories and the logs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="thumbwheel-soak-"))
    harness.set_home(folder)
    print(f"seed {options.seed}, state and logs in {folder}", flush=True)
    soak = RabbitSoak(folder / "soak", options.kills, options.node_kills, options.leader_kills, options.partitions, options.cuts,
                      options.seed, options.pace)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    soak.run()
    print(soak.summary())
    if soak.problems or options.keep:
        (folder / "engine.log").write_text(soak.engine.output())
    else:
        shutil.rmtree(folder)
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
