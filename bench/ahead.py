#!/usr/bin/python3
"""Compares how many photos are fetched ahead of the workers, in a simulation of engine/jobs/source_ahead.c.

    ./dev bench ahead [--photos N] [--workers N] [--slots N]

The slots of the engine hold messages of so many photos. A photo is fetched when it has a place ahead of the workers, is decoded by the
next free worker, which frees the place, and is stored; then the next message comes. Each request takes a random time (log-normal), and
one of a hundred takes eight times as long. A row states how many places a worker has at least, and how many photos wait for a worker
before places are withdrawn. Columns: the part of the workers' time in which they had nothing to do, and the photos that were fetched
and not taken by a worker: mean and most.
"""
import argparse
import heapq
import random

STARVED_MS = 10  # engine/jobs/source_ahead.c
TRANSFER_MS, OTHER_MS = 5, 3  # of a photo from the store; of a message until it arrives
POLICIES = [(1, 4), (2, 2), (2, 4), (3, 3), (4, 4), (1000, 1000)]  # per worker
LARGE, SMALL = (8.4, 67.2), (2, 6)  # milliseconds of work: 1 to 8 megapixels; previews
STORES = [("0 ms", 0, 0, LARGE), ("37 ms", 37, 0.2, LARGE), ("37 ms, uneven", 37, 0.6, LARGE), ("100 ms", 100, 0.3, LARGE),
          ("0 ms, small", 0, 0, SMALL), ("37 ms, small", 37, 0.2, SMALL)]


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench ahead", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=3000, help="number of photos (3,000)")
    parser.add_argument("--workers", type=int, default=2, help="number of workers (2)")
    parser.add_argument("--slots", type=int, default=64, help="photos that the messages in flight name (64)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (1)")
    return parser.parse_args()


class Engine:
    """Photos in each state, by number, and what source_ahead.c knows."""

    def __init__(self, options, policy, latency, sigma, work):
        self.options, self.latency, self.sigma, self.work = options, latency, sigma, work
        self.least, self.enough = (part * options.workers for part in policy)
        self.random, self.events, self.now = random.Random(options.seed), [], 0.0
        self.waiting, self.ahead, self.ready, self.busy, self.done = 0, 0, 0, 0, 0
        self.more, self.starved_ms = 0, 0.0
        self.idle_ms, self.ahead_ms, self.most = 0.0, 0.0, 0

    def request_ms(self):
        return self.latency * self.random.lognormvariate(0, self.sigma) * (8 if self.random.random() < 0.01 else 1)

    def at(self, delay, what):
        heapq.heappush(self.events, (self.now + delay, self.random.random(), what))

    def is_starved(self):
        return self.waiting > 0 and self.ahead >= self.least + self.more and self.busy < self.options.workers

    def advance(self, now):
        passed = now - self.now
        self.starved_ms += passed if self.is_starved() else 0
        self.idle_ms += passed * (self.options.workers - self.busy)
        self.ahead_ms += passed * self.ahead
        self.now = now

    def arrived(self):
        self.waiting += 1

    def fetched(self):
        self.ready += 1

    def decoded(self):
        self.busy -= 1
        self.done += 1
        self.at(self.request_ms() + self.request_ms() / 2 + OTHER_MS, self.arrived)  # stored; then another message

    def looked(self):
        """Time has passed."""

    def take(self):
        self.ready, self.busy, self.ahead = self.ready - 1, self.busy + 1, self.ahead - 1
        self.more -= self.more > 0 and self.ready > self.enough
        self.at(self.random.uniform(*self.work), self.decoded)

    def fetch(self):
        self.waiting, self.ahead = self.waiting - 1, self.ahead + 1
        self.at(self.request_ms() + TRANSFER_MS, self.fetched)

    def update(self):
        if self.starved_ms >= STARVED_MS - 1e-6:
            self.more, self.starved_ms = self.more + self.options.workers, 0
        while (self.waiting and self.ahead < self.least + self.more) or (self.ready and self.busy < self.options.workers):
            if self.ready and self.busy < self.options.workers:
                self.take()
            else:
                self.fetch()
        self.most = max(self.most, self.ahead)
        if self.is_starved():
            self.at(STARVED_MS - self.starved_ms, self.looked)

    def run(self):
        for _ in range(self.options.slots):
            self.at(0, self.arrived)
        while self.done < self.options.photos:
            due, _, what = heapq.heappop(self.events)
            self.advance(due)
            what()
            self.update()
        return self.idle_ms / (self.now * self.options.workers), self.ahead_ms / self.now, self.most


def main():
    options = arguments()
    print(f"{options.workers} workers, {options.slots} photos in flight\n\n| places, photos in line | " +
          " | ".join(name for name, *_ in STORES) + " |\n|---|" + "---|" * len(STORES))
    for policy in POLICIES:
        row = [Engine(options, policy, *store).run() for _, *store in STORES]
        print(f"| {'no limit' if policy[0] == 1000 else f'{policy[0]}, {policy[1]}'} | " +
              " | ".join(f"{idle:.1%}, {mean:.1f}, {most}" for idle, mean, most in row) + " |", flush=True)


if __name__ == "__main__":
    main()
