"""Reads what callgrind writes: the instructions of each part of the program, without those of what it calls.

The format: https://valgrind.org/docs/manual/cl-format.html. Names are written once and then by their number.
"""
import collections
import re
from pathlib import Path

NAME = re.compile(r"^(c?)(fl|fi|fe|ob|fn)=(?:\((\d+)\))?\s*(.*)$")
OURS = re.compile(r"\b((?:engine|backends|pipelines|bench)(?:/\w+)*)/\w+\.[ch]\b")
COST = re.compile(r"^(?:[+*-]|\d)\S* (\d+)")


def part_of(binary, file):
    """The folder of a file of ours, or the name of a library."""
    folders = OURS.findall(file) if Path(binary).name.startswith(("bench_", "thumbwheel")) else []
    return folders[-1] if folders else re.sub(r"\.so.*$", "", Path(binary).name)


def self_cost(path):
    """Instructions by part."""
    names, counts = collections.defaultdict(dict), collections.Counter()
    current, called = {"fl": "", "ob": ""}, False
    for line in Path(path).read_text(errors="replace").splitlines():
        if named := NAME.match(line):
            is_callee, kind, number, text = named.groups()
            kind = "fl" if kind in ("fi", "fe") else kind
            if text and number:
                names[kind][number] = text
            if not is_callee:
                current[kind] = names[kind].get(number, text)
        elif line.startswith("calls="):
            called = True  # the next line is the cost of the callee
        elif cost := COST.match(line):
            if not called:
                counts[part_of(current["ob"], current["fl"])] += int(cost.group(1))
            called = False
    return counts
