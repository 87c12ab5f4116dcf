"""Sends the operations of sqs_model.py with boto3: the responses in the model's form."""
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

LOST = (ConnectionClosedError, EndpointConnectionError, HTTPClientError)
LONG_S = 3600


class SqsClient:
    """One client of a queue, and of its dead-letter queue."""

    def __init__(self, sqs, url, dead=None):
        self.sqs, self.url, self.dead = sqs, url, dead

    def run(self, operation):
        """The response; None: there was none."""
        try:
            return getattr(self, operation[0])(*operation[1:])
        except ClientError as failure:
            return {"error": failure.response["Error"]["Code"].rpartition(".")[2]}
        except LOST:
            return None

    def _receive(self, url, limit, keep):
        response = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=limit, VisibilityTimeout=LONG_S if keep else 0,
                                            AttributeNames=["ApproximateReceiveCount"])
        return {"Messages": [(m["MessageId"], m["Body"], int(m["Attributes"]["ApproximateReceiveCount"]), m["ReceiptHandle"])
                             for m in response.get("Messages", [])]}

    def receive(self, limit, keep):
        return self._receive(self.url, limit, keep)

    def receive_dead(self, limit):
        return self._receive(self.dead, limit, True)

    def send(self, *what):
        return self.send_fifo(*what) if len(what) == 3 else self.send_some(*what)

    def send_some(self, bodies):
        if len(bodies) == 1:
            return {"Ids": [self.sqs.send_message(QueueUrl=self.url, MessageBody=bodies[0])["MessageId"]]}
        response = self.sqs.send_message_batch(QueueUrl=self.url, Entries=[
            {"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)])
        assert not response.get("Failed")
        return {"Ids": [entry["MessageId"] for entry in sorted(response["Successful"], key=lambda entry: entry["Id"])]}

    def send_fifo(self, group, dedup, body):
        response = self.sqs.send_message(QueueUrl=self.url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=dedup)
        return {"Id": response["MessageId"]}

    def delete(self, receipt):
        self.sqs.delete_message(QueueUrl=self.queue_of(receipt), ReceiptHandle=receipt)
        return {}

    def queue_of(self, receipt):
        return self.url if receipt not in self.dead_receipts else self.dead

    def make_visible(self, receipt):
        self.sqs.change_message_visibility(QueueUrl=self.queue_of(receipt), ReceiptHandle=receipt, VisibilityTimeout=0)
        return {}

    def keep(self, receipt):
        self.sqs.change_message_visibility(QueueUrl=self.queue_of(receipt), ReceiptHandle=receipt, VisibilityTimeout=LONG_S)
        return {}

    def purge(self):
        self.sqs.purge_queue(QueueUrl=self.url)
        return {}

    def depth(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return {"Depth": tuple(int(found[name]) for name in names)}

    dead_receipts = frozenset()  # of messages that came out of the dead-letter queue
