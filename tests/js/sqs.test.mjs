// SQS through the AWS SDK for JavaScript v3, which speaks JSON 1.0 and checks every MD5.
import assert from "node:assert/strict";
import test from "node:test";
import {
  AddPermissionCommand, CancelMessageMoveTaskCommand, ChangeMessageVisibilityBatchCommand, CreateQueueCommand,
  DeleteMessageBatchCommand, DeleteMessageCommand, GetQueueAttributesCommand, GetQueueUrlCommand,
  ListMessageMoveTasksCommand, ListQueueTagsCommand, ListQueuesCommand, PurgeQueueCommand, QueueDoesNotExist,
  QueueNameExists, ReceiveMessageCommand, ReceiptHandleIsInvalid, RemovePermissionCommand, ResourceNotFoundException,
  SQSClient, SendMessageBatchCommand, SendMessageCommand, StartMessageMoveTaskCommand, TagQueueCommand,
  UntagQueueCommand,
} from "@aws-sdk/client-sqs";
import { clientWith, sqs, uniqueName, until } from "./clients.mjs";

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

test("a long poll returns the message that it waits for", async () => {
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

test("a FIFO queue keeps the order of a group and takes nothing twice", async () => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({
    QueueName: `${uniqueName("queue")}.fifo`, Attributes: { FifoQueue: "true", ContentBasedDeduplication: "true" },
  }));
  const Entries = ["1", "2", "2", "3"].map((body, i) => ({ Id: `${i}`, MessageBody: body, MessageGroupId: "g" }));
  const { Successful } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  assert.equal(Successful[1].SequenceNumber, Successful[2].SequenceNumber);
  const attempt = { MaxNumberOfMessages: 10, ReceiveRequestAttemptId: "attempt" };
  const messages = await receive(QueueUrl, attempt);
  assert.deepEqual(messages.map((message) => message.Body), ["1", "2", "3"]);
  const again = await receive(QueueUrl, attempt);
  assert.deepEqual(again.map((message) => message.ReceiptHandle), messages.map((message) => message.ReceiptHandle));
});

test("a standard queue returns the group of a message", async () => {
  const QueueUrl = await makeQueue();
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x", MessageGroupId: "tenant" }));
  assert.equal((await receive(QueueUrl))[0].Attributes.MessageGroupId, "tenant");
});

test("tags come and go", async () => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: uniqueName("queue"), tags: { a: "1" } }));
  await sqs.send(new TagQueueCommand({ QueueUrl, Tags: { b: "ü" } }));
  assert.deepEqual((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { a: "1", b: "ü" });
  await sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: ["a"] }));
  assert.deepEqual((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { b: "ü" });
});

test("permissions come and go", async () => {
  const QueueUrl = await makeQueue();
  const policy = async () => (await sqs.send(new GetQueueAttributesCommand({
    QueueUrl, AttributeNames: ["Policy"] }))).Attributes?.Policy;
  await sqs.send(new AddPermissionCommand({
    QueueUrl, Label: "other", AWSAccountIds: ["111111111111"], Actions: ["SendMessage"] }));
  assert.equal(JSON.parse(await policy()).Statement[0].Action, "SQS:SendMessage");
  await sqs.send(new RemovePermissionCommand({ QueueUrl, Label: "other" }));
  assert.equal(await policy(), undefined);
});

test("dead letters are moved back", async () => {
  const letters = await makeQueue();
  const arn = `arn:aws:sqs:us-east-1:000000000000:${letters.split("/").pop()}`;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: 1 });
  const QueueUrl = await makeQueue({ RedrivePolicy, VisibilityTimeout: "0" });
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "bad" }));
  assert.equal((await receive(QueueUrl)).length, 1);
  assert.deepEqual(await receive(QueueUrl, { WaitTimeSeconds: 1 }), []);
  assert.equal((await receive(letters, { VisibilityTimeout: 0 }))[0].Body, "bad");
  const { TaskHandle } = await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn }));
  const task = await until(async () => {
    const { Results } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn: arn }));
    return Results[0].Status !== "RUNNING" && Results[0];
  }, "the task ends");
  assert.equal(task.Status, "COMPLETED");
  assert.equal(task.ApproximateNumberOfMessagesMoved, 1);
  assert.equal((await receive(QueueUrl))[0].Body, "bad");
  await assert.rejects(sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle })));
  const absent = new StartMessageMoveTaskCommand({ SourceArn: `${arn}-absent` });
  await assert.rejects(sqs.send(absent), ResourceNotFoundException);
});

test("another queue of the same name is refused", async () => {
  const QueueUrl = await makeQueue({ DelaySeconds: "1" });
  const QueueName = QueueUrl.split("/").pop();
  const other = new CreateQueueCommand({ QueueName, Attributes: { DelaySeconds: "2" } });
  await assert.rejects(sqs.send(other), QueueNameExists);
});
