"""Fixtures for the outside tests: processes that end with their test, and shared clouds."""
import pytest

import harness
from browser import Site


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    path = tmp_path_factory.mktemp("home")
    harness.set_home(path)
    return path


@pytest.fixture(scope="module")
def samples(home):
    """The sample photos, ready in the home of the program under test."""
    harness.copy_samples(home)
    return sorted(path for path in home.rglob("samples/[!.]*") if path.is_file())


def end(processes):
    for process in processes:
        if process.running():
            process.stop()
    for process in processes:
        harness.assert_healthy(process.output())


@pytest.fixture
def start():
    """Starts the program with any arguments; processes that still run when the test ends are stopped."""
    processes = []

    def begin(*arguments, **options):
        processes.append(harness.Process(*arguments, **options))
        return processes[-1]

    yield begin
    end(processes)


@pytest.fixture
def start_cloud(tmp_path):
    """Starts `thumbwheel local`, serving. The same data directory each time, unless told."""
    clouds = []
    photo = tmp_path / "warm-up.jpg"
    photo.write_bytes(harness.jpeg(32, 24))

    def begin(*arguments, data=None, photos=(photo,), **options):
        clouds.append(harness.Cloud(data or tmp_path / "data", *arguments, *photos, **options))
        return clouds[-1]

    yield begin
    end(clouds)


@pytest.fixture(scope="module")
def idle_pipelines(tmp_path_factory):
    """Pipelines for a cloud whose own engine must not interfere."""
    folder = tmp_path_factory.mktemp("idle")
    (folder / "idle.yaml").write_text(harness.PIPELINE_IDLE)
    return folder


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, idle_pipelines):
    """One cloud for all tests of a file; each test uses its own names."""
    folder = tmp_path_factory.mktemp("cloud")
    (folder / "warm-up.jpg").write_bytes(harness.jpeg(32, 24))
    cloud = harness.Cloud(folder / "data", "--pipelines", idle_pipelines, folder / "warm-up.jpg")
    yield cloud
    end([cloud])


@pytest.fixture(scope="module")
def busy_cloud(tmp_path_factory):
    """The same with the four pipelines at work; its warm-up.jpg is large enough for Rekognition."""
    folder = tmp_path_factory.mktemp("busy")
    (folder / "warm-up.jpg").write_bytes(harness.jpeg(200, 150))
    cloud = harness.Cloud(folder / "data", folder / "warm-up.jpg")
    cloud.wait_for("Serving")
    yield cloud
    end([cloud])


@pytest.fixture(scope="module")
def s3(cloud):
    return cloud.client("s3")


@pytest.fixture(scope="module")
def sqs(cloud):
    return cloud.client("sqs")


@pytest.fixture(scope="module")
def sns(cloud):
    return cloud.client("sns")


@pytest.fixture
def name(request):
    """A name that no other test uses, valid for buckets, queues and topics."""
    plain = "".join(c if c.isalnum() else "-" for c in request.node.name.removeprefix("test_").lower())
    return plain[:50].strip("-") + "-x"


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def queue(sqs, name):
    return harness.make_queue(sqs, name)


@pytest.fixture
def topic(sns, name):
    return sns.create_topic(Name=name)["TopicArn"]


@pytest.fixture
def site():
    """A web site of another origin."""
    site = Site()
    yield site
    site.close()
