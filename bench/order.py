#!/usr/bin/python3
"""Compares orders in which waiting photos could get a worker, in a simulation.

    ./dev bench order [--photos N] [--workers N] [--window N]

first    first come, first served
longest  the photo that takes longest first, unless the oldest has waited longer than a bound
shortest the photo that takes least time first, with the same bounds
end      what the engine does (engine/jobs/worker_queue.c): first come, first served, but of the last photos of a backlog the longest first

Photos of 1 to 8 megapixels take 8.4 ms of a worker for each megapixel; in the second table the sizes are log-normal, with a median of 3
megapixels. The estimate is off by a random factor (log-normal, sigma 0.3), as bytes are. The engine sees --window of the photos that
wait: what its slots for messages hold. Under load, they arrive at random times (Poisson), and the times are those from the arrival to
the end of the work. A batch of 120 waits at once: its end is measured against work that is spread evenly over the workers.
"""
import argparse
import heapq
import random
import statistics

MS_PER_MEGAPIXEL = 8.4
BATCH, BATCHES = 120, 400
BOUNDS_MS = (100, 1000)
BACKLOG_PER_WORKER, FEW_PER_WORKER = 4, 2  # engine/jobs/worker_queue.c
SIZES = {"1 to 8 megapixels": lambda random: random.uniform(1, 8),
         "log-normal, median 3 megapixels": lambda random: min(50, 3 * random.lognormvariate(0, 0.8))}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench order", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=200_000, help="photos of each load (200,000)")
    parser.add_argument("--workers", type=int, default=2, help="number of workers (2)")
    parser.add_argument("--window", type=int, default=21,
                        help="waiting photos that the engine sees (21: 32 messages for each of two workers, three messages for each photo)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (1)")
    return parser.parse_args()


class Order:
    """Chooses the index of the next one of the waiting: [arrival, estimate, work, times overtaken], the oldest first."""

    def __init__(self, name, bound, workers):
        self.name, self.bound, self.workers, self.backlog = name, bound, workers, False

    def pick(self, waiting, now):
        if self.name == "end":
            return self.pick_end(waiting)
        if self.name == "first" or now - waiting[0][0] > self.bound:
            return 0
        return (max if self.name == "longest" else min)(range(len(waiting)), key=lambda at: waiting[at][1])

    def pick_end(self, waiting):
        few = FEW_PER_WORKER * self.workers
        if len(waiting) > BACKLOG_PER_WORKER * self.workers:
            self.backlog = True
        elif len(waiting) == 1:
            self.backlog = False
        if not self.backlog or len(waiting) > few or waiting[0][3] >= few:
            return 0
        longest = max(range(len(waiting)), key=lambda at: waiting[at][1])
        waiting[0][3] += longest > 0
        return longest


def simulate(photos, options, name, bound):
    """By photo in the order of their ends: (arrival, work, end)."""
    order = Order(name, bound, options.workers)
    free, done, waiting, coming, now = [0.0] * options.workers, [], [], 0, 0.0
    while waiting or coming < len(photos):
        at = heapq.heappop(free)
        now = max(now, at)
        while coming < len(photos) and len(waiting) < options.window and photos[coming][0] <= now:
            waiting.append([*photos[coming], 0])
            coming += 1
        if not waiting:
            now = photos[coming][0]
            heapq.heappush(free, now)
            continue
        arrival, _, work, _ = waiting.pop(order.pick(waiting, now))
        done.append((arrival, work, now + work))
        heapq.heappush(free, now + work)
    return done


def made(chooser, size, count, rate=None):
    photos, now = [], 0.0
    for _ in range(count):
        now += chooser.expovariate(rate) if rate else 0
        work = MS_PER_MEGAPIXEL * size(chooser)
        photos.append((now, work * chooser.lognormvariate(0, 0.3), work))
    return photos


def loaded(options, size, load, order, bound):
    chooser = random.Random(options.seed)
    mean = statistics.fmean(work for _, _, work in made(chooser, size, 10_000))
    photos = made(chooser, size, options.photos, load * options.workers / mean)
    spent = sorted(end - arrival for arrival, _, end in simulate(photos, options, order, bound))
    return [statistics.fmean(spent)] + [spent[int(part * len(spent))] for part in (0.5, 0.95, 0.99)] + [spent[-1]]


def batches(options, size, order, bound):
    """How much later than ideal the batch ends: mean and 95th percentile, in ms."""
    chooser, late = random.Random(options.seed), []
    for _ in range(BATCHES):
        photos = made(chooser, size, BATCH)
        ideal = sum(work for _, _, work in photos) / options.workers
        late.append(max(end for _, _, end in simulate(photos, options, order, bound)) - ideal)
    return [statistics.fmean(late), sorted(late)[int(0.95 * len(late))]]


def main():
    options = arguments()
    orders = [("first", 0), ("end", 0)] + [(order, bound) for order in ("longest", "shortest") for bound in (*BOUNDS_MS, float("inf"))]
    for name, size in SIZES.items():
        print(f"\n{name}, {options.workers} workers; milliseconds\n\n| order, bound of the age | 50 %: mean | p50 | p95 | p99 | most | "
              "80 %: mean | p50 | p95 | p99 | most | batch ends later: mean | p95 |\n|---|" + "---|" * 12)
        for order, bound in orders:
            figures = [value for load in (0.5, 0.8) for value in loaded(options, size, load, order, bound)]
            figures += batches(options, size, order, bound)
            print(f"| {order}{f', {bound:g}' if bound else ''} | " + " | ".join(f"{value:.0f}" for value in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
