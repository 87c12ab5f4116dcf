"""Decoder processes: the results when one fails, for its photo and for the engine."""
import io
import os
import re
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from harness import PROGRAM, clean_environment, jpeg, thumbwheel, until


def children(process):
    found = set()
    for path in Path(f"/proc/{process.process.pid}/task").glob("*/children"):
        found.update(map(int, path.read_text().split()))
    return found


def stored(cloud, key):
    listing = cloud.client("s3").list_objects_v2(Bucket="photos", Prefix=key)
    return any(entry["Key"] == key for entry in listing.get("Contents", []))


def upload(cloud, name, body):
    cloud.client("s3").put_object(Bucket="photos", Key=f"ingest/{name}", Body=body)


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    """A progressive JPEG, which must be held in memory as a whole: three bytes for each pixel. Made once, and in a process of
    its own: this one's peak of memory is what its later children begin with."""
    path = tmp_path_factory.mktemp("huge") / "huge.jpg"
    script = ("import sys; from PIL import Image; Image.new('RGB', (12000, 9000), (40, 90, 160))"
              ".save(sys.argv[1], 'JPEG', progressive=True, quality=30)")
    subprocess.run([sys.executable, "-c", script, path], check=True)
    return path


def may_unshare(*more):
    return subprocess.run(["unshare", "-Umniu", "-C", *more, "true"], capture_output=True).returncode == 0


def begin_decoding(start_cloud, image_timeout):
    cloud = start_cloud("--image-timeout", image_timeout, "--image-memory", "256M", "--workers", "1")
    until(lambda: stored(cloud, "web/WebImage-warm-up.jpg"), "the first photo")
    return cloud


@pytest.fixture
def decoding(start_cloud):
    return begin_decoding(start_cloud, "60s")


