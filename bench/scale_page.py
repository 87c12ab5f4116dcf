#!/usr/bin/python3
"""Writes the measured tables of docs/scale.md from the results of ./dev bench backends --engines 1 2 4 --workers 1.

    /usr/bin/python3 bench/scale_page.py bench/results/…-backends.json

Without a file name, it takes the newest of these results. The model and its parameters are below; docs/scale.md explains them.
"""
import json
import math
import re
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/scale.md"
SOURCES = "ingest/"  # the prefix of the photos; the others are those of renditions
ENGINES, PHOTOS = 100, 10_000  # the installation of the model: engines, and photos per second

PRICES = json.loads((ROOT / "bench/prices.json").read_text())["prices"]
# "Best practices design patterns: optimizing Amazon S3 performance": requests per second and prefix.
S3_PUTS, S3_GETS = 3_500, 5_500
IN_FLIGHT = 120_000  # of a standard queue ("Amazon SQS message quotas")


def median_of(rounds, row, figure):
    return statistics.median(one[row][figure] for one in rounds)


def mean_of(rounds, row, figure):
    """Of a figure that is a table by name."""
    names = {name for one in rounds for name in one[row][figure]}
    return {name: statistics.mean(one[row][figure].get(name, 0) for one in rounds) for name in names}


def parts(row):
    """A row's setup, and its number of engines."""
    setup, _, engines = row.partition(" x")
    return setup, int(engines or 1)


def photo_ms(results, setup):
    """Processor time for one photo with one engine, milliseconds: (engine, servers)."""
    return tuple(results["pipelines"] * median_of(results["rounds"], setup, figure) for figure in ("engine_ms", "servers_ms"))


def fetches(engines, messages):
    """How many engines fetch a photo, if each of its messages reaches one of them at random."""
    return engines * (1 - (1 - 1 / engines) ** messages)


def further_ms(results):
    """Processor time for each further engine that fetches and decodes a photo, from the runs with two engines; 0: there was none."""
    found = []
    for one in results["rounds"]:
        for row, figures in one.items():
            setup, engines = parts(row)
            more = figures["requests_per_photo"].get("GetObject", 1) - 1
            if engines == 2 and more > 0.1:
                found.append((results["pipelines"] * figures["engine_ms"] - photo_ms(results, setup)[0]) / more)
    return statistics.median(found) if found else 0


def model_ms(results, setup, engines):
    """Processor time for one photo: (engines, servers)."""
    engine, servers = photo_ms(results, setup)
    return engine + (fetches(engines, results["pipelines"]) - 1) * further_ms(results), servers


def predicted(results, setup, engines):
    """Photos per second on the machine that measured: engines add up until all processors are busy."""
    alone = median_of(results["rounds"], setup, "photos_per_second")
    return min(engines * alone, 1000 * results["processors"] / sum(model_ms(results, setup, engines)))


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|",
            *("| " + " | ".join(row) + " |" for row in rows)]


def where_the_time_goes(results):
    rows, rounds = [], results["rounds"]
    for setup in setups(results):
        engine, servers = photo_ms(results, setup)
        empty = [results["pipelines"] * median_of(rounds, setup, figure) for figure in ("empty_engine_ms", "empty_servers_ms")]
        rows.append([setup, f"{engine:.1f}", f"{empty[0]:.2f}", f"{servers:.1f}", f"{empty[1]:.2f}",
                     f"{median_of(rounds, setup, 'messages_per_second'):,.0f}", f"{median_of(rounds, setup, 'p50_ms'):.0f}"])
    return table(["queues", "engine, ms", "of it messages", "store and broker, ms", "of it messages", "messages/s", "event to stored, ms"], rows)


def check_of_the_model(results):
    rows = []
    for row in sorted(results["rounds"][0], key=lambda row: (list(setups(results)).index(parts(row)[0]), parts(row)[1])):
        setup, engines = parts(row)
        found, model = median_of(results["rounds"], row, "photos_per_second"), predicted(results, setup, engines)
        fetched = mean_of(results["rounds"], row, "requests_per_photo").get("GetObject", 1)
        rows.append([setup, str(engines), f"{found:.1f}", f"{model:.1f}", f"{found / model - 1:+.0%}", f"{fetched:.2f}",
                     f"{fetches(engines, results['pipelines']):.2f}", f"{photo_ms(results, row)[0]:.1f}"])
    return table(["queues", "engines", "photos/s", "model", "difference", "fetches for each photo", "model", "engines, ms for each photo"], rows)


