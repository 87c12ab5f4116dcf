#!/usr/bin/python3
"""Writes the README's generated parts from the program: settings, pipeline schema, an example file.

    tests/readme_tables.py build/release/thumbwheel          rewrites README.md
    tests/readme_tables.py build/release/thumbwheel --check  fails if it would change
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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


def filled(text, parts):
    for name, content in parts.items():
        mark = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, count = mark.subn(lambda match: match.group(1) + content + match.group(2), text)
        if count != 1:
            raise SystemExit(f"README.md has {count} places for {name}")
    return text


def main():
    readme = ROOT / "README.md"
    before = readme.read_text()
    after = filled(before, generated(sys.argv[1]))
    if "--check" in sys.argv:
        raise SystemExit(0 if after == before else "README.md is out of date; run tests/readme_tables.py")
    readme.write_text(after)


if __name__ == "__main__":
    main()
