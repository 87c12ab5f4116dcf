#!/usr/bin/python3
"""Computes what AWS charges for a million photos, from measured requests and CPU seconds.

    ./dev bench cost [--prices FILE] [--from RESULT] [--photos N | --dir DIR] [--rounds N]

It measures each worker as `./dev bench peers` does (three JPEG renditions of each photo, from three queues of the embedded
cloud), and counts its requests in the log of the cloud. Then it multiplies with the prices in bench/prices.json, in which each price has
its source and date, and each assumption its reason.

thumbwheel      the engine on Fargate
sharp           sqs-consumer with sharp on Fargate
lambda sharp    three functions with sharp, each of which fetches and decodes the photo
lambda pillow   the same with Pillow

The CPU seconds of a function are those of the worker with the same library. --from takes the measurements of an earlier run, for
other prices.
"""
import argparse
import collections
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import peers
from peers import ROOT, harness
from photo_files import photo_files

SQS = ("ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch")
S3_GET, S3_PUT = ("GetObject", "HeadObject"), ("PutObject",)
MILLION = 1_000_000
MONTH_S = 730 * 3600
RENDITIONS = len(peers.RENDITIONS)


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench cost", description=__doc__.splitlines()[0])
    parser.add_argument("--prices", type=Path, default=ROOT / "bench/prices.json", help="prices and assumptions (bench/prices.json)")
    parser.add_argument("--from", dest="earlier", type=Path, help="use the measurements in this result")
    parser.add_argument("--photos", type=int, default=60, help="number of photos (60)")
    parser.add_argument("--dir", type=Path, help="use the JPEG photos in this directory")
    parser.add_argument("--rounds", type=int, default=1, help="number of rounds (1)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="directory for the results (bench/results)")
    parser.set_defaults(latency="0", loss=0, seed=1)
    return parser.parse_args()


# ---- measuring ----

def once(options, service, name):
    """CPU seconds and requests for each photo; requests include those of the photo that warms the worker up."""
    before = len(service.cloud.requests())
    cpu = peers.backlog(options, service, name)["cpu_ms"] / 1000
    counts = collections.Counter(line["operation"] for line in service.cloud.requests()[before:])
    return {"cpu_s": cpu, **{operation: counts[operation] / (options.photos + 1) for operation in (*SQS, *S3_GET, *S3_PUT)}}


def measure(options):
    """By worker: the medians."""
    with tempfile.TemporaryDirectory(prefix="thumbwheel-cost-") as name:
        folder = Path(name)
        harness.set_home(folder)
        photos = photo_files(options.dir, folder, min(options.photos, 24))
        service = peers.Service(options, folder, photos)
        try:
            runs = {worker: [once(options, service, worker) for _ in range(options.rounds)] for worker in ("thumbwheel", "sharp", "pillow")}
        finally:
            service.stop()
        size = statistics.fmean(path.stat().st_size for path in photos) / 1e9
    return {"photos": options.photos, "gb_per_photo": size, "processors": os.cpu_count(), "workers": {
        worker: {figure: statistics.median(run[figure] for run in found) for figure in found[0]} for worker, found in runs.items()}}


# ---- the model ----

class Prices:
    """What the file says: price(name) of one unit, and assumption(name)."""

    def __init__(self, document):
        self.document = document

    def price(self, name):
        entry = self.entry("prices", name)
        return entry["price"] / entry["per"]

    def assumption(self, name):
        return self.entry("assumptions", name)["value"]

    def entry(self, kind, name):
        try:
            return self.document[kind][name]
        except KeyError:
            sys.exit(f"the file of prices has no {kind[:-1]} \"{name}\"; copy it from bench/prices.json")


def total_of(measured, operations):
    return sum(measured[operation] for operation in operations)


def services(prices, measured, sqs_requests, fetches):
    """Rows that are charged for requests, for each photo."""
    return {"SNS publish": prices.price("sns_publish"), "SQS requests": sqs_requests * prices.price("sqs_request"),
            "S3 GET": total_of(measured, S3_GET) * prices.price("s3_get"), "S3 PUT": total_of(measured, S3_PUT) * prices.price("s3_put"),
            "transfer": fetches * prices.price("transfer_gb")}


def fargate(prices, measured, gb):
    seconds = measured["cpu_s"] / prices.assumption("fargate_utilisation")
    return {**services(prices, measured, total_of(measured, SQS), measured["GetObject"] * gb),
            "vCPU seconds": seconds * prices.price("fargate_vcpu_second"),
            "memory": seconds * prices.assumption("fargate_gb_per_vcpu") * prices.price("fargate_gb_second"), "invocations": 0}


def functions(prices, measured, gb, library):
    """Lambda polls the queues itself: a receive and a delete for each batch."""
    memory, batch = prices.assumption("lambda_memory_mb"), prices.assumption("lambda_batch")
    waits = (prices.assumption("s3_get_ms") + prices.assumption("s3_put_ms")) / 1000 / prices.assumption(f"waits_overlap_{library}")
    seconds = measured["cpu_s"] * prices.assumption("lambda_mb_per_vcpu") / memory + RENDITIONS * waits
    invocations = RENDITIONS / batch
    return {**services(prices, measured, 2 * invocations, measured["GetObject"] * gb), "vCPU seconds": 0,
            "memory": seconds * memory / 1024 * prices.price("lambda_gb_second"),
            "invocations": invocations * prices.price("lambda_request")}


def model(prices, measured):
    """By column: USD for a million photos, by row."""
    workers, gb = measured["workers"], measured["gb_per_photo"]
    columns = {"thumbwheel, Fargate": fargate(prices, workers["thumbwheel"], gb), "sharp, Fargate": fargate(prices, workers["sharp"], gb),
               "sharp, Lambda": functions(prices, workers["sharp"], gb, "sharp"),
               "Pillow, Lambda": functions(prices, workers["pillow"], gb, "pillow")}
    return {column: {row: MILLION * cost for row, cost in rows.items()} for column, rows in columns.items()}


def month(prices):
    """A task that runs all month, whether there are photos or not."""
    vcpu = prices.assumption("always_on_vcpu")
    memory = prices.assumption("fargate_gb_per_vcpu") * prices.price("fargate_gb_second")
    return MONTH_S * vcpu * (prices.price("fargate_vcpu_second") + memory)


# ---- the report ----

def report(prices, measured, columns):
    """The lines of the tables."""
    lines = ["| for each photo, measured | thumbwheel | sharp | Pillow |", "|---|---|---|---|"]
    figures = {"CPU seconds": lambda worker: f"{worker['cpu_s']:.4f}", "SQS requests": lambda worker: f"{total_of(worker, SQS):.2f}",
               "S3 GET and HEAD": lambda worker: f"{total_of(worker, S3_GET):.2f}",
               "S3 PUT": lambda worker: f"{total_of(worker, S3_PUT):.2f}"}
    lines += [f"| {title} | " + " | ".join(map(figure, measured["workers"].values())) + " |" for title, figure in figures.items()]
    currency = prices.document["currency"]
    lines += ["", f"| {currency} for a million photos | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    rows = next(iter(columns.values()))
    lines += [f"| {row} | " + " | ".join(f"{column[row]:.2f}" for column in columns.values()) + " |" for row in rows]
    totals = [sum(column.values()) for column in columns.values()]
    lines.append("| all | " + " | ".join(f"{total:.2f}" for total in totals) + " |")
    fixed, first = month(prices), columns["thumbwheel, Fargate"]
    requests = sum(first.values()) - first["vCPU seconds"] - first["memory"]
    more = [f"{column} from {MILLION * fixed / (total - requests):,.0f} photos a month on"
            for column, total in zip(columns, totals) if column.endswith("Lambda")]
    lines.append(f"\nA task of {prices.assumption('always_on_vcpu'):g} vCPU that runs all month costs {fixed:.2f} {currency}. With it, "
                 f"thumbwheel costs less than {' and '.join(more)}.")
    return lines


def main():
    options = arguments()
    prices = Prices(json.loads(options.prices.read_text()))
    measured = json.loads(options.earlier.read_text())["measured"] if options.earlier else measure(options)
    columns = model(prices, measured)
    print("\n".join(report(prices, measured, columns)))
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / time.strftime("cost-%Y%m%dT%H%M%SZ.json", time.gmtime())
    path.write_text(json.dumps({"measured": measured, "prices": prices.document, "columns": columns}, indent=2) + "\n")
    print(f"\nResults: {path}")


if __name__ == "__main__":
    main()
