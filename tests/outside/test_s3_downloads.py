"""Downloads of large objects: complete for slow readers too, and released when a reader aborts."""
import os
import random
import socket
import struct
import urllib.parse

import pytest

from harness import until

MIB = 1 << 20


@pytest.fixture
def cloud(start_cloud):
    return start_cloud("--cloud-only", photos=())


@pytest.fixture
def objects(cloud):
    """An object of one file and one of three, by their keys."""
    s3, bodies = cloud.client("s3"), {"whole": random.Random(1).randbytes(9 * MIB + 1)}
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="whole", Body=bodies["whole"])
    parts = [random.Random(seed).randbytes(5 * MIB + 7 * seed) for seed in (2, 3, 4)]
    ids = {"Bucket": "large", "Key": "parts"}
    ids["UploadId"] = s3.create_multipart_upload(**ids)["UploadId"]
    made = [{"PartNumber": number, "ETag": s3.upload_part(PartNumber=number, Body=part, **ids)["ETag"]}
            for number, part in enumerate(parts, 1)]
    s3.complete_multipart_upload(MultipartUpload={"Parts": made}, **ids)
    bodies["parts"] = b"".join(parts)
    return bodies


def ask(cloud, key):
    url = urllib.parse.urlsplit(cloud.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": "large", "Key": key}))
    peer = socket.create_connection((url.hostname, url.port), timeout=60)
    peer.sendall(f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
    return peer


def read_some(peer, size):
    got = b""
    while len(got) < size:
        piece = peer.recv(min(65536, size - len(got)))
        if not piece:
            break
        got += piece
    return got


def read_response(peer):
    head, _, body = read_some(peer, 4096).partition(b"\r\n\r\n")
    size = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")))
    return body + read_some(peer, size - len(body))


@pytest.mark.parametrize("key", ["whole", "parts"])
def test_an_object_that_is_replaced_or_deleted_is_read_to_its_end(cloud, objects, key):
    """The peers take nothing before the object is gone, and sockets hold a part of it only."""
    s3, peers = cloud.client("s3"), [ask(cloud, key) for _ in range(4)]
    for peer in peers:
        assert peer.recv(1, socket.MSG_PEEK) == b"H"
    s3.put_object(Bucket="large", Key=key, Body=b"another")
    s3.delete_object(Bucket="large", Key=key)
    for peer in peers:
        assert read_response(peer) == objects[key]
        peer.close()


def test_aborted_downloads_leave_nothing_behind(cloud, objects):
    s3 = cloud.client("s3")
    descriptors = lambda: len(os.listdir(f"/proc/{cloud.process.pid}/fd"))  # noqa: E731
    s3.get_object(Bucket="large", Key="whole")["Body"].read()
    before, chance = descriptors(), random.Random(5)
    for _ in range(10):
        peers = [ask(cloud, chance.choice(list(objects))) for _ in range(8)]
        for peer in chance.sample(peers, len(peers)):
            read_some(peer, chance.randrange(5 * MIB))
            if chance.random() < 0.5:  # with a reset
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
    until(lambda: descriptors() <= before, "the descriptors of broken downloads are closed")
    for key, body in objects.items():
        assert s3.get_object(Bucket="large", Key=key)["Body"].read() == body


def test_a_crowd_of_slow_readers_leaves_descriptors_for_others(start_cloud):
    """Of 128 descriptors 32 are for connections; each reader has a file too, and there cannot be pipes for all."""
    cloud = start_cloud("--cloud-only", photos=(), under=["prlimit", "--nofile=128:128"])
    s3, body = cloud.client("s3"), random.Random(6).randbytes(9 * MIB)
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="whole", Body=body)
    peers = [ask(cloud, "whole") for _ in range(28)]
    for peer in peers:
        assert peer.recv(17, socket.MSG_PEEK) == b"HTTP/1.1 200 OK\r\n"
    s3.put_object(Bucket="large", Key="other", Body=body[:MIB])
    assert s3.get_object(Bucket="large", Key="other")["Body"].read() == body[:MIB]
    for peer in peers:
        assert read_response(peer) == body
        peer.close()


def test_an_object_that_is_not_in_the_page_cache_is_read_from_disk(cloud, objects):
    """Its pages leave the kernel's cache before it is asked for, as those of an object of last week have."""
    for path in (cloud.data / "blobs").glob("*/*"):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    s3 = cloud.client("s3")
    for key, body in objects.items():
        assert s3.get_object(Bucket="large", Key=key)["Body"].read() == body
