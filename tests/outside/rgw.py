"""Ceph's RGW on loopback: one monitor, one OSD that keeps its objects in memory, and one gateway.

No authentication inside the cluster and no manager: the gateway needs neither. Each process listens on 127.0.0.1 and is
stopped by its process ID; the data ends with it.
"""
import subprocess
import threading
import uuid
from pathlib import Path

import boto3
from botocore.config import Config

import harness
from harness import ACCESS_KEY, SECRET_KEY, free_port, until

CONF = """[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon}/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv4 = true
ms bind ipv6 = false
ms bind msgr1 = false
ms mon client mode = crc
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
mon cluster log file = {folder}/cluster.log
crash dir = {folder}
keyring = {folder}/keyring
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd journal size = 0
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd op num shards = 1
osd op num threads per shard = 1
ms async op threads = 1
rgw frontends = beast endpoint=127.0.0.1:{port} ssl_endpoint=127.0.0.1:{tls_port} ssl_certificate={certificate} ssl_private_key={key}
rgw thread pool size = 8
rgw num rados handles = 1
rgw override bucket index max shards = 1
rgw enable usage log = false
rgw lc debug interval = 0
rgw gc max objs = 1
rgw lc max objs = 1
rgw objexp hints num shards = 1
rgw nfs run gc threads = false
"""


class Gateway:
    """A started gateway: endpoint and tls_endpoint, and the certificate of the latter. Its user has the keys of the tests."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.processes, self.closing, self.lock = [], False, threading.Lock()
        self.conf, port, tls_port = self.folder / "ceph.conf", free_port(), free_port()
        self.endpoint, self.tls_endpoint = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}"
        self.certificate, key = harness.make_certificate(self.folder, "127.0.0.1")
        fsid, mon_port = uuid.uuid4(), free_port()
        self.conf.write_text(CONF.format(fsid=fsid, mon=mon_port, folder=self.folder, port=port, tls_port=tls_port,
                                         certificate=self.certificate, key=key))
        try:
            self.start(fsid, mon_port)
        except BaseException:
            self.close()
            raise

    def start(self, fsid, mon_port):
        (self.folder / "mon").mkdir()
        (self.folder / "osd").mkdir()
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon_port}]", "monmap")
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap")
        self.launch("ceph-mon", "-i", "a")
        osd = uuid.uuid4()
        self.run("ceph", "osd", "new", osd)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.launch("ceph-osd", "-i", "0")
        self.run("radosgw-admin", "user", "create", "--uid", "tests", "--display-name", "tests", "--access-key", ACCESS_KEY,
                 "--secret-key", SECRET_KEY)
        self.launch("radosgw", "-n", "client.admin")
        until(self.answers, "the gateway serves")
        threading.Thread(target=self.keep_gateway, daemon=True).start()

    def keep_gateway(self):
        """As Debian's unit has it (Restart=on-failure): radosgw 16.2.15 sometimes crashes right after it has published an event."""
        while self.processes[-1].wait():
            with self.lock:
                if self.closing:
                    return
                self.launch("radosgw", "-n", "client.admin")

    def command(self, program, arguments):
        return [program, *map(str, arguments), "--conf", str(self.conf)]

    def run(self, program, *arguments):
        done = subprocess.run(self.command(program, arguments), cwd=self.folder, env=harness.clean_environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=harness.PATIENCE_S)
        assert done.returncode == 0, (program, arguments, done.stdout + done.stderr)
        return done.stdout

    def launch(self, program, *arguments):
        with open(self.folder / f"{program}.out", "a") as out:
            self.processes.append(subprocess.Popen(self.command(program, ["-f", *arguments]), cwd=self.folder, stdin=subprocess.DEVNULL,
                                                   stdout=out, stderr=subprocess.STDOUT, env=harness.clean_environment()))

    def answers(self):
        ended = [process.args for process in self.processes if process.poll() is not None]
        assert not ended, (ended, [path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.out")])
        try:
            return harness.http(self.endpoint)[0] == 200
        except OSError:
            return False

    def client(self, service):
        """Over TLS: a gateway accepts a password in a topic's endpoint over nothing else."""
        return boto3.client(service, endpoint_url=self.tls_endpoint, region_name=harness.REGION, aws_access_key_id=ACCESS_KEY,
                            aws_secret_access_key=SECRET_KEY, verify=str(self.certificate),
                            config=Config(s3={"addressing_style": "path"}))

    def close(self):
        with self.lock:
            self.closing = True
        for process in reversed(self.processes):
            process.kill()
            process.wait()
