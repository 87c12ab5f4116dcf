"""The image: the Dockerfile is built and its image runs without a Docker engine, with buildah, podman and runc.

The base that FROM names is made with debootstrap. It, the layer of packages and the image are kept in the user's cache: the
image is built again only when something that goes into it has changed. Where the machine doesn't allow this (no root, no
network, no mounts), the tests are skipped with the reason.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

import bare_root
from harness import ACCESS_KEY, REGION, ROOT, SECRET_KEY, jpeg, know_key, until

CACHE = bare_root.CACHE / "container"
BASE = "docker.io/library/debian:12-slim"
TOOLS = ["buildah", "podman", "runc", "conmon", "debootstrap", "nsenter"]
PREPARE_S = 1000  # the base and the packages are fetched, and the program is compiled
LIMIT_BYTES = 120_000_000
USER = 10001
# As in a hardened cluster, with the memory and the processor of a small Fargate task.
CONFINED = ["--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp", "--cap-drop=ALL",
            "--security-opt=no-new-privileges", "--memory=512m", "--memory-swap=512m", "--pids-limit=100",
            "--ulimit=nofile=1024:4096", "--ulimit=nproc=4096:4096"]
ALONE = ["--network=none", *CONFINED]
HALF_A_CPU = "--cpus=0.5"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION,
               "AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_EC2_METADATA_DISABLED": "true"}


def command(*words, timeout=120, **options):
    return subprocess.run([*map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=timeout, **options)


def long_command(*words, ends):
    """With all that it starts, it ends when time is up."""
    process = subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=max(1, ends - time.monotonic()))
    except subprocess.TimeoutExpired:
        pytest.skip(f"this machine builds no image within {PREPARE_S} s")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return subprocess.CompletedProcess(words, process.returncode, output)


def need(done, what):
    """What only the machine can make fail."""
    if done.returncode:
        pytest.skip(f"{what}: {(done.stdout.strip().splitlines() or ['no output'])[-1]}")


class Store:
    """buildah and podman with images of their own."""

    def __init__(self):
        """podman records both folders, so they are the same in every run."""
        self.options = ["--root", CACHE / "storage", "--runroot", CACHE / "run", "--storage-driver", "vfs"]
        self.ends = time.monotonic() + PREPARE_S

    def buildah(self, *words, **options):
        return command("buildah", *self.options, *words, **options)

    def build(self, context, *words):
        return long_command("buildah", *self.options, "bud", "--format", "docker", "--isolation=chroot", "--pull-never",
                            "--layers", *words, context, ends=self.ends)

    def podman(self, *words, **options):
        return command("podman", "--cgroup-manager=cgroupfs", "--runtime", shutil.which("runc"), "--log-level=fatal",
                       *self.options, *words, **options)

    def has(self, image):
        return self.buildah("inspect", "--type", "image", image).returncode == 0


def context_files():
    """What goes into the build: the files that git knows, less what .dockerignore names."""
    listed = command("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
                     cwd=ROOT)
    need(listed, "git doesn't know the files of the context")
    left_out = re.compile(r"\.|docs/|tests/|[^/]+\.md$|Dockerfile$|bench/[^/]+\.(?:py|mjs)$|deploy/(?!image/|debian/)")
    return [ROOT / name for name in sorted(listed.stdout.split("\0"))
            if name and not left_out.match(name) and (ROOT / name).is_file()]


def fingerprint():
    total = hashlib.sha256()
    for path in [ROOT / "Dockerfile", ROOT / ".dockerignore", *context_files()]:
        total.update(f"{path.relative_to(ROOT)} {path.stat().st_mode & 0o111} {path.stat().st_size}\n".encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def make_base(store):
    if store.has(BASE):
        return
    root = bare_root.base()
    container = store.buildah("from", "scratch").stdout.strip()
    for step in (["add", "--quiet", container, root, "/"], ["commit", "--quiet", "--rm", container, BASE]):
        done = store.buildah(*step, timeout=300)
        need(done, "the base can't be stored")


def check_machine(store, folder):
    """A build of nothing, which needs the same mounts and the same network."""
    (folder / "Dockerfile").write_text("FROM debian:12-slim\nRUN apt-get update -qq -o APT::Update::Error-Mode=any\n")
    need(store.build(folder, "--no-cache", "--tag", "probe"), "nothing can be built here")
    need(store.podman("run", "--rm", *ALONE, "probe", "/bin/true"), "nothing can be run here")


def build(store, folder):
    image = "localhost/thumbwheel:" + fingerprint()
    if store.has(image):
        need(store.podman("run", "--rm", *ALONE, image, "--version"), "nothing can be run here")
        return image
    make_base(store)
    check_machine(store, folder)
    listed = store.buildah("images", "--format", "{{.Name}}:{{.Tag}}").stdout.split()
    for target in (["--target", "packages", "--tag", "thumbwheel-packages"], ["--tag", image]):
        done = store.build(ROOT, *target)
        if re.search("Failed to fetch|Temporary failure resolving|No space left on device", done.stdout):
            need(done, "the packages can't be installed")
        assert done.returncode == 0, done.stdout[-8000:]
    older = [name for name in listed if name.startswith("localhost/thumbwheel:")]
    store.buildah("rmi", "--force", "localhost/probe:latest", *older)
    store.buildah("rmi", "--prune")  # the layers in between, of a gigabyte each
    return image


@pytest.fixture(scope="module")
def store():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    if os.geteuid() != 0:
        pytest.skip("building and running images this way takes root")
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        own = Store()
        own.podman("rm", "--all", "--force", "--time=0")  # what a run that was killed has left
        own.buildah("rm", "--all")
        yield own


@pytest.fixture(scope="module")
def image(store, tmp_path_factory):
    return build(store, tmp_path_factory.mktemp("image"))


def picture(path):
    """24 megapixels with detail, so that neither its decoding nor its encoding is trivial."""
    Image.effect_noise((600, 400), 90).resize((6000, 4000)).convert("RGB").save(path, quality=85)


class Container:
    def __init__(self, store, image, folder):
        self.store, self.name = store, f"thumbwheel-{os.getpid()}"
        self.data, photos = folder / "data", folder / "photos"
        for path in (self.data, photos):
            path.mkdir()
        for path in (folder, *list(folder.parents)[:2]):
            path.chmod(0o755)
        cloud = self.data / "thumbwheel"
        know_key(cloud)
        for path in (self.data, cloud, *cloud.iterdir()):
            os.chown(path, USER, USER)
        picture(photos / "large.jpg")
        (photos / "small.jpg").write_bytes(jpeg(640, 480))
        create = ["run", "--detach", "--name", self.name, *ALONE, f"--volume={self.data}:/data",
                  f"--volume={photos}:/photos:ro"]
        what = [image, "local", "--host", "0.0.0.0", "/photos/large.jpg", "/photos/small.jpg"]
        started = store.podman(*create, HALF_A_CPU, *what)
        self.half = started.returncode == 0
        if not self.half:  # no quota of processors on this machine
            store.podman("rm", "--force", self.name)
            started = store.podman(*create, *what)
        assert started.returncode == 0, started.stdout
        self.pid = self.state()["Pid"]

    def state(self):
        return json.loads(self.store.podman("inspect", self.name).stdout)[0]["State"]

    def execute(self, *words, **environment):
        return self.store.podman("exec", *[f"--env={name}={value}" for name, value in environment.items()], self.name,
                                 *words)

    def log(self):
        return self.store.podman("logs", self.name).stdout

    def metrics(self):
        return command("nsenter", "-n", "-t", self.pid, "curl", "-s", "http://127.0.0.1:9464/metrics").stdout

    def end(self):
        self.store.podman("rm", "--force", "--time=0", self.name)


@pytest.fixture(scope="module")
def container(store, image, tmp_path_factory):
    running = None
    try:
        running = Container(store, image, tmp_path_factory.mktemp("container"))
        until(lambda: "Serving" in running.log() or not running.state()["Running"], "the photos are done")
        yield running
    finally:
        with contextlib.suppress(Exception):
            store.podman("rm", "--force", "--time=0", f"thumbwheel-{os.getpid()}")


def status(pid):
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def test_the_image_states_what_it_is(store, image):
    described = json.loads(store.podman("image", "inspect", image).stdout)[0]
    settings = described["Config"]
    version = re.search(r"project\(thumbwheel VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert settings["User"] == f"{USER}:{USER}"
    assert settings["StopSignal"] in ("SIGTERM", "15")
    assert settings["Volumes"] == {"/data": {}}
    assert settings["Entrypoint"] == ["thumbwheel"] and settings["Cmd"] == ["run"]
    assert settings["Labels"]["org.opencontainers.image.version"] == version
    assert {"title", "description", "licenses", "revision"} <= {
        name.removeprefix("org.opencontainers.image.") for name in settings["Labels"]}
    stored = json.loads(store.buildah("inspect", "--type", "image", image).stdout)
    assert stored["Docker"]["config"]["Healthcheck"]["Test"] == ["CMD", "thumbwheel", "health"]
    assert described["Size"] < LIMIT_BYTES


def test_its_help_needs_nothing(store, image):
    done = store.podman("run", "--rm", *ALONE, image, "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: thumbwheel"), done.stdout


def test_a_change_of_the_sources_installs_no_package_again(store, image, tmp_path):
    """The stage with the packages, built from a context of which only dev is the same, is there already."""
    shutil.copy2(ROOT / "dev", tmp_path)
    shutil.copy2(ROOT / "Dockerfile", tmp_path)
    (tmp_path / "engine.c").write_text("/* changed */\n")
    before = store.buildah("images", "--no-trunc", "--quiet", "localhost/thumbwheel-packages").stdout
    again = store.build(tmp_path, "--target", "packages", "--tag", "thumbwheel-packages")
    assert again.returncode == 0, again.stdout
    assert "dev: installing" not in again.stdout
    assert store.buildah("images", "--no-trunc", "--quiet", "localhost/thumbwheel-packages").stdout == before != ""


def test_photos_become_renditions_in_it(container):
    """Cloud and engine in one container that has no network, nothing to write to but /data and /tmp, and 512 MB."""
    assert "2 photos: 2 done, 0 failed" in container.log(), container.log()
    out = container.data / "out"
    for name, shape in (("large", 6000 / 4000), ("small", 640 / 480)):
        width, height = Image.open(out / f"web/WebImage-{name}.jpg").size
        assert abs(width / height - shape) < 0.01
        assert (out / f"thumbnail/Thumbnail-{name}.jpg").exists() and (out / f"mobile/MobileImage-{name}.jpg").exists()


def test_the_defaults_follow_the_control_group(container):
    page = container.metrics()
    assert re.search(r"^thumbwheel_memory_budget_bytes 268435456$", page, re.M), page
    if container.half:
        assert re.search(r"^thumbwheel_workers 1$", page, re.M), page
    state = container.state()
    assert state["Running"] and not state["OOMKilled"]
    restarts = re.findall(r"^thumbwheel_decoder_restarts_total\{.*\} (\d+)$", page, re.M)
    assert all(count == "0" for count in restarts), restarts


def test_its_processes_have_no_privileges_and_two_filters(container):
    """Seccomp filters: the engine has that of the container runtime, a decoder its own in addition."""
    engine = status(container.pid)
    assert engine["Uid"].split() == [str(USER)] * 4
    assert engine["Seccomp"] == "2" and engine["CapBnd"].strip("0") == "" and engine["NoNewPrivs"] == "1"
    decoders = [pid for task in Path(f"/proc/{container.pid}/task").iterdir()
                for pid in (task / "children").read_text().split()]
    assert decoders
    for decoder in map(status, decoders):
        assert decoder["Uid"].split() == [str(USER)] * 4
        assert decoder["Seccomp"] == "2" and decoder["CapEff"].strip("0") == "" and decoder["NoNewPrivs"] == "1"
        assert int(decoder["Seccomp_filters"]) > int(engine["Seccomp_filters"])


def test_it_is_asked_whether_it_is_well(container):
    assert container.store.podman("healthcheck", "run", container.name).returncode == 0
    asked = container.execute("thumbwheel", "health", "--ready")
    assert asked.returncode == 0 and "ready" in asked.stdout, asked.stdout


def test_it_says_whose_credentials_it_uses(container):
    asked = container.execute("thumbwheel", "whoami", **CREDENTIALS)
    assert asked.returncode == 0 and "arn:aws:iam::000000000000" in asked.stdout, asked.stdout


def test_an_engine_drains_when_it_is_stopped(store, image, container):
    """run, the default, in a second container that shares the network of the cloud's."""
    name = f"thumbwheel-run-{os.getpid()}"
    variables = CREDENTIALS | {"THUMBWHEEL_METRICS": ":9465"}
    environment = [f"--env={key}={value}" for key, value in variables.items()]
    try:
        started = store.podman("run", "--detach", "--name", name, f"--network=container:{container.name}", *CONFINED,
                               *environment, image)
        assert started.returncode == 0, started.stdout
        until(lambda: "engine started" in store.podman("logs", name).stdout, "the engine has started")
        assert store.podman("stop", "--time=60", name).returncode == 0
        log = store.podman("logs", name).stdout
        assert json.loads(store.podman("inspect", name).stdout)[0]["State"]["ExitCode"] == 0, log
        assert "engine is draining" in log and "engine stopped" in log
    finally:
        store.podman("rm", "--force", "--time=0", "--volumes", name)


def test_the_cloud_ends_when_it_is_stopped(container):
    """The last test of this container."""
    assert container.store.podman("stop", "--time=60", container.name).returncode == 0
    assert container.state()["ExitCode"] == 0, container.log()
    assert "stopping: finishing pending work" in container.log()
