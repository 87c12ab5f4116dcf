"""The AWS SDK for JavaScript v3 against the embedded cloud. Each test in tests/js/*.test.mjs is one here."""
import pytest

import javascript
from harness import clean_environment

FILES = sorted(path.name for path in javascript.FOLDER.glob("*.test.mjs"))


@pytest.fixture(scope="module")
def cloud(busy_cloud):
    """A photo sent by JavaScript gets the expected renditions."""
    return busy_cloud


@pytest.fixture(scope="module")
def results(cloud):
    return javascript.results_of(clean_environment(CLOUD_ENDPOINT=cloud.endpoint, PHOTO=str(cloud.data.parent / "warm-up.jpg")))


@pytest.mark.parametrize("file, name", javascript.declared(FILES, CLOUD_ENDPOINT="http://127.0.0.1:9"))
def test_javascript(results, file, name):
    javascript.check(results, file, name)
