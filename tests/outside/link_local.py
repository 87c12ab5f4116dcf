"""The link-local services of ECS and EC2 at their real addresses: link_local.py COMMAND..., in a network namespace of its own.

Runs the command for each of the settings below and prints its results, as JSON.
"""
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from metadata import Fake, Sts, keys

SIOCSIFADDR, SIOCSIFFLAGS = 0x8916, 0x8914  # netdevice(7)
UP, LOOPBACK_INDEX = 1, 1
TENTATIVE = 0x40  # linux/if_addr.h
DEADLINE_S = 20
AGENT, IMDS_4, IMDS_6 = "169.254.170.2", "169.254.169.254", "fd00:ec2::254"
SETTINGS = [{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/task"},
            {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/task", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"},
            {}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv4"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}]


def add_addresses():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
        fcntl.ioctl(four, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", UP))
        for alias, address in ((b"lo:1", AGENT), (b"lo:2", IMDS_4)):
            fcntl.ioctl(four, SIOCSIFADDR, struct.pack("16shH4s8x", alias, socket.AF_INET, 0, socket.inet_aton(address)))
        fcntl.ioctl(six, SIOCSIFADDR, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, IMDS_6), 128, LOOPBACK_INDEX))


def await_checked():
    """Of an IPv6 address, also of lo, the kernel thinks later whether there are duplicates; until then, no socket can have it."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        flags = [int(line.split()[4], 16) for line in Path("/proc/self/net/if_inet6").read_text().splitlines()]
        if flags and not any(flag & TENTATIVE for flag in flags):
            return
        time.sleep(0.005)
    sys.exit("the addresses of lo are still tentative")


def imds(name):
    def respond(request):
        if request.path == "/latest/api/token":
            return 200, "metadata-token"
        return 200, keys(name) if request.path.endswith("/web-role") else "web-role"
    return respond


def main():
    add_addresses()
    await_checked()
    agent = Fake(lambda request: (200, keys("AKIDAGENT")), (AGENT, 80))
    Fake(imds("AKIDFOUR"), (IMDS_4, 80))
    Fake(imds("AKIDSIX"), (IMDS_6, 80))
    sts = Fake(Sts())
    results = []
    for setting in SETTINGS:
        done = subprocess.run(sys.argv[1:], env=os.environ | {"AWS_ENDPOINT_URL_STS": sts.url} | setting, capture_output=True, text=True)
        results.append({"status": done.returncode, "output": done.stdout, "errors": done.stderr})
    print(json.dumps({"results": results, "agent": agent.seen()}))


if __name__ == "__main__":
    main()