def setups(results):
    return dict.fromkeys(parts(row)[0] for row in results["rounds"][0])


def needs(results):
    """What the model's installation needs, and the limit of each."""
    rounds, pipelines = results["rounds"], results["pipelines"]
    base = "sqs" if "sqs" in setups(results) else next(iter(setups(results)))
    engine, _ = model_ms(results, base, ENGINES)
    fetched = fetches(ENGINES, pipelines)
    sizes = mean_of(rounds, base, "bytes_per_photo")
    megabits = 8 * sum(size * (fetched if name == SOURCES else 1) for name, size in sizes.items()) / 1e6
    latency_s = median_of(rounds, base, "p50_ms") / 1000
    rows = [
        ["processors of the engines", f"{PHOTOS * engine / 1000:,.0f}", f"{PHOTOS * engine / 1000 / ENGINES:.1f} for each engine"],
        ["network of the engines, Gbit/s", f"{PHOTOS * megabits / 1000:,.0f}", f"{PHOTOS * megabits / 1000 / ENGINES:.2f} for each engine"],
        ["GET requests/s", f"{PHOTOS * fetched:,.0f}", f"S3: {S3_GETS:,} for each prefix, so {math.ceil(PHOTOS * fetched / S3_GETS)} prefixes"],
        ["PUT requests/s", f"{PHOTOS * pipelines:,}", f"S3: {S3_PUTS:,} for each prefix, so {math.ceil(PHOTOS * pipelines / S3_PUTS)} prefixes"],
        ["messages/s in each queue", f"{PHOTOS:,}", "SQS: none for standard queues"],
        ["messages in flight in each queue", f"{PHOTOS * latency_s:,.0f}", f"SQS: {IN_FLIGHT:,}"],
    ]
    for setup in setups(results):
        if setup != "sqs":
            rate = median_of(rounds, setup, "messages_per_second")
            count = math.ceil(PHOTOS / rate)
            rows.append([f"messages/s in each queue, {setup}", f"{PHOTOS:,}",
                         f"{rate:,.0f} here, so {count} queue{'s' if count > 1 else ''} for each pipeline"])
            ms = median_of(rounds, setup, "empty_servers_ms")
            rows.append([f"processors of the brokers, {setup}", f"{PHOTOS * pipelines * ms / 1000:,.0f}", "of all nodes together"])
    return table(["resource", f"{PHOTOS:,} photos/s", "limit"], rows)


def cost(results):
    """Of a million photos, in dollars."""
    if "sqs" not in setups(results):
        return []
    requests, pipelines = mean_of(results["rounds"], "sqs", "requests_per_photo"), results["pipelines"]
    sqs = sum(count for name, count in requests.items() if "Message" in name and not name.startswith("Send"))
    amounts = {"SQS requests": (sqs, "sqs_request"), "GET": (requests.get("GetObject", 1), "s3_get"),
               "PUT of renditions": (pipelines, "s3_put"), "PUT of the photo": (1, "s3_put"), "SNS publish": (1, "sns_publish")}
    dollars = {name: count * 1e6 * PRICES[price]["price"] / PRICES[price]["per"] for name, (count, price) in amounts.items()}
    rows = [[name, f"{count:.2f}", f"${dollars[name]:.2f}"] for name, (count, _) in amounts.items()]
    total = sum(dollars.values())
    rows.append(["total", "", f"${total:.2f}"])
    rows.append([f"an hour at {PHOTOS:,} photos/s", "", f"${total * PHOTOS * 3600 / 1e6:,.0f}"])
    return table(["requests", "for each photo", "a million photos"], rows)


TABLES = {"time": where_the_time_goes, "check": check_of_the_model, "needs": needs, "cost": cost}


def fill(text, results):
    """The page with new tables: each stands between two comments with its name."""
    for name, make in TABLES.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        assert re.search(pattern, text, re.S), f"the page has no place for {name}"
        text = re.sub(pattern, lambda found: found[1] + "\n" + "\n".join(make(results)) + "\n\n" + found[2], text, flags=re.S)
    return text


def newest():
    found = sorted((ROOT / "bench/results").glob("*-backends.json"))
    if not found:
        sys.exit("there are no results: run ./dev bench backends --engines 1 2 4 --workers 1")
    return found[-1]


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else newest()
    PAGE.write_text(fill(PAGE.read_text(), json.loads(path.read_text())))
    print(f"{PAGE.relative_to(ROOT)} has the numbers of {path.name}")


if __name__ == "__main__":
    main()
