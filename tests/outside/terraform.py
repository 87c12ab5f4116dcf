"""As much of Terraform as `thumbwheel provision --emit terraform` needs: its expressions, and its resources in the embedded cloud.

The configuration comes as JSON from HashiCorp's parser (tests/js/templates.mjs), with its expressions as texts. A resource, an argument or
a function that is not known here is an error, so that nothing is ignored.
"""
import json
import re

from harness import ACCOUNT, REGION

# The arguments of each type that the templates use (documentation of the provider hashicorp/aws, version 5).
ARGUMENTS = {
    "aws_s3_bucket": {"bucket"},
    "aws_s3_bucket_notification": {"bucket", "topic", "queue", "eventbridge"},
    "aws_s3_bucket_lifecycle_configuration": {"bucket", "rule"},
    "aws_sqs_queue": {"name", "fifo_queue", "content_based_deduplication", "visibility_timeout_seconds", "message_retention_seconds",
                      "redrive_policy"},
    "aws_sqs_queue_policy": {"queue_url", "policy"},
    "aws_sns_topic": {"name", "name_prefix", "fifo_topic"},
    "aws_sns_topic_policy": {"arn", "policy"},
    "aws_sns_topic_subscription": {"topic_arn", "protocol", "endpoint", "raw_message_delivery"},
    "aws_cloudwatch_event_rule": {"name", "event_pattern"},
    "aws_cloudwatch_event_target": {"rule", "target_id", "arn", "sqs_target"},
    "aws_cloudwatch_metric_alarm": {"alarm_name", "namespace", "metric_name", "dimensions", "statistic", "period", "evaluation_periods", "threshold",
                                    "comparison_operator", "treat_missing_data", "alarm_actions"},
    "aws_iam_role": {"name_prefix", "assume_role_policy"},
    "aws_iam_role_policy": {"name", "role", "policy"},
    "aws_iam_instance_profile": {"name_prefix", "role"},
}
META = {"count", "for_each", "depends_on"}
TOKEN = re.compile(r'\s*(?:("(?:[^"\\$]|\\.|\$\$|\$\{[^}]*\}|\$)*")|(\d+)|([A-Za-z_][\w-]*)|(\[\*\]|==|!=|&&|\|\||[][{}()?:,.=!]))')


def tokens(text):
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        assert match, f"not an expression that is known here: {text[at:]!r}"
        found.append(match[0].strip())
        at = match.end()
    return found


class Expression:
    """A recursive descent through the tokens."""

    def __init__(self, module, text, names):
        self.module, self.names, self.rest = module, names, tokens(text)
        self.skipping = False  # the branch that is not taken may not have a value

    def peek(self):
        return self.rest[0] if self.rest else ""

    def take(self, expected=None):
        token = self.rest.pop(0)
        assert expected in (None, token), (expected, token)
        return token

    def skip(self, token):
        return self.peek() == token and bool(self.take())

    def value(self):
        condition = self.either()
        if not self.skip("?"):
            return condition
        yes = self.branch(condition)
        self.take(":")
        no = self.branch(not condition)
        return yes if condition else no

    def branch(self, taken):
        before, self.skipping = self.skipping, self.skipping or not taken
        value = self.value()
        self.skipping = before
        return value

    def either(self):
        left = self.both()
        while self.skip("||"):
            right = self.both()
            left = left or right
        return left

    def both(self):
        left = self.equality()
        while self.skip("&&"):
            right = self.equality()
            left = left and right
        return left

    def equality(self):
        left = self.traversal()
        if self.peek() in ("==", "!="):
            same = self.take() == "=="
            return (left == self.traversal()) is same
        return left

    def traversal(self):
        value = self.primary()
        while self.peek() in (".", "[", "[*]"):
            token = self.take()
            if token == ".":
                value = self.get(value, self.take())
            elif token == "[":
                value = self.get(value, self.value())
                self.take("]")
            else:
                self.take(".")
                name = self.take()
                value = [self.get(item, name) for item in value or []]
        return value

    def get(self, value, name):
        if self.skipping:
            return None
        return value(name) if isinstance(value, Lazy) else value[name]

    def primary(self):
        token = self.take()
        if token.startswith('"'):
            return None if self.skipping else self.module.text(json.loads(token), self.names)
        if token.isdigit():
            return int(token)
        if token == "[":
            return self.items("]")
        if token == "{":
            return self.members()
        if self.skip("("):
            arguments = self.items(")")
            return None if self.skipping else FUNCTIONS[token](*arguments)
        if token in ("true", "false", "null"):
            return json.loads(token)
        return None if self.skipping else self.module.named(token, self.names)

    def items(self, end):
        found = []
        while not self.skip(end):
            found.append(self.value())
            self.skip(",")
        return found

    def members(self):
        found = {}
        while not self.skip("}"):
            key = self.take()
            self.take("=")
            found[json.loads(key) if key.startswith('"') else key] = self.value()
            self.skip(",")
        return found


