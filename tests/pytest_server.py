"""Runs pytest on one file after another, each in a process of its own that starts quickly.

pytest_server.py SOCKET imports once what the test files import (boto3 takes most of half a second), and forks for each
connection. The new process sends its process id, and gets a line of JSON: {"arguments": [...], "environment": {...},
"output": PATH}. At the end it sends the exit code of pytest and the processor time in seconds, of itself and of all
processes that it waited for; a process that was killed sends nothing more. The server has no threads, so that a fork is
safe, and ends with its standard input.
"""
import json
import os
import resource
import select
import signal
import socket
import sys
from pathlib import Path

import boto3  # noqa: F401
import PIL.Image  # noqa: F401
import pytest
import yaml  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent


def processor_time():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def redirect(output):
    """Standard input from nowhere, the rest into the file."""
    for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY | os.O_CREAT)):
        descriptor = os.open(path, flags, 0o600)
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.dup2(1, 2)


def serve(connection):
    """In a process of its own."""
    with connection.makefile("rw") as lines:
        print(os.getpid(), file=lines, flush=True)
        request = json.loads(lines.readline())
        redirect(request["output"])
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(ROOT)
        sys.path[0] = str(ROOT)  # as with -m pytest
        code = int(pytest.main(request["arguments"]))
        sys.stdout.flush()
        print(code, processor_time(), file=lines, flush=True)


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(sys.argv[1])
        server.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([sys.stdin, server], [], [])[0]:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                serve(connection)
                os._exit(0)
            connection.close()


if __name__ == "__main__":
    main()
