"""The photos of a benchmark: a user's, or a few generated ones."""
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "build/release/bench/bench_photographs"


def photo_files(directory, folder, count):
    """The JPEG files in a directory; without one, `count` that are generated in a subfolder of `folder` (bench/photographs.c)."""
    if directory:
        return sorted(path for path in directory.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    made = folder / "photographs"
    subprocess.run([PROGRAM, made, str(count)], check=True)
    return sorted(made.iterdir())