def test_a_decoder_has_no_secrets_and_no_files(decoding):
    child, = children(decoding)
    environment = Path(f"/proc/{child}/environ").read_bytes()
    assert b"AWS" not in environment and b"HOME" not in environment
    assert len(os.listdir(f"/proc/{child}/fd")) == 6
    status = Path(f"/proc/{child}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    for namespace in ("user", "mnt", "net", "ipc"):
        own, ours = os.readlink(f"/proc/{child}/ns/{namespace}"), os.readlink(f"/proc/self/ns/{namespace}")
        assert own != ours or not may_unshare()
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert f"{capabilities}:\t0000000000000000" in status


def test_a_decoder_sees_no_other_process(decoding):
    child, = children(decoding)
    numbers = re.search(r"NSpid:(.*)", Path(f"/proc/{child}/status").read_text()).group(1).split()
    if not may_unshare("-p", "-f"):
        pytest.skip("no PID namespace can be made")
    assert len(numbers) == len(re.search(r"NSpid:(.*)", Path("/proc/self/status").read_text()).group(1).split()) + 1
    assert numbers[-1] == "1"


def ended(pid):
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_no_decoder_survives_a_killed_engine(decoding):
    child, = children(decoding)
    os.kill(child, signal.SIGSTOP)  # so that it can't exit by itself
    decoding.process.kill()
    until(lambda: ended(child), "the end of the decoder")


@pytest.mark.parametrize("refused", ["max_user_namespaces", "max_pid_namespaces", "max_net_namespaces"])
def test_no_namespace_is_required(tmp_path, refused):
    (tmp_path / "photo.jpg").write_bytes(jpeg(640, 480))
    within = ["unshare", "-Ur", "sh", "-c", f'echo 0 > /proc/sys/user/{refused} && exec "$@"', "sh"]
    if subprocess.run([*within, "true"], capture_output=True).returncode:
        pytest.skip("no limit of namespaces can be set")
    done = subprocess.run([*within, PROGRAM, "process", "--out", tmp_path / "out", tmp_path / "photo.jpg"],
                          env=clean_environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out/web/WebImage-photo.jpg").exists()


@pytest.mark.parametrize("number, image_timeout", [(signal.SIGKILL, "60s"), (signal.SIGABRT, "60s"), (signal.SIGSTOP, "5s")])
def test_a_photo_survives_its_decoder(start_cloud, number, image_timeout):
    """A stopped decoder is noticed when the photo's time is over. An aborted one may count as the photo's first attempt, so the
    second has time enough for a busy machine."""
    decoding = begin_decoding(start_cloud, image_timeout)
    child, = children(decoding)
    os.kill(child, number)
    if number != signal.SIGSTOP:
        until(lambda: ended(child), "the end of the decoder")
    upload(decoding, "next.jpg", jpeg(640, 480))
    until(lambda: stored(decoding, "web/WebImage-next.jpg"), "a photo after its decoder's end")
    until(lambda: len(children(decoding) - {child}) == 1 and child not in children(decoding), "one decoder, which is another")


def test_a_photo_that_takes_too_much_memory_becomes_a_dead_letter(decoding, huge):
    upload(decoding, "huge.jpg", huge.read_bytes())
    sqs = decoding.client("sqs")
    queues = sqs.list_queues()["QueueUrls"]
    dead, = (url for url in queues if "web" in url and "dlq" in url)
    message, = until(lambda: sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"],
                                                 WaitTimeSeconds=1).get("Messages"), "a dead letter")
    assert message["MessageAttributes"]["ThumbwheelReason"]["StringValue"] == "decoder-memory"
    upload(decoding, "small.jpg", jpeg(640, 480))
    until(lambda: stored(decoding, "web/WebImage-small.jpg"), "the next photo")


def kill_while_it_renders(process, seen):
    """A decoder that holds a progressive picture: as soon as it has 150 MB of its own."""
    def rendering():
        for child in children(process) - seen:
            status = Path(f"/proc/{child}/status")
            anonymous = re.search(r"RssAnon:\s+(\d+)", status.read_text() if status.exists() else "")
            if anonymous and int(anonymous.group(1)) > 150_000:
                return child
        return None
    child = until(rendering, "a decoder that renders")
    os.kill(child, signal.SIGKILL)
    seen.add(child)


@pytest.mark.parametrize("kills", [1, 2])
def test_a_photo_larger_than_half_the_memory_survives_its_decoder(tmp_path, start, huge, kills):
    """Its second attempt needs the memory of the first, and the next photo that of both."""
    (tmp_path / "small.jpg").write_bytes(jpeg(640, 480))
    process = start("process", "--memory", "100M", "--workers", "1", "--out", tmp_path / "out", huge,
                    tmp_path / "small.jpg")
    seen = set()
    for _ in range(kills):
        kill_while_it_renders(process, seen)
    assert process.wait() == kills - 1, process.output()
    done = {path.name for path in (tmp_path / "out/web").iterdir()}
    assert done == {"WebImage-small.jpg"} | ({"WebImage-huge.jpg"} if kills == 1 else set())


@pytest.fixture
def container():
    """A control group of 256 MB, as a container has; its name. Only root may make one."""
    group = Path(f"/sys/fs/cgroup/memory/thumbwheel-test-{os.getpid()}")
    limit = group / "memory.limit_in_bytes"
    if not group.parent.is_dir():
        group, limit = Path(f"/sys/fs/cgroup/thumbwheel-test-{os.getpid()}"), None
    try:
        group.mkdir()
        limit = limit or group / "memory.max"
        limit.write_text(str(256 * 1024 * 1024))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no control group of memory can be made: {error}")
    yield group
    group.rmdir()


def test_a_container_that_is_too_small_for_a_photo_processes_the_next(tmp_path, container, huge):
    """The kernel kills the decoder, twice."""
    (tmp_path / "small.jpg").write_bytes(jpeg(640, 480))
    done = subprocess.run(["sh", "-c", f'echo $$ > {container}/cgroup.procs && exec "$@"', "sh", PROGRAM, "process", "--workers",
                           "1", "--out", tmp_path / "out", huge, tmp_path / "small.jpg"],
                          env=clean_environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "failed: huge.jpg: mobile, tags, thumbnail, web: decoder-memory: " in done.stderr
    assert [path.name for path in (tmp_path / "out/web").iterdir()] == ["WebImage-small.jpg"]


def png_with_text(chunks, size):
    """Each text chunk is a thousand times larger in memory than in the file."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (40, 90, 160)).save(out, "PNG")
    body = b"zTXt" + b"Comment\0\0" + zlib.compress(bytes(size), 9)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return out.getvalue()[:33] + chunks * chunk + out.getvalue()[33:]


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_compressed_text_takes_no_time(tmp_path, isolation):
    (tmp_path / "bomb.png").write_bytes(png_with_text(50, 7_900_000))
    (tmp_path / "photo.png").write_bytes(png_with_text(5, 1_000_000))
    done = thumbwheel("process", "--isolation", isolation, "--out", tmp_path / "out", tmp_path / "bomb.png",
                      tmp_path / "photo.png", environment=clean_environment())
    assert done.returncode == 1
    assert "image-over-limit" in done.stdout + done.stderr and "metadata" in done.stdout + done.stderr
    assert list((tmp_path / "out").rglob("*Image-photo*")) and not list((tmp_path / "out").rglob("*Image-bomb*"))


@pytest.mark.parametrize("isolation, debug", [("process", ""), ("thread", "fatal-warnings")])
@pytest.mark.parametrize("suffix", ["jpg", "webp", "png", "tif"])
def test_a_picture_of_one_pixel_becomes_every_format(tmp_path, isolation, suffix, debug):
    for size in [(1, 1), (1, 9), (9, 1), (3, 1000)]:
        Image.new("RGB", size, (200, 30, 30)).save(tmp_path / f"{size[0]}x{size[1]}.{suffix}")
    done = thumbwheel("process", "--isolation", isolation, "--out", tmp_path / "out", *tmp_path.glob(f"*.{suffix}"),
                      environment=clean_environment(G_DEBUG=debug))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "out").rglob("*Image-*.jpg"))) == 8
