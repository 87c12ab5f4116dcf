#!/usr/bin/python3
"""Writes the generated parts of README.md and docs/: settings, pipeline schema, operations, an example.

    tests/readme_tables.py build/release/thumbwheel          rewrites the pages
    tests/readme_tables.py build/release/thumbwheel --check  fails if one would change

A part stands between <!-- NAME --> and <!-- end -->. Each part has exactly one place.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def output(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def generated(program):
    yaml = (ROOT / "pipelines/web.yaml").read_text()
    return {
        "settings": output(program, "check", "--settings"),
        "schema": output(program, "check", "--schema"),
        "operations": output(program, "check", "--operations"),
        "web.yaml": f"```yaml\n{yaml}```\n",
    }


def filled(texts, parts):
    """The pages with their parts renewed; texts: by path."""
    for name, content in parts.items():
        mark = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        places = [path for path, text in texts.items() for _ in mark.findall(text)]
        if len(places) != 1:
            raise SystemExit(f"README.md and docs/ have {len(places)} places for {name}")
        texts = dict(texts, **{places[0]: mark.sub(lambda match: match.group(1) + content + match.group(2),
                                                   texts[places[0]])})
    return texts


def main():
    before = {str(page): page.read_text() for page in pages()}
    after = filled(before, generated(sys.argv[1]))
    changed = [path for path in before if before[path] != after[path]]
    if "--check" in sys.argv and changed:
        raise SystemExit(f"{', '.join(changed)}: out of date; run tests/readme_tables.py")
    for path in changed:
        Path(path).write_text(after[path])


if __name__ == "__main__":
    main()
