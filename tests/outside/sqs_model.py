"""Models of SQS queues: what each operation answers, one after the other. Sources: the SQS API Reference; "Amazon SQS visibility
timeout", "Amazon SQS dead-letter queues" and "FIFO delivery logic" in the SQS Developer Guide.

A received message stays invisible for longer than the test runs, unless it is made visible, so time plays no part. Which of the
visible messages a queue returns is up to the service; the model checks that each one may be returned, and that it is not withheld.
"""
from linear import AnyOf, Unknown, same, value_of

MAX_RECEIVES = 2
GONE = {"error": "InvalidParameterValue"}
NOT_IN_FLIGHT = {"error": "MessageNotInflight"}
PURGED_BEFORE = {"error": "PurgeQueueInProgress"}  # for 60 seconds


class Message:
    def __init__(self, body, group=None):
        self.body, self.group, self.id, self.count, self.receipt, self.in_flight = body, group, Unknown(), 0, None, False
        self.receipts = set()  # with the old ones, which remain valid in standard queues

    def key(self):
        return (value_of(self.id), self.group, self.body, self.count, self.receipt, self.in_flight)


class StandardModel:
    """A queue whose messages go to a dead-letter queue when they were received MAX_RECEIVES times."""

    def __init__(self):
        self.messages, self.dead, self.said, self.purged = [], [], None, False
        self.leaving = []   # a receive may have moved them to the dead-letter queue
        # In the queue, moved or deleted: AWS does not promise that a message is deleted by an old receipt handle.
        self.doubtful = []

    def key(self):
        return repr([sorted(map(repr, (m.key() for m in some))) for some in (self.messages, self.leaving, self.doubtful, self.dead)])

    def apply(self, operation, response):
        self.said = getattr(self, operation[0])(*operation[1:], response=response)
        return self.said is not False and (response is None or same(self.said, response))

    def send(self, bodies, response):
        new = [Message(body) for body in bodies]
        self.messages += new
        return {"Ids": [message.id for message in new]}

    def exhausted(self, message):
        return message.count >= MAX_RECEIVES

    def received(self, message, keep, receipt):
        message.count += 1
        message.receipt, message.in_flight = receipt, keep
        message.receipts.add(receipt)

    def taken(self, response, among, keep):
        """Receives what the response has, if these messages are visible with these counts."""
        for message_id, body, count, receipt in response["Messages"]:
            found = [m for m in among if same(m.id, message_id)]
            if len(found) != 1 or found[0].in_flight or (found[0].body, found[0].count + 1) != (body, count):
                return False
            self.received(found[0], keep, receipt)
        return response

    def receive(self, limit, keep, response):
        """keep: for how long it stays invisible is forever, or not at all."""
        self.leaving += [m for m in self.messages if not m.in_flight and self.exhausted(m)]
        self.messages = [m for m in self.messages if m not in self.leaving]
        if response is None:  # each message may have been received
            return None
        if "error" in response:
            return False
        least = min(limit, sum(not m.in_flight for m in self.messages))
        self.messages += self.found_again(response)
        if not least <= len(response["Messages"]) <= limit:
            return False
        return self.taken(response, [m for m in self.messages if not m.in_flight], keep)

    def found_again(self, response):
        """The doubtful messages of a response, which exist."""
        arrived = {row[0] for row in response["Messages"]}
        found = [m for m in self.doubtful if value_of(m.id) in arrived]
        self.doubtful = [m for m in self.doubtful if m not in found]
        return found

    def receive_dead(self, limit, response):
        if response is None or "error" in response:
            return None if response is None else False
        arrived = {row[0] for row in response["Messages"]}
        moved = [m for m in self.leaving if value_of(m.id) in arrived]
        self.leaving = [m for m in self.leaving if m not in moved]
        moved += self.found_again(response)
        self.dead += moved
        least = min(limit, sum(not m.in_flight for m in self.dead) - len(moved))
        if len(response["Messages"]) < least:
            return False
        return self.taken(response, [m for m in self.dead if not m.in_flight], True)

    def all(self):
        return [*self.messages, *self.leaving, *self.dead]

    def with_receipt(self, receipt):
        return next((m for m in self.all() if receipt in m.receipts), None)

    def delete(self, receipt, response):
        """Also when it is visible again, and more than once."""
        self.doubtful += [m for m in self.all() if receipt in m.receipts and (m in self.leaving or receipt != m.receipt)]
        for some in (self.messages, self.leaving, self.dead):
            some[:] = [m for m in some if receipt not in m.receipts]
        return {}

    def change(self, receipt, in_flight, response):
        """A message that is visible again can be hidden again, unless it has left the queue or is just being received."""
        message = self.with_receipt(receipt)
        if not message or message in self.leaving or receipt != message.receipt or not message.in_flight:
            if not message or response != {}:
                return AnyOf(GONE, NOT_IN_FLIGHT)
        if message in self.leaving:
            self.leaving.remove(message)
            self.messages.append(message)
        message.in_flight = in_flight
        return {}

    def make_visible(self, receipt, response):
        return self.change(receipt, False, response)

    def keep(self, receipt, response):
        return self.change(receipt, True, response)

    def purge(self, response):
        if response == PURGED_BEFORE:
            return PURGED_BEFORE if self.purged else False
        self.purged = True
        self.doubtful += self.leaving
        self.messages, self.leaving = [], []
        return {}

    def depth(self, response):
        """Of the queue, without those that may have left it."""
        in_flight = sum(m.in_flight for m in self.messages)
        visible = len(self.messages) - in_flight
        perhaps = len(self.leaving) + len(self.doubtful)
        return AnyOf(*[{"Depth": (visible + some, in_flight + more)} for some in range(perhaps + 1)
                       for more in range(len(self.doubtful) + 1)])

    def settle(self):
        """After a write that was answered, what has left the queue is in the dead-letter queue."""
        self.dead += self.leaving
        self.leaving = []


