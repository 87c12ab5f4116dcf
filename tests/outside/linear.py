"""Checks concurrent clients against a model of one client: whether their responses could have come about one after the other.

A step is a batch of operations that several clients send at once. `Linear` keeps every state that the model may be in. After a
batch it keeps the states that some order of the batch leads to, in which each response is what the model says. No state left: the
service gave a response that no order explains. Operations that ended without a response (the server was killed) may or may not
have happened.

A model has `apply(operation, response)`, which changes it and returns whether the response is right, or is not known (None), and
`key()`, a value that is the same for the same states. Values that only the service knows, such as version ids, are `Unknown`: they
take the first value that they are compared with.
"""
import copy
import itertools
import reprlib
from concurrent.futures import ThreadPoolExecutor


class Unknown:
    """A value that the service makes up."""

    def __init__(self):
        self.value = None

    def accepts(self, value):
        """Whether it is the value, which it takes if it has none."""
        if self.value is None:
            self.value = value
        return value is not None and self.value == value

    def __repr__(self):
        return f"<{self.value}>"


def same(wanted, found):
    """Whether a response is the wanted one; takes the values of Unknowns in it."""
    if isinstance(wanted, Unknown):
        return wanted.accepts(found)
    if isinstance(wanted, AnyOf):
        return any(same(value, found) for value in wanted.values)
    if isinstance(wanted, dict) and isinstance(found, dict):
        needed = {name for name, value in wanted.items() if not isinstance(value, Maybe)}
        return needed <= found.keys() <= wanted.keys() and all(same(wanted[name], found[name]) for name in found)
    if isinstance(wanted, Maybe):
        return same(wanted.value, found)
    if isinstance(wanted, (list, tuple)) and isinstance(found, (list, tuple)):
        return len(wanted) == len(found) and all(map(same, wanted, found))
    return wanted == found


def value_of(value):
    """What the service made up, if that is known."""
    return value.value if isinstance(value, Unknown) else value


class Maybe:
    """A member that a response may lack."""

    def __init__(self, value):
        self.value = value


class AnyOf:
    """One of several responses, all of which are right."""

    def __init__(self, *values):
        self.values = values

    def __repr__(self):
        return " or ".join(map(repr, self.values))


class Linear:
    STATES_MAX = 64

    def __init__(self, model):
        self.states = [model]

    @property
    def first(self):
        """One of the states, for choosing what to do next."""
        return self.states[0]

    def _orders(self, done):
        """All orders, and without a response all subsets."""
        known = [pair for pair in done if pair[1] is not None]
        unknown = [pair for pair in done if pair[1] is None]
        for count in range(len(unknown) + 1):
            for some in itertools.combinations(unknown, count):
                yield from itertools.permutations([*known, *some])

    def step(self, done):
        """done: (operation, response) of each operation of a batch."""
        found = {}
        for state, order in itertools.product(self.states, self._orders(done)):
            model = copy.deepcopy(state)
            if all(model.apply(operation, response) for operation, response in order):
                found.setdefault(model.key(), model)
        assert found, self.report(done)
        self.states = list(found.values())[:self.STATES_MAX]

    def report(self, done):
        lines = ["no order of these operations explains their responses:"]
        lines += [f"  {reprlib.repr(operation)} -> {response}" for operation, response in done]
        if len(done) == 1:
            model = copy.deepcopy(self.first)
            model.apply(*done[0])
            lines.append(f"  the model says: {model.said}")
        return "\n".join(lines + [f"  the state before: {self.first.key()}"])


def at_once(clients, operations, run):
    """Runs the operations at the same time, each with a client of its own: (operation, response) in the same order."""
    if len(operations) == 1:
        return [(operations[0], run(clients[0], operations[0]))]
    with ThreadPoolExecutor(len(operations)) as pool:
        return list(zip(operations, pool.map(run, clients, operations)))
