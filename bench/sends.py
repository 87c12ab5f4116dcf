#!/usr/bin/env python3
"""Counts the instructions of a send to a queue of the embedded cloud, in the whole program, under callgrind.

    ./dev bench sends [--program build/release/thumbwheel]... [--sends 400] [--case NAME]

Unlike times, instruction counts hardly depend on other work of the machine, so that two builds can be compared: name each
with --program. A count is the difference between two runs, one of which makes --sends more requests, so startup and shutdown
cancel out. Both runs start with a copy of the same data directory.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from queues import ACCOUNT, BODY, ROOT, Server, signed

WARM = 50  # requests of both runs
EVENT = json.dumps({"Records": [{
    "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2026-01-31T11:00:00.000Z",
    "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
    "requestParameters": {"sourceIPAddress": "127.0.0.1"},
    "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7"},
    "s3": {"s3SchemaVersion": "1.0", "configurationId": "thumbwheel",
           "bucket": {"name": "photos", "ownerIdentity": {"principalId": "A3NL1KOZZK"}, "arn": "arn:aws:s3:::photos"},
           "object": {"key": "ingest/picture.jpg", "size": 1024, "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                      "versionId": "096fKKXTRTtl3on89fVO", "sequencer": "0055AED6DCD90281E5"}}}]})
CASES = {
    "100 B": ("SendMessage", BODY),
    "event": ("SendMessage", EVENT),
    "64 KiB": ("SendMessage", BODY * 655),
    "batch": ("SendMessageBatch", BODY),
}


def seed(program, data):
    """A data directory with a queue, and with the keys that the program generates in the background."""
    server = Server(program, data)
    server.call("CreateQueue", QueueName="q")
    deadline = time.monotonic() + 60
    while not (data / "sns-signing-certificate.pem").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    server.stop()


def instructions(program, data, action, body, count):
    with tempfile.TemporaryDirectory(prefix="thumbwheel-sends-") as folder:
        copy, report = Path(folder) / "data", Path(folder) / "callgrind.out"
        shutil.copytree(data, copy)
        server = Server(program, copy, ["valgrind", "--tool=callgrind", f"--callgrind-out-file={report}"])
        url = server.url("q")
        parameters = {"Entries": [{"Id": str(i), "MessageBody": body} for i in range(10)]} \
            if action == "SendMessageBatch" else {"MessageBody": body}
        request, connection = signed(server.host, action, QueueUrl=url, **parameters), server.connection()
        for _ in range(count):
            server.exchange(connection, request)
        server.stop()
        return int(re.search(r"^(?:summary|totals): (\d+)", report.read_text(), re.MULTILINE).group(1))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--program", action="append")
    parser.add_argument("--sends", type=int, default=400)
    parser.add_argument("--case", choices=CASES, action="append")
    options = parser.parse_args()
    programs = options.program or [os.environ.get("THUMBWHEEL", str(ROOT / "build/release/thumbwheel"))]
    with tempfile.TemporaryDirectory(prefix="thumbwheel-sends-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        seed(programs[0], data)
        for name in options.case or CASES:
            for program in programs:
                few, many = (instructions(program, data, *CASES[name], count)
                             for count in (WARM, WARM + options.sends))
                print(f"{name:8} {(many - few) / options.sends:14,.0f} instructions  {program}", flush=True)


if __name__ == "__main__":
    main()
