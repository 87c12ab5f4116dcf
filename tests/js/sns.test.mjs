// SNS through the AWS SDK for JavaScript v3: publish, and what a queue gets of it.
import assert from "node:assert/strict";
import test from "node:test";
import {
  CreateTopicCommand, InvalidParameterException, ListTagsForResourceCommand, NotFoundException, PublishBatchCommand,
  PublishCommand, SubscribeCommand, TagResourceCommand,
} from "@aws-sdk/client-sns";
import {
  CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { sns, sqs, uniqueName } from "./clients.mjs";

async function makeTopic() {
  return (await sns.send(new CreateTopicCommand({ Name: uniqueName("topic") }))).TopicArn;
}

async function subscribeQueue(TopicArn, Attributes = {}) {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: uniqueName("queue") }));
  const found = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  const Endpoint = found.Attributes.QueueArn;
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{
      Effect: "Allow", Principal: { Service: "sns.amazonaws.com" }, Action: "sqs:SendMessage", Resource: Endpoint,
      Condition: { ArnEquals: { "aws:SourceArn": TopicArn } },
    }],
  });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint, Attributes }));
  return QueueUrl;
}

async function nextBody(QueueUrl) {
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  return Messages[0].Body;
}

test("a publication arrives in an envelope", async () => {
  const TopicArn = await makeTopic();
  const QueueUrl = await subscribeQueue(TopicArn);
  const { MessageId } = await sns.send(new PublishCommand({ TopicArn, Message: "Ω", Subject: "s" }));
  const envelope = JSON.parse(await nextBody(QueueUrl));
  assert.equal(envelope.Type, "Notification");
  assert.equal(envelope.Message, "Ω");
  assert.equal(envelope.MessageId, MessageId);
});

test("a raw publication arrives bare", async () => {
  const TopicArn = await makeTopic();
  const QueueUrl = await subscribeQueue(TopicArn, { RawMessageDelivery: "true" });
  await sns.send(new PublishCommand({ TopicArn, Message: '{"a":1}' }));
  assert.equal(await nextBody(QueueUrl), '{"a":1}');
});

test("a batch is published entry by entry", async () => {
  const TopicArn = await makeTopic();
  const QueueUrl = await subscribeQueue(TopicArn, { RawMessageDelivery: "true" });
  const done = await sns.send(new PublishBatchCommand({
    TopicArn, PublishBatchRequestEntries: [{ Id: "a", Message: "1" }, { Id: "b", Message: "2" }],
  }));
  assert.equal(done.Successful.length, 2);
  assert.deepEqual(new Set([await nextBody(QueueUrl), await nextBody(QueueUrl)]), new Set(["1", "2"]));
});

test("a missing topic arrives as the SDK's class", async () => {
  const TopicArn = (await makeTopic()) + "-absent";
  await assert.rejects(sns.send(new PublishCommand({ TopicArn, Message: "x" })), NotFoundException);
});

test("a FIFO topic numbers its messages and knows repeats", async () => {
  const { TopicArn } = await sns.send(new CreateTopicCommand({
    Name: `${uniqueName("topic")}.fifo`, Attributes: { FifoTopic: "true", ContentBasedDeduplication: "true" },
  }));
  const one = await sns.send(new PublishCommand({ TopicArn, Message: "a", MessageGroupId: "g" }));
  const repeat = await sns.send(new PublishCommand({ TopicArn, Message: "a", MessageGroupId: "g" }));
  const two = await sns.send(new PublishCommand({ TopicArn, Message: "b", MessageGroupId: "g" }));
  assert.equal(repeat.MessageId, one.MessageId);
  assert.ok(BigInt(two.SequenceNumber) > BigInt(one.SequenceNumber));
});

test("a filter lets through what it names", async () => {
  const TopicArn = await makeTopic();
  const QueueUrl = await subscribeQueue(TopicArn, {
    RawMessageDelivery: "true", FilterPolicy: JSON.stringify({ kind: [{ suffix: "ball" }] }),
  });
  const attribute = (StringValue) => ({ kind: { DataType: "String", StringValue } });
  await sns.send(new PublishCommand({ TopicArn, Message: "no", MessageAttributes: attribute("golf") }));
  await sns.send(new PublishCommand({ TopicArn, Message: "yes", MessageAttributes: attribute("football") }));
  assert.equal(await nextBody(QueueUrl), "yes");
});

test("a wrong filter arrives as the SDK's class, with its place", async () => {
  const TopicArn = await makeTopic();
  await assert.rejects(
    subscribeQueue(TopicArn, { FilterPolicy: '{"key":[{"wrong-operator":true}]}' }),
    (error) => error instanceof InvalidParameterException
      && error.message.includes("FilterPolicy: Unrecognized match type wrong-operator\n at [Source:")
      && error.message.includes("column: 31]"),
  );
});

test("tags come back", async () => {
  const TopicArn = await makeTopic();
  await sns.send(new TagResourceCommand({ ResourceArn: TopicArn, Tags: [{ Key: "a", Value: "1" }] }));
  const { Tags } = await sns.send(new ListTagsForResourceCommand({ ResourceArn: TopicArn }));
  assert.deepEqual(Tags, [{ Key: "a", Value: "1" }]);
});
