#!/usr/bin/env python3
"""Measures the embedded cloud's queues: each operation by number of queues and messages; startup; purge.

    ./dev bench queues [--program build/release/thumbwheel] [--messages 1000000] [--queues 1000] [--requests 2000]

It uses the release build with full durability and a new data directory. Besides elapsed time, which other work on the
machine disturbs, it measures the server's CPU time: the µs columns are CPU time per operation. Initial messages and queues
are written to the data directory before the server starts.
"""
import argparse
import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from known_key import ACCESS_KEY, SECRET_KEY, write_known_key

ROOT = Path(__file__).resolve().parent.parent
KEY, SECRET, REGION, ACCOUNT = ACCESS_KEY, SECRET_KEY, "us-east-1", "000000000000"
BODY = "x" * 100
TICKS = os.sysconf("SC_CLK_TCK")


def signed(host, action, **parameters):
    """One request of JSON 1.0, reusable for 15 minutes."""
    body = json.dumps(parameters).encode()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{stamp[:8]}/{REGION}/sqs/aws4_request"
    headers = {"content-type": "application/x-amz-json-1.0", "host": host, "x-amz-date": stamp,
               "x-amz-target": f"AmazonSQS.{action}"}
    names = ";".join(headers)
    canonical = "\n".join(["POST", "/", "", *(f"{name}:{value}" for name, value in headers.items()), "", names,
                           hashlib.sha256(body).hexdigest()])
    key = b"AWS4" + SECRET.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, "
                                f"Signature={hmac.new(key, text.encode(), 'sha256').hexdigest()}")
    return body, headers


class Server:
    def __init__(self, program, data, under=()):
        write_known_key(data)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [*under, program, "local", "--cloud-only", "--port", "0", "--data", data, "--durability", "full"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ, HOME=str(data)))
        for line in self.process.stdout:
            if "Endpoint:" in line:
                self.host = "127.0.0.1:" + line.split("http://127.0.0.1:")[1].split()[0].strip("/.,")
                break
        else:
            raise SystemExit("the server did not start")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.call("ListQueues")
        self.start_s = time.monotonic() - began
        self.start_cpu_s = self.cpu()

    def connection(self):
        return http.client.HTTPConnection(self.host, timeout=600)

    def exchange(self, connection, request):
        connection.request("POST", "/", *request)
        response = connection.getresponse()
        data = response.read()
        if response.status != 200:
            raise SystemExit(f"{response.status}: {data.decode()}")
        return json.loads(data or b"{}")

    def call(self, action, **parameters):
        return self.exchange(self.connection(), signed(self.host, action, **parameters))

    def url(self, queue):
        return f"http://{self.host}/{ACCOUNT}/{queue}"

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss_mb(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6

    def stop(self):
        self.process.terminate()
        self.process.wait()


def fill(data, queues, messages, body_of=lambda number: BODY):
    """Adds queues, and messages to q0. The server has created the tables and is stopped."""
    now = int(time.time() * 1000)
    with sqlite3.connect(data / "cloud.sqlite3") as database:
        database.executemany("INSERT INTO queues (id, name, created_ms, modified_ms, attributes) VALUES (?,?,?,?,'{}')",
                             ((i + 1, f"q{i}", now, now) for i in range(queues)))
        database.executemany(
            "INSERT INTO messages (id, queue, uuid, sent_ms, due_ms, first_ms, count, base, received_ms, body)"
            " VALUES (?,1,?,?,?,?,0,0,?,?)",
            (((now << 20) + i, os.urandom(16), now, now, now, now, body_of(i).encode()) for i in range(messages)))


def measure(server, requests, work):
    """work(connection) makes one request. Four concurrent clients; returns (requests/s, server CPU µs per request)."""
    def client(count):
        connection = server.connection()
        for _ in range(count):
            work(connection)

    cpu, began = server.cpu(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(client, [requests // 4] * 4))
    took = time.monotonic() - began
    return requests / took, (server.cpu() - cpu) / requests * 1e6


def operations(server, queues, requests):
    """Each operation goes over all queues in turn, starting with the first."""
    sends = [signed(server.host, "SendMessage", QueueUrl=server.url(f"q{i}"), MessageBody=BODY) for i in range(queues)]
    takes = [signed(server.host, "ReceiveMessage", QueueUrl=server.url(f"q{i}")) for i in range(queues)]
    turn = iter(range(10 ** 9))
    received = {}

    def send(connection):
        server.exchange(connection, sends[next(turn) % queues])

    def receive(connection):
        at = next(turn) % queues
        for message in server.exchange(connection, takes[at]).get("Messages", []):
            received[message["ReceiptHandle"]] = at

    def delete(connection):
        handle, at = received.popitem()
        server.exchange(connection, signed(server.host, "DeleteMessage", QueueUrl=server.url(f"q{at}"),
                                           ReceiptHandle=handle))

    found = {"send": measure(server, requests, send)}
    turn = iter(range(10 ** 9))
    found["receive"] = measure(server, requests, receive)
    found["delete"] = measure(server, len(received) // 4 * 4, delete)
    return found


def purge(server):
    """Purges q0 while another client sends to q1: (s until the response, the longest send in ms)."""
    send = signed(server.host, "SendMessage", QueueUrl=server.url("q1"), MessageBody=BODY)
    waits, stop = [], threading.Event()

    def sender():
        connection = server.connection()
        while not stop.is_set():
            began = time.monotonic()
            server.exchange(connection, send)
            waits.append((time.monotonic() - began) * 1000)

    thread = threading.Thread(target=sender)
    thread.start()
    began = time.monotonic()
    server.call("PurgeQueue", QueueUrl=server.url("q0"))
    duration = time.monotonic() - began
    time.sleep(3)
    stop.set()
    thread.join()
    return duration, max(waits), statistics.median(waits)


def scene(program, queues, messages, requests, purged=False):
    data = Path(tempfile.mkdtemp(prefix="thumbwheel-queues-"))
    try:
        Server(program, data).stop()
        fill(data, queues, messages)
        server = Server(program, data)
        row = f"| {queues:,} | {messages:,} | {server.start_s:.2f} | {server.start_cpu_s:.2f} | {server.rss_mb():.0f} |"
        for rate, cost in operations(server, queues, requests).values():
            row += f" {rate:,.0f} | {cost:.0f} |"
        print(row, flush=True)
        if purged:
            duration, longest, median = purge(server)
            print(f"\npurge of {messages:,} messages: response after {duration * 1000:.0f} ms; during the purge and "
                  f"the next 3 s a send to another queue took {median:.1f} ms (median), at most {longest:.0f} ms")
        server.stop()
    finally:
        shutil.rmtree(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/thumbwheel"))
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--queues", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=2000)
    options = parser.parse_args()
    print("| queues | messages | start s | CPU s | RSS MB | send/s | µs | receive/s | µs | delete/s | µs |\n"
          "|---|---|---|---|---|---|---|---|---|---|---|")
    scene(options.program, 1, options.requests, options.requests)
    scene(options.program, options.queues, options.requests, options.requests)
    scene(options.program, 2, options.messages, options.requests, purged=True)


if __name__ == "__main__":
    main()
