// SQS through the AWS SDK for JavaScript v3, which speaks JSON 1.0 and checks every MD5.
import assert from "node:assert/strict";
import test from "node:test";
import {
  ChangeMessageVisibilityBatchCommand, CreateQueueCommand, DeleteMessageBatchCommand, DeleteMessageCommand,
  GetQueueAttributesCommand, GetQueueUrlCommand, ListQueuesCommand, PurgeQueueCommand, QueueDoesNotExist,
  ReceiveMessageCommand, ReceiptHandleIsInvalid, SQSClient, SendMessageBatchCommand, SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { clientWith, sqs, uniqueName } from "./clients.mjs";

async function makeQueue(Attributes = {}) {
  return (await sqs.send(new CreateQueueCommand({ QueueName: uniqueName("queue"), Attributes }))).QueueUrl;
}

async function receive(QueueUrl, more = {}) {
  const { Messages } = await sqs.send(new ReceiveMessageCommand({
    QueueUrl, WaitTimeSeconds: 20, MessageSystemAttributeNames: ["All"], MessageAttributeNames: ["All"], ...more,
  }));
  return Messages ?? [];
}

test("a message comes back as it was sent, with its attributes", async () => {
  const QueueUrl = await makeQueue();
  const MessageAttributes = {
    text: { DataType: "String", StringValue: "Ω" },
    bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
  };
  const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "Ω <&> \n", MessageAttributes }));
  const [message] = await receive(QueueUrl);
  assert.equal(message.Body, "Ω <&> \n");
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.MessageAttributes.text.StringValue, "Ω");
  assert.deepEqual([...message.MessageAttributes.bytes.BinaryValue], [0, 255]);
  assert.equal(message.Attributes.ApproximateReceiveCount, "1");
});

test("a long poll is answered by the message that it waits for", async () => {
  const QueueUrl = await makeQueue();
  const waiting = receive(QueueUrl);
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "now" }));
  assert.equal((await waiting)[0].Body, "now");
});

test("ten messages are sent, kept and deleted in batches", async () => {
  const QueueUrl = await makeQueue();
  const ids = [...Array(10).keys()].map(String);
  await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: ids.map((Id) => ({ Id, MessageBody: Id })) }));
  const messages = [];
  while (messages.length < 10) messages.push(...(await receive(QueueUrl, { MaxNumberOfMessages: 10 })));
  const handles = messages.map((message, i) => ({ Id: String(i), ReceiptHandle: message.ReceiptHandle }));
  const kept = await sqs.send(new ChangeMessageVisibilityBatchCommand({
    QueueUrl, Entries: handles.map((handle) => ({ ...handle, VisibilityTimeout: 60 })),
  }));
  assert.equal(kept.Successful.length, 10);
  const deleted = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: handles }));
  assert.equal(deleted.Successful.length, 10);
  assert.deepEqual(deleted.Failed ?? [], []);
});

test("attributes are read, and are what was set", async () => {
  const QueueUrl = await makeQueue({ VisibilityTimeout: "7" });
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
  assert.equal(Attributes.VisibilityTimeout, "7");
  assert.ok(Attributes.QueueArn.endsWith(QueueUrl.split("/").pop()));
});

test("a queue is found by its name and listed by its prefix", async () => {
  const QueueUrl = await makeQueue();
  const QueueName = QueueUrl.split("/").pop();
  assert.equal((await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl, QueueUrl);
  assert.deepEqual((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: QueueName }))).QueueUrls, [QueueUrl]);
});

test("errors arrive as the SDK's classes", async () => {
  const QueueUrl = await makeQueue();
  await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: "js-absent" })), QueueDoesNotExist);
  const nonsense = new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "nonsense" });
  await assert.rejects(sqs.send(nonsense), ReceiptHandleIsInvalid);
});

test("a purged queue is empty", async () => {
  const QueueUrl = await makeQueue();
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
  await sqs.send(new PurgeQueueCommand({ QueueUrl }));
  assert.deepEqual(await receive(QueueUrl, { WaitTimeSeconds: 0 }), []);
});

test("a wrong secret is refused", async () => {
  const other = clientWith(SQSClient, { secretAccessKey: "another" });
  await assert.rejects(other.send(new ListQueuesCommand({})), (error) => error.$metadata.httpStatusCode === 403);
});
