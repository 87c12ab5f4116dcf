#!/usr/bin/python3
"""Measures the whole system and the image work alone, in turns, on the same photos.

    ./dev bench [--photos N] [--megapixels M | --dir DIR] [--rounds N] [--workers N] [--out DIR]

bare    the image work alone: three JPEG renditions of each photo, rendered on as many threads as the engine has workers,
        without queues, HTTP or an event loop; this is the upper limit
whole   embedded cloud and engine, from the start of polling until the last object is stored and the last message is
        deleted; photos are decoded in separate processes (--isolation=process)
thread  like whole, but photos are decoded by threads of the engine (--isolation=thread)
alone   like bare, but each rendition decodes the photo again
usual   like bare, but each rendition uses vips_thumbnail_buffer, as most services do

The ratio of whole to bare shows the overhead of the engine and the embedded cloud as one number. Because machines are
noisy, each round measures all rows one after another. The report gives the median of the rounds and the spread from the
slowest to the fastest round. With fewer than three rounds it does not judge the goals.
"""
import argparse
import collections
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release/bench"
PIPELINES = ROOT / "bench/pipelines"
ROUNDS_TO_JUDGE = 3
ROWS = {
    "bare": "image work alone, one decode per photo: the upper limit",
    "whole": "embedded cloud and engine, decoders in processes",
    "thread": "embedded cloud and engine, decoders in threads",
    "alone": "image work alone, one decode per rendition",
    "usual": "image work alone, vips_thumbnail_buffer per rendition",
}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=120, help="number of photos (120)")
    photos = parser.add_mutually_exclusive_group()
    photos.add_argument("--megapixels", type=int, help="size of all generated photos (from 1 to 8)")
    photos.add_argument("--dir", type=Path, help="use the photos in this directory")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (3)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)),
                        help="worker threads (number of processors)")
    parser.add_argument("--idle", type=int, default=10, help="seconds to measure the idle engine (10)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results",
                        help="directory for the results (bench/results)")
    return parser.parse_args()


