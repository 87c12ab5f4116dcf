"""What processes use, as /proc says."""
import os
from pathlib import Path

from memory import children

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """A process and all of its descendants."""
    found = [pid]
    for child in children(pid):
        found += tree(child)
    return found


def cpu_seconds(pid):
    """Of a process and the descendants that it has waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15])) / TICKS


def tree_cpu_seconds(pids):
    """Of several processes with all of their descendants."""
    return sum(cpu_seconds(one) for pid in pids for one in tree(pid))
