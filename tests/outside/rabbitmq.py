"""RabbitMQ on loopback: one node, or a cluster of three, on free ports and with data directories of its own.

Distribution, epmd, AMQP, TLS and management listen on 127.0.0.1 only. Each process is stopped by its process ID. A test
makes itself a virtual host, which costs little; starting a cluster takes seconds, so the tests of a file share one.
"""
import base64
import json
import logging
import signal
import subprocess
import urllib.parse
from pathlib import Path

import pika

import harness
from harness import free_port, http, until

logging.getLogger("pika").setLevel(logging.CRITICAL)  # it reports each refused connection, many times

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # /usr/sbin has a wrapper that changes the user
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
USER, PASSWORD = "thumbwheel", "broker-secret"
LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"
RETRIES = {"1s": 1000, "10s": 10_000, "1m": 60_000, "10m": 600_000}  # names of the retry queues, and their delays
TICK_S = 10  # after this long without a sign of life, a node counts as down


class Node:
    """One node of a cluster. Its ports and its data survive stop(), kill() and start()."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.name = f"node{number}@localhost"
        self.folder = cluster.folder / f"node{number}"
        self.port, self.management_port, self.distribution_port = free_port(), free_port(), free_port()
        self.tls_port = free_port() if cluster.certificate else None
        self.process, self.begun = None, 0
        self.folder.mkdir()
        (self.folder / "plugins").write_text("[rabbitmq_management].\n")

    def settings(self):
        lines = {"listeners.tcp.1": f"127.0.0.1:{self.port}", "management.tcp.ip": "127.0.0.1",
                 "management.tcp.port": self.management_port, "default_user": USER, "default_pass": PASSWORD,
                 "log.console.level": "info", "vm_memory_high_watermark.absolute": "1GB", "disk_free_limit.absolute": "50MB",
                 "cluster_partition_handling": "pause_minority", "raft.wal_max_size_bytes": 32 * 1024 * 1024}
        if self.tls_port:
            certificate, key = self.cluster.certificate
            lines |= {"listeners.ssl.1": f"127.0.0.1:{self.tls_port}", "ssl_options.certfile": certificate,
                      "ssl_options.keyfile": key, "ssl_options.cacertfile": certificate, "ssl_options.verify": "verify_none",
                      "ssl_options.fail_if_no_peer_cert": "false"}
        if self.number > 1:  # the first node founds the cluster; the others find it
            lines["cluster_formation.peer_discovery_backend"] = "classic_config"
            for i in range(self.cluster.size):
                lines[f"cluster_formation.classic_config.nodes.{i + 1}"] = f"node{i + 1}@localhost"
            lines["cluster_formation.randomized_startup_delay_range.min"] = 0
            lines["cluster_formation.randomized_startup_delay_range.max"] = 1
        return lines | self.cluster.settings

    def environment(self):
        schedulers = f"+S {self.cluster.schedulers}:{self.cluster.schedulers}" if self.cluster.schedulers else ""
        return harness.clean_environment(
            HOME=str(self.cluster.folder), RABBITMQ_NODENAME=self.name, RABBITMQ_MNESIA_BASE=str(self.folder / "data"),
            RABBITMQ_CONFIG_FILE=str(self.folder / "rabbitmq.conf"), RABBITMQ_ADVANCED_CONFIG_FILE=str(self.folder / "none.config"),
            RABBITMQ_CONF_ENV_FILE=str(self.folder / "none.conf"), RABBITMQ_ENABLED_PLUGINS_FILE=str(self.folder / "plugins"),
            RABBITMQ_LOG_BASE=str(self.folder), RABBITMQ_LOGS="-", RABBITMQ_DIST_PORT=str(self.distribution_port),
            RABBITMQ_GENERATED_CONFIG_DIR=str(self.folder / "config"), ERL_EPMD_PORT=str(self.cluster.epmd_port),
            ERL_EPMD_ADDRESS="127.0.0.1", RABBITMQ_CTL_ERL_ARGS=LOOPBACK,
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=f"{LOOPBACK} -kernel net_ticktime {TICK_S} {schedulers}",
            RUNNING_UNDER_SYSTEMD="true")  # the script becomes the server: its process ID is the server's

    def start(self):
        """Returns at once; wait_until_ready() waits."""
        (self.folder / "rabbitmq.conf").write_text("".join(f"{name} = {value}\n" for name, value in self.settings().items()))
        with open(self.folder / "log", "a") as log:
            self.begun = log.tell()
            self.process = subprocess.Popen([SERVER], env=self.environment(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)

    def log(self, since=0):
        """What it has logged after so many bytes."""
        return (self.folder / "log").read_bytes()[since:].decode(errors="replace")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def answers(self):
        """Whether it has started, and the management knows it. It serves AMQP earlier, but would miss a virtual host that is made
        meanwhile."""
        if not self.running():
            raise AssertionError(f"{self.name} has ended:\n{self.log()[-4000:]}")
        if "Server startup complete" not in self.log(self.begun):
            return False
        try:
            status, nodes = self.cluster.ask("GET", "nodes", node=self)
        except OSError:
            return False
        return status == 200 and any(one["name"] == self.name and one["running"] for one in nodes)

    def wait_until_ready(self):
        until(self.answers, f"{self.name} serves")

    def stop(self):
        """An orderly shutdown."""
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(harness.PATIENCE_S)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        """It keeps its connections and says nothing, as behind a broken network."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def control(self, *arguments):
        """rabbitmqctl; takes about two seconds of processor time."""
        done = subprocess.run([CONTROL, "--node", self.name, "--quiet", *arguments], env=self.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=harness.PATIENCE_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Cluster:
    """A started cluster. schedulers: threads of each node (None: one for each processor); settings: more of
    rabbitmq.conf, by name."""

    def __init__(self, folder, size=1, tls=False, schedulers=1, settings=None):
        self.folder, self.size, self.schedulers, self.settings = Path(folder), size, schedulers, settings or {}
        self.folder.mkdir(parents=True, exist_ok=True)
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text("thumbwheel-tests")
        cookie.chmod(0o400)
        self.password_file = self.folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)
        self.certificate = harness.make_certificate(self.folder, "localhost", "127.0.0.1") if tls else None
        self.epmd_port = free_port()
        self.epmd = subprocess.Popen(["epmd", "-address", "127.0.0.1", "-port", str(self.epmd_port)], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=harness.clean_environment())
        self.nodes = [Node(self, number + 1) for number in range(size)]
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        self.nodes[0].start()
        self.nodes[0].wait_until_ready()
        for node in self.nodes[1:]:
            node.start()
        for node in self.nodes[1:]:
            node.wait_until_ready()
        self.wait_until_whole()

    def running_nodes(self):
        """The nodes that a node of the cluster knows to be running."""
        for node in self.nodes:
            try:
                status, nodes = self.ask("GET", "nodes", node=node) if node.running() else (0, None)
            except OSError:
                continue
            if status == 200:
                return {one["name"] for one in nodes if one["running"] and not one.get("partitions")}
        return set()

    def wait_until_whole(self):
        until(lambda: len(self.running_nodes()) == self.size, "all nodes run in one cluster")

    def wait_until_safe(self):
        """Until any node may stop: no quorum queue would lose its majority."""
        self.wait_until_whole()
        until(lambda: all(self.ask("GET", "health/checks/node-is-quorum-critical", node=node)[0] == 200 for node in self.nodes),
              "all quorum queues are on all nodes")

    def close(self):
        for node in self.nodes:
            if node.running():
                node.kill()  # nobody needs the data
        self.epmd.terminate()
        self.epmd.wait()

    # ---- addresses ----

    def hosts(self, tls=False, nodes=None):
        """host:port of each node, separated by commas."""
        return ",".join(f"127.0.0.1:{node.tls_port if tls else node.port}" for node in nodes or self.nodes)

    def address(self, vhost, queue, tls=False, hosts=None):
        """The address of a queue for a pipeline file; hosts: others than the cluster's, such as a proxy's."""
        scheme = "amqps" if tls else "amqp"
        return f"{scheme}://{USER}@{hosts or self.hosts(tls)}/{urllib.parse.quote(vhost, safe='')}/{queue}"

    def api(self):
        """The address of the management, for --broker-api."""
        return f"http://{USER}@127.0.0.1:{self.nodes[0].management_port}"

    def environment(self):
        """What the program needs to know the user's password."""
        return {"THUMBWHEEL_AMQP_PASSWORD_FILE": str(self.password_file)}

    # ---- management ----

    def ask(self, method, path, body=None, node=None):
        """A request to the management of a node: (status, parsed response or None). path: below /api/."""
        node = node or next(node for node in self.nodes if node.running())
        password = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        status, _, content = http(f"http://127.0.0.1:{node.management_port}/api/{path}", method,
                                  None if body is None else json.dumps(body).encode(),
                                  **{"Content-Type": "application/json", "Authorization": f"Basic {password}"})
        return status, json.loads(content) if content else None

    def demand(self, method, path, body=None):
        """The same; it must succeed."""
        status, response = self.ask(method, path, body)
        assert 200 <= status < 300, (method, path, status, response)
        return response

    def make_vhost(self, name):
        """A virtual host for one test, where the user may do everything."""
        quoted = urllib.parse.quote(name, safe="")
        self.demand("PUT", f"vhosts/{quoted}", {})
        self.demand("PUT", f"permissions/{quoted}/{USER}", {"configure": ".*", "write": ".*", "read": ".*"})
        return name

    def make_queues(self, vhost, *names, kind="quorum", limit=1000):
        """Work queues with what belongs to each, of the given type; limit: deliveries before a dead letter. (amqp_topology.h)"""
        def arguments(to):
            found = {"x-queue-type": kind, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": to, "x-overflow": "reject-publish"}
            return found | ({"x-dead-letter-strategy": "at-least-once"} if kind == "quorum" else {})

        def make(name, wanted):
            self.demand("PUT", f"queues/{urllib.parse.quote(vhost, safe='')}/{name}", {"durable": True, "arguments": wanted})

        for name in names:
            make(name, arguments(f"{name}.dead") | ({"x-delivery-limit": limit} if kind == "quorum" else {}))
            make(f"{name}.dead", {"x-queue-type": kind})
            for suffix, delay_ms in RETRIES.items():
                make(f"{name}.retry.{suffix}", arguments(name) | {"x-message-ttl": delay_ms})

    def queue(self, vhost, name):
        """What the management knows of a queue; the numbers of messages are up to five seconds old."""
        return self.demand("GET", f"queues/{urllib.parse.quote(vhost, safe='')}/{urllib.parse.quote(name, safe='')}")

    def leader(self, vhost, name):
        """The node that leads a quorum queue, or has a classic one."""
        def ask():
            facts = self.queue(vhost, name)
            leader = facts.get("leader") or facts.get("node")  # the management learns it after the declaration
            return next((node for node in self.nodes if node.name == leader), None)
        return until(ask, f"{name} has a leader")

    # ---- AMQP ----

    def connect(self, vhost, node=None):
        """A connection of pika's to a node, or to the first that runs."""
        node = node or next(node for node in self.nodes if node.running())
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", node.port, vhost, pika.PlainCredentials(USER, PASSWORD), connection_attempts=1, socket_timeout=30,
            blocked_connection_timeout=60, heartbeat=0))

    def depth(self, vhost, name):
        """The number of ready messages in a queue, at this moment."""
        connection = self.connect(vhost)
        try:
            return connection.channel().queue_declare(name, passive=True).method.message_count
        finally:
            connection.close()

    def publish(self, vhost, exchange, routing_key, *bodies, **properties):
        """Publishes messages and waits until the broker has confirmed each. A message that no queue takes is an error."""
        connection = self.connect(vhost)
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            for body in bodies:
                channel.basic_publish(exchange, routing_key, body, pika.BasicProperties(delivery_mode=2, **properties), mandatory=True)
        finally:
            connection.close()

    def take(self, vhost, name, timeout=harness.PATIENCE_S):
        """Takes the next message from a queue: (properties, body)."""
        connection = self.connect(vhost)
        try:
            channel = connection.channel()

            def ask():
                found = channel.basic_get(name, auto_ack=True)
                return found if found[0] else None

            _, properties, body = until(ask, f"a message in {name}", timeout)
            return properties, body
        finally:
            connection.close()