def run_json(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def photographs(options, folder):
    """A directory of photos: the user's, or a few generated ones that the run repeats under other names."""
    if options.dir:
        return options.dir
    made = folder / "photographs"
    size = [str(options.megapixels)] if options.megapixels else []
    subprocess.run([BUILD / "bench_photographs", made, str(min(options.photos, 24)), *size], check=True)
    return made


def bare(options, photos, mode):
    files = len([name for name in os.listdir(photos) if not name.startswith(".")])
    rounds = max(1, round(options.photos / files))
    return run_json(BUILD / "bench_render", "--threads", options.workers, "--rounds", rounds,
                    "--mode", mode, photos, *sorted(PIPELINES.glob("*.yaml")))


def requests_by_kind(log, began_ms, seconds):
    """Counts the engine's requests to the embedded cloud during the measurement."""
    counts = collections.Counter()
    began = datetime.datetime.fromtimestamp(began_ms / 1000, datetime.timezone.utc)
    ended = began + datetime.timedelta(seconds=seconds)
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        at = datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00"))
        if began <= at <= ended:
            counts[entry["operation"]] += 1
    return counts


def whole(options, photos, folder, number, isolation):
    data = folder / f"data-{number}-{isolation}"
    result = run_json(BUILD / "bench_whole", photos, PIPELINES, data, options.photos,
                      options.workers, options.idle if isolation == "process" else 0, 12,
                      isolation)
    backlog = result["backlog"]
    counts = requests_by_kind(Path(f"{data}.requests.jsonl"), backlog["began_ms"],
                              backlog["seconds"])
    messages = options.photos * result["pipelines"]
    sqs = sum(count for name, count in counts.items() if "Message" in name)
    result["requests_per_photo"] = {name: count / options.photos
                                    for name, count in sorted(counts.items())}
    result["sqs_requests_per_message"] = sqs / messages
    return result


def median(values):
    return statistics.median(values)


def sources_per_second(one, name):
    run = one[name]
    return run.get("backlog", run)["sources_per_second"]


def measure(options, folder):
    photos = photographs(options, folder)
    rounds = []
    for number in range(options.rounds):
        order = ("process", "thread") if number % 2 == 0 else ("thread", "process")
        runs = {isolation: whole(options, photos, folder, number, isolation)
                for isolation in order}
        rounds.append({
            "bare": bare(options, photos, "shared"),
            "whole": runs["process"],
            "thread": runs["thread"],
            "alone": bare(options, photos, "alone"),
            "usual": bare(options, photos, "thumbnail"),
        })
        print(f"round {number + 1}: " + ", ".join(f"{name} {sources_per_second(rounds[-1], name):.1f}" for name in ROWS) +
              " sources/s", flush=True)
    return rounds


def summary(rounds):
    whole_runs = [one["whole"] for one in rounds]
    speeds = {name: [sources_per_second(one, name) for one in rounds] for name in ROWS}
    return {
        "sources_per_second": {name: median(speeds[name]) for name in ROWS},
        "sources_per_second_range": {name: [min(speeds[name]), max(speeds[name])] for name in ROWS},
        "whole_of_bare": median([one["whole"]["backlog"]["sources_per_second"] /
                                 one["bare"]["sources_per_second"] for one in rounds]),
        "whole_of_usual": median([one["whole"]["backlog"]["sources_per_second"] /
                                  one["usual"]["sources_per_second"] for one in rounds]),
        "whole_of_thread": median([one["whole"]["backlog"]["sources_per_second"] /
                                   one["thread"]["backlog"]["sources_per_second"]
                                   for one in rounds]),
        "cpu_seconds": median([one["backlog"]["cpu_seconds"] for one in whole_runs]),
        "peak_rss_mib": median([one["backlog"]["peak_rss_kib"] / 1024 for one in whole_runs]),
        "decoders_peak_rss_mib": median([one["backlog"]["decoders_peak_rss_kib"] / 1024
                                         for one in whole_runs]),
        "backlog_ms_from_event": whole_runs[-1]["backlog"]["milliseconds_from_event"],
        "backlog_ms_from_receipt": whole_runs[-1]["backlog"]["milliseconds_from_receipt"],
        "one_at_a_time_ms_from_event": whole_runs[-1]["one_at_a_time_ms"],
        "idle_cpu_percent": median([one["idle"]["cpu_percent"] for one in whole_runs
                                    if one["idle"]] or [0]),
        "sqs_requests_per_message": median([one["sqs_requests_per_message"]
                                            for one in whole_runs]),
        "requests_per_photo": whole_runs[-1]["requests_per_photo"],
    }


def goal(options, text, value, met):
    verdict = ("met" if met else "NOT MET") if options.rounds >= ROUNDS_TO_JUDGE else ""
    print(f"  {text:<62}{value:>8}   {verdict}".rstrip())


def percentile_line(name, values):
    print(f"  {name:<46}" + "  ".join(f"{key} {value:.0f}" for key, value in values.items()))


def report(options, result):
    speed, spread = result["sources_per_second"], result["sources_per_second_range"]
    size = f" of {options.megapixels} megapixels" if options.megapixels else ""
    print(f"\n{options.photos} photos{size}, 3 JPEG renditions each, {options.workers} workers, "
          f"{options.rounds} round{'' if options.rounds == 1 else 's'}\n")
    print(f"  {'sources/s':<8}{'median':>9}{'range':>16}{'of bare':>9}")
    for name, meaning in ROWS.items():
        low, high = spread[name]
        print(f"  {name:<8}{speed[name]:>10.1f}{f'{low:.1f}–{high:.1f}':>16}{speed[name] / speed['bare']:>9.0%}   {meaning}")
    print(f"\n  Of whole: {result['cpu_seconds']:.2f} CPU seconds, peak memory {result['peak_rss_mib']:.0f} MiB "
          f"(engine and cloud) and {result['decoders_peak_rss_mib']:.0f} MiB (decoders)\n")
    percentile_line("event to stored, one photo at a time, ms", result["one_at_a_time_ms_from_event"])
    percentile_line("event to stored, behind the whole backlog, ms", result["backlog_ms_from_event"])
    percentile_line("receipt to stored, ms", result["backlog_ms_from_receipt"])
    print("\n  Requests per photo: " +
          ", ".join(f"{name} {count:.2f}" for name, count in result["requests_per_photo"].items()))
    print("\nGoals:" if options.rounds >= ROUNDS_TO_JUDGE else
          f"\nGoals (not judged: fewer than {ROUNDS_TO_JUDGE} rounds):")
    goal(options, "whole relative to bare: at least 90 %", f"{result['whole_of_bare']:.0%}",
         result["whole_of_bare"] >= 0.9)
    goal(options, "decoders in processes relative to threads: above 95 %",
         f"{result['whole_of_thread']:.1%}", result["whole_of_thread"] > 0.95)
    goal(options, "CPU when idle with all long polls open: under 0.5 %",
         f"{result['idle_cpu_percent']:.2f} %", result["idle_cpu_percent"] < 0.5)
    goal(options, "SQS requests per message under load: at most 0.3",
         f"{result['sqs_requests_per_message']:.2f}", result["sqs_requests_per_message"] <= 0.3)


def plot(speed, path):
    """Draws the speeds as bars in an SVG file."""
    scale = 480 / max(speed.values())
    rows = []
    for i, name in enumerate(ROWS):
        y, width = 20 + 34 * i, speed[name] * scale
        rows.append(f'<text x="8" y="{y + 16}">{name}</text>'
                    f'<rect x="64" y="{y}" width="{width:.0f}" height="24" fill="#4477aa"/>'
                    f'<text x="{width + 70:.0f}" y="{y + 16}">{speed[name]:.1f} sources/s</text>')
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="680" height="204" '
                    'font-family="sans-serif" font-size="14">'
                    '<rect width="100%" height="100%" fill="white"/>' + "".join(rows) + "</svg>\n")


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="thumbwheel-bench-") as folder:
        rounds = measure(options, Path(folder))
    result = summary(rounds)
    report(options, result)
    options.out.mkdir(parents=True, exist_ok=True)
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = options.out / f"{stamp}.json"
    path.write_text(json.dumps({"machine": platform.machine(), "processors": os.cpu_count(),
                                "photos": options.photos, "megapixels": options.megapixels, "workers": options.workers,
                                "summary": result, "rounds": rounds}, indent=2) + "\n")
    plot(result["sources_per_second"], path.with_suffix(".svg"))
    print(f"\nResults: {path} and {path.with_suffix('.svg').name}")


if __name__ == "__main__":
    main()
