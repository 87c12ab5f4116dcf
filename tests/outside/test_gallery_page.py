"""The gallery's page in a browser, as a person uses it. Each file in tests/js/page/*.test.mjs is one test here.

The files start galleries of their own. What the tests of the look have seen is in build/sheets/gallery/: look at it.
"""
import json
import shutil
import subprocess

import pytest

import gallery_photos
import javascript
from browser import chromium, needs_browser
from harness import PROGRAM, ROOT, clean_environment

FILES = sorted(f"page/{path.name}" for path in (javascript.FOLDER / "page").glob("*.test.mjs"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    photos, formats, pipelines = (tmp_path_factory.mktemp(name) for name in ("photos", "formats", "pipelines"))
    gallery_photos.write(photos)
    gallery_photos.write_formats(formats)
    for file in (ROOT / "pipelines").glob("*.yaml"):
        shutil.copy(file, pipelines)
    return javascript.results_of(clean_environment(
        THUMBWHEEL=PROGRAM, CHROMIUM=chromium(), PHOTOS=str(photos), FORMATS=str(formats), HOSTILE=json.dumps(gallery_photos.HOSTILE),
        PIPELINES=str(pipelines), SHEETS=str(ROOT / "build/sheets/gallery")))


@needs_browser
@pytest.mark.parametrize("file", FILES)
def test_page(results, file):
    javascript.check(results, file, None)


def test_the_modules_of_the_page_have_no_type_errors():
    """The types are in comments (JSDoc); the TypeScript compiler checks them."""
    done = subprocess.run([javascript.FOLDER / "node_modules/.bin/tsc", "-p", javascript.FOLDER / "page/tsconfig.json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
