#!/usr/bin/python3
"""Draws docs/run-once.svg: what `thumbwheel local --once` prints on a terminal, shortened in the middle.

    docs/screenshot.py build/release/thumbwheel [FILE]

It runs the program on its samples in a pseudo-terminal, in a temporary folder. Nothing in the picture is made up:
the text is the program's output, and the only line that is not is the one that says how many rows are left out.
"""
import os
import pty
import re
import subprocess
import sys
import tempfile
import unicodedata
from html import escape
from pathlib import Path

COLUMNS, LINES_SHOWN = 108, 21  # the heading, and five photos
CELL_WIDTH, LINE_HEIGHT, MARGIN = 8.4, 19, 14
COLOURS = {"31": "#f47067", "32": "#6bc46d", "33": "#daaa3f", "34": "#6cb6ff", "2": "#909dab", "90": "#909dab"}


def terminal_output(program, folder):
    """The bytes that the program writes to a terminal; its progress bar goes elsewhere."""
    master, terminal = pty.openpty()
    environment = dict(os.environ, COLUMNS=str(COLUMNS), TERM="xterm-256color", LC_ALL="C.UTF-8")
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([Path(program).resolve(), "local", "--once"], cwd=folder, env=environment,
                               stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.DEVNULL)
    os.close(terminal)
    output = b""
    try:
        while piece := os.read(master, 65536):
            output += piece
    except OSError:  # the other side is closed
        pass
    os.close(master)
    if process.wait() != 0:
        raise SystemExit(f"{program} local --once failed:\n{output.decode(errors='replace')}")
    return output.decode()


def screen(output, folder):
    """The lines to show: the command, the first rows, how many are left out, the summary."""
    lines = output.replace("\r\n", "\n").replace(f"{folder}/", "").rstrip("\n").split("\n")
    table, summary = lines[:-2], lines[-1]
    left_out = f"\033[2m({len(table) - LINES_SHOWN} more rows)\033[0m"
    return ["\033[32m$\033[0m ./dev run --once", *table[:LINES_SHOWN], left_out, "", summary]


def text_width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def spans(line):
    """(text, style) for each run of characters with one style."""
    style = ""
    for part in re.split(r"(\033\[[0-9;]*m)", line):
        if part.startswith("\033["):
            codes = part[2:-1].split(";")
            colour = next((COLOURS[code] for code in codes if code in COLOURS), None)
            style = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if "1" in codes else "")
        elif part:
            yield part, style


def drawn_line(line, y):
    column, drawn = 0, ""
    for text, style in spans(line):
        drawn += f'<tspan x="{MARGIN + column * CELL_WIDTH:g}"{style}>{escape(text)}</tspan>'
        column += text_width(text)
    return f'<text y="{y:g}" xml:space="preserve">{drawn}</text>'


def drawing(lines):
    width = 2 * MARGIN + COLUMNS * CELL_WIDTH
    height = 2 * MARGIN + len(lines) * LINE_HEIGHT
    texts = "\n".join(drawn_line(line, MARGIN + (at + 0.75) * LINE_HEIGHT) for at, line in enumerate(lines))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">\n'
            f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#22272e"/>\n'
            f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#d1d7e0">\n'
            f'{texts}\n</g>\n</svg>\n')


def main():
    target = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("run-once.svg"))
    with tempfile.TemporaryDirectory() as folder:
        target.write_text(drawing(screen(terminal_output(sys.argv[1], folder), folder)))


if __name__ == "__main__":
    main()