class FifoModel:
    def __init__(self):
        self.messages, self.ids, self.said, self.purged = [], {}, None, False

    def key(self):
        return repr([m.key() for m in self.messages])

    apply = StandardModel.apply

    def send(self, group, dedup, body, response):
        """The same deduplication id: the first message's response, whether it is still there or not."""
        if dedup not in self.ids:
            message = Message(body, group)
            self.messages.append(message)
            self.ids[dedup] = message.id
        return {"Id": self.ids[dedup]}

    def open_heads(self):
        """The messages that may be received now: the first ones of groups, unless they are in flight."""
        heads = {}
        for message in self.messages:
            heads.setdefault(message.group, message)
        return {group: message for group, message in heads.items() if not message.in_flight}

    def receive(self, limit, keep, response):
        if response is None:
            return None
        if "error" in response:
            return False
        rows, taken = response["Messages"], []
        heads = self.open_heads()
        if bool(rows) != bool(heads) or len(rows) > limit:
            return False
        for message_id, body, count, receipt in rows:
            found = next((m for m in self.messages if same(m.id, message_id)), None)
            if not found or found.group not in heads or found.in_flight or found in taken or (found.body, found.count + 1) != (body, count):
                return False
            before = [m for m in self.messages if m.group == found.group]
            if any(m not in taken for m in before[:before.index(found)]):
                return False
            taken.append(found)
        for message, row in zip(taken, rows):
            message.count += 1
            message.receipt, message.in_flight = row[3], keep
        return response

    def delete(self, receipt, response):
        """Only while it is in flight: then somebody else may have it."""
        if any(m.receipt == receipt and not m.in_flight for m in self.messages):
            return GONE
        self.messages = [m for m in self.messages if m.receipt != receipt]
        return {}

    def purge(self, response):
        if response == PURGED_BEFORE:
            return PURGED_BEFORE if self.purged else False
        self.purged = True
        self.messages, self.ids = [], {}
        return {}

    def make_visible(self, receipt, response):
        message = next((m for m in self.messages if m.receipt == receipt), None)
        if not message or not message.in_flight:
            return AnyOf(GONE, NOT_IN_FLIGHT)
        message.in_flight = False
        return {}

    def depth(self, response):
        in_flight = sum(m.in_flight for m in self.messages)
        return {"Depth": (len(self.messages) - in_flight, in_flight)}
