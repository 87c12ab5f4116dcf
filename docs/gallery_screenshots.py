#!/usr/bin/python3
"""Takes the pictures of the gallery's page that the README and docs/gallery.md show: docs/gallery*.webp.

    docs/gallery_screenshots.py build/release/thumbwheel [FOLDER]

It runs the program on its samples and looks at its page with Chromium (tests/js/page/screenshots.mjs; `./dev test` installs
both). Nothing in the pictures is made up.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/outside"))

from browser import chromium  # noqa: E402

MOST_BYTES = 200_000


def main():
    target = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent)
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, THUMBWHEEL=str(Path(sys.argv[1]).resolve()), CHROMIUM=chromium())
        subprocess.run(["node", ROOT / "tests/js/page/screenshots.mjs", folder], check=True, env=environment, cwd=folder)
        for picture in sorted(Path(folder).glob("*.png")):
            out = target / f"{picture.stem}.webp"
            for quality in range(90, 40, -5):
                Image.open(picture).convert("RGB").save(out, quality=quality, method=6)
                if out.stat().st_size <= MOST_BYTES:
                    break
            print(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