def one(items):
    assert len(items) <= 1
    return items[0] if items else None


FUNCTIONS = {"jsonencode": json.dumps, "toset": lambda items: sorted(set(items)), "one": one, "contains": lambda items, item: item in items}


class Lazy:
    """What a reference leads to, found when it is asked for."""

    def __init__(self, find):
        self.find = find

    def __call__(self, name):
        return self.find(name)


class Module:
    def __init__(self, blocks, values=()):
        """blocks: the parser's result; values: of variables."""
        self.blocks = blocks
        self.values = {name: block["default"] for name, (block,) in blocks["variable"].items()} | dict(values)
        assert set(dict(values)) <= set(blocks["variable"])
        known = {"variable", "terraform", "data", "resource", "locals", "output"}
        assert set(blocks) <= known, "a block is ignored"
        assert set(blocks["terraform"][0]["required_providers"][0]) == {"aws"}
        for name, (block,) in blocks["variable"].items():
            for rule in block.get("validation", []):
                assert self.resolve(rule["condition"]), f"{name}: {rule['error_message']}"

    def resolve(self, value, names=None):
        if isinstance(value, list):
            return [self.resolve(item, names) for item in value]
        if isinstance(value, dict):
            return {key: self.resolve(item, names) for key, item in value.items()}
        return self.text(value, names or {}) if isinstance(value, str) else value

    def text(self, text, names):
        whole = re.fullmatch(r"\$\{(.*)\}", text, re.S)
        if whole and "${" not in whole[1]:
            return self.evaluate(whole[1], names)
        if whole and not re.search(r"\}[^\"]*\$\{", whole[1]):  # an expression with texts that have expressions
            return self.evaluate(whole[1], names)
        parts = re.split(r"(\$\$\{|\$\{[^}]*\})", text)
        return "".join(part if not part.startswith("$") else "${" if part == "$${" else str(self.evaluate(part[2:-1], names)) for part in parts)

    def evaluate(self, text, names):
        expression = Expression(self, text, names)
        value = expression.value()
        assert not expression.rest, expression.rest
        return value

    def named(self, name, names):
        if name in names:
            return names[name]
        if name == "var":
            return self.values
        if name == "local":
            return Lazy(lambda local: self.resolve(self.blocks["locals"][0][local]))
        if name == "data":
            assert set(self.blocks["data"]) <= {"aws_caller_identity", "aws_partition", "aws_region"}
            return {kind: {"current": facts} for kind, facts in (("aws_caller_identity", {"account_id": ACCOUNT}),
                                                                 ("aws_partition", {"partition": "aws"}), ("aws_region", {"name": REGION}))
                    if kind in self.blocks["data"]}
        assert name in self.blocks["resource"], f"nothing is called {name}"
        return Lazy(lambda own: self.made(name, own))

    def made(self, kind, name):
        """The attributes of a resource, or of each, if it has a count."""
        block, = self.blocks["resource"][kind][name]
        if "count" not in block:
            return Lazy(lambda attribute: self.attribute(kind, block, attribute))
        return [Lazy(lambda attribute: self.attribute(kind, block, attribute)) for _ in range(self.resolve(block["count"]))]

    def attribute(self, kind, block, attribute):
        name = self.resolve(block.get("name") or block.get("bucket") or block.get("name_prefix"))
        arns = {"aws_s3_bucket": f"arn:aws:s3:::{name}", "aws_sqs_queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
                "aws_sns_topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}", "aws_iam_role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
                "aws_cloudwatch_event_rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"}
        if attribute == "arn":
            return arns[kind]
        assert attribute == "id" or (attribute == "name" and "name" in ARGUMENTS[kind]) or kind == "aws_iam_role", (kind, attribute)
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}" if (kind, attribute) == ("aws_sqs_queue", "id") else name

    def of_type(self, kind):
        """The arguments of the resources of a type that are made, in order."""
        made = []
        for block, in self.blocks["resource"].get(kind, {}).values():
            assert set(block) <= ARGUMENTS[kind] | META, f"{kind}: {set(block) - ARGUMENTS[kind]}"
            each = [{}] * (self.resolve(block["count"]) if "count" in block else 1)
            if "for_each" in block:
                each = [{"each": {"value": item}} for item in self.resolve(block["for_each"])]
            made += [self.resolve({key: value for key, value in block.items() if key not in META}, names) for names in each]
        return made

    def outputs(self):
        return {name: self.resolve(block["value"]) for name, (block,) in self.blocks["output"].items()}

    # ---- the resources ----

    def create(self, client):
        """Creates what the embedded cloud has; client(service) gives its clients."""
        s3, sqs, sns, events = (client(service) for service in ("s3", "sqs", "sns", "events"))
        assert set(self.blocks["resource"]) <= set(ARGUMENTS), "a resource is ignored"
        for bucket in self.of_type("aws_s3_bucket"):
            s3.create_bucket(Bucket=bucket["bucket"])
        names = {"fifo_queue": "FifoQueue", "content_based_deduplication": "ContentBasedDeduplication", "redrive_policy": "RedrivePolicy",
                 "visibility_timeout_seconds": "VisibilityTimeout", "message_retention_seconds": "MessageRetentionPeriod"}
        for queue in sorted(self.of_type("aws_sqs_queue"), key=lambda queue: "redrive_policy" in queue):
            sqs.create_queue(QueueName=queue.pop("name"), Attributes={
                names[key]: json.dumps(value) if isinstance(value, (bool, int)) else value for key, value in queue.items()})
        for topic in self.of_type("aws_sns_topic"):
            sns.create_topic(Name=topic.get("name") or topic["name_prefix"],
                             Attributes={"FifoTopic": "true"} if topic.get("fifo_topic") else {})
        for rule in self.of_type("aws_cloudwatch_event_rule"):
            events.put_rule(Name=rule["name"], EventPattern=rule["event_pattern"])
        for policy in self.of_type("aws_sqs_queue_policy"):
            url = sqs.get_queue_url(QueueName=policy["queue_url"].rpartition("/")[2])["QueueUrl"]
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy["policy"]})
        for policy in self.of_type("aws_sns_topic_policy"):
            sns.set_topic_attributes(TopicArn=policy["arn"], AttributeName="Policy", AttributeValue=policy["policy"])
        for subscription in self.of_type("aws_sns_topic_subscription"):
            raw = {"RawMessageDelivery": json.dumps(subscription["raw_message_delivery"])} if "raw_message_delivery" in subscription else {}
            sns.subscribe(TopicArn=subscription["topic_arn"], Protocol=subscription["protocol"], Endpoint=subscription["endpoint"], Attributes=raw)
        for target in self.of_type("aws_cloudwatch_event_target"):
            group = {"SqsParameters": {"MessageGroupId": target["sqs_target"][0]["message_group_id"]}} if "sqs_target" in target else {}
            events.put_targets(Rule=target["rule"], Targets=[{"Id": target["target_id"], "Arn": target["arn"], **group}])
        for notification in self.of_type("aws_s3_bucket_notification"):
            s3.put_bucket_notification_configuration(Bucket=notification["bucket"], NotificationConfiguration=notification_of(notification))
        for lifecycle in self.of_type("aws_s3_bucket_lifecycle_configuration"):
            s3.put_bucket_lifecycle_configuration(Bucket=lifecycle["bucket"], LifecycleConfiguration={"Rules": [
                {"ID": rule["id"], "Status": rule["status"], "Filter": {"Prefix": rule["filter"][0]["prefix"]},
                 "Expiration": {"Days": rule["expiration"][0]["days"]}} for rule in lifecycle["rule"]]})


def notification_of(notification):
    found = {"EventBridgeConfiguration": {}} if notification.get("eventbridge") else {}
    for kind in ("topic", "queue"):
        for entry in notification.get(kind, []):
            assert set(entry) <= {"id", f"{kind}_arn", "events", "filter_prefix", "filter_suffix"}
            rules = [{"Name": name, "Value": entry[f"filter_{name}"]} for name in ("prefix", "suffix") if f"filter_{name}" in entry]
            found.setdefault(f"{kind.title()}Configurations", []).append(
                {"Id": entry["id"], f"{kind.title()}Arn": entry[f"{kind}_arn"], "Events": entry["events"],
                 **({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})})
    return found
