"""`thumbwheel provision --emit`: the templates are valid, and make what `provision` makes; the role has what the engine needs, and no more."""
import fnmatch
import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest
import yaml

import harness
from cloud_formation import Template
from harness import ACCOUNT, REGION, ROOT, aws_environment, clean_environment, jpeg, thumbwheel, until
from terraform import Module

PIPELINES = {
    "web": 'name: {name}web\nqueue: {name}web-queue\nmatch: {{ prefix: [in/a/, in/b/] }}\noutputs: [{{ key: "web/{{name}}", width: 16, format: jpeg }}]\n',
    "small": 'name: {name}small\nqueue: {name}small-queue\nvisibility: 90\nmatch: {{ prefix: in/c/ }}\n'
             'outputs: [{{ bucket: {name}out, key: "s/{{stem}}.png", width: 8, format: png, tags: {{ a: b }} }}]\n'
             'labels: {{ sidecar: "labels/{{name}}.json" }}\n',
    "fifo": 'name: {name}fifo\nqueue: {name}in-order.fifo\nmatch: {{ prefix: in/ }}\noutputs: [{{ bucket: {name}out, key: "f/{{name}}", width: 8, format: png }}]\n',
}
# What a pipeline notifies is made in the account and region of its ARN.
NOTIFY = {"topic": f"topic: arn:aws:sns:{REGION}:{ACCOUNT}:{{name}}ready.fifo", "queue": "queue: {name}ready-queue",
          "far": "topic: arn:aws:sns:eu-central-1:999999999999:{name}far"}
PIPELINES |= {f"tells-{kind}": f"name: {{name}}{kind}\nqueue: {{name}}{kind}-queue\nmatch: {{{{ prefix: in/{kind}/ }}}}\n"
                               f'outputs: [{{{{ key: "{kind}/{{{{name}}}}", width: 16, format: jpeg }}}}]\nnotify: {{{{ {target} }}}}\n'
              for kind, target in NOTIFY.items()}
# Each way, with the set-ups (d) and (e) of the documentation.
CASES = {
    "sns": (["web", "small"], ["--via", "sns", "--suffix", ".jpg", "--lifecycle-days", "30", "--max-receives", "7"]),
    "eventbridge": (["web", "small", "fifo"], ["--via", "eventbridge"]),
    "notify": ([f"tells-{kind}" for kind in NOTIFY], ["--via", "sqs", "--retention", "2d"]),
    "set-up-d": (["small"], ["--via", "eventbridge", "--max-receives", "3", "--lifecycle-days", "7"]),
    "set-up-e": (["web"], ["--via", "sqs", "--prefix", "in/", "--retention", "14d", "--visibility", "360s", "--max-receives", "5"]),
}
FORMS = ("cloudformation", "terraform")
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}


def start_cloud(folder, pipelines):
    cloud = harness.Cloud(folder / "data", "--cloud-only", "--pipelines", pipelines)
    return SimpleNamespace(cloud=cloud, folder=folder, **{service: cloud.client(service) for service in ("s3", "sqs", "sns", "events")})


@pytest.fixture(scope="module")
def world(tmp_path_factory, idle_pipelines):
    world = start_cloud(tmp_path_factory.mktemp("emit"), idle_pipelines)
    yield world
    world.cloud.stop()
    harness.assert_healthy(world.cloud.output())


def command(world, case, name, *more):
    """The command for a case, whose names all begin with `name`, which is as long for each."""
    pipelines, options = CASES[case]
    arguments = ["provision", "--bucket", f"{name}photos", "--name", f"{name}events", *options]
    for pipeline in pipelines:
        file = world.folder / f"{name}{pipeline}.yaml"
        file.write_text(PIPELINES[pipeline].format(name=name))
        arguments += ["--pipelines", file]
    return arguments + list(more)


def names_of(case):
    """Of each way to make the case."""
    number = list(CASES).index(case)
    return {way: f"{letter}{number}-" for way, letter in (("provision", "p"), ("cloudformation", "c"), ("terraform", "t"))}


def emit(world, case, form, name):
    done = thumbwheel(*command(world, case, name, "--emit", form))  # without credentials, region or cloud
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def made(world):
    """Runs provision for a case, once."""
    done = set()

    def make(case):
        if case not in done:
            found = thumbwheel(*command(world, case, names_of(case)["provision"], "--endpoint", world.cloud.endpoint, "--yes"),
                               environment=aws_environment())
            assert found.returncode == 0, found.stderr
            done.add(case)

    return make


@pytest.fixture(scope="module")
def templates(world):
    """The templates of all cases, as texts."""
    return {(case, form): emit(world, case, form, names_of(case)[form]) for case in CASES for form in FORMS}


@pytest.fixture(scope="module")
def read(templates, world):
    """What tests/js/templates.mjs says of all of them, and of wrong ones: a model that accepts everything proves nothing."""
    documents = [{"name": f"{case} {form}", "format": form, "value": yaml.safe_load(text) if form == "cloudformation" else text}
                 for (case, form), text in templates.items()]
    wrong = {
        "an unknown property": lambda resources: resources["Bucket"]["Properties"].update(Bucket="x"),
        "a property of another type": lambda resources: resources["Bucket"]["Properties"].update(BucketName=["x"]),
        "a missing property": lambda resources: resources["Role"].update(Properties={}),
        "an unknown type": lambda resources: resources["Role"].update(Type="AWS::IAM::Rolle"),
    }
    for name, spoil in wrong.items():
        document = yaml.safe_load(templates["sns", "cloudformation"])
        spoil(document["Resources"])
        documents.append({"name": name, "format": "cloudformation", "value": document})
    documents.append({"name": "not HCL", "format": "terraform", "value": templates["sns", "terraform"].replace("]", "", 1)})
    (world.folder / "documents.json").write_text(json.dumps(documents))
    done = subprocess.run(["node", "templates.mjs", world.folder / "documents.json"], cwd=ROOT / "tests/js", env=clean_environment(),
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name in [*wrong, "not HCL"]:
        assert found.pop(name)["problems"], f"accepted: {name}"
    return found


def module(read, case, **values):
    return Module(read[f"{case} terraform"]["value"], values)


def template(templates, case, **values):
    return Template(yaml.safe_load(templates[case, "cloudformation"]), PSEUDO | values)


@pytest.mark.parametrize("case", CASES)
def test_the_schemas_accept_the_templates(case, read):
    for form in FORMS:
        assert read[f"{case} {form}"]["problems"] == []


# ---- the same resources ----

def plain(value, name):
    """Without what differs by design: the names' beginning, the Sid, which is made of the source's name, and ids that CloudFormation
    generates."""
    text = json.dumps(value, sort_keys=True).replace(name, "n-")
    text = re.sub(r'Thumbwheel[0-9a-f]{16}', "SID", text)
    return json.loads(text)


def notifications(world, bucket):
    found = world.s3.get_bucket_notification_configuration(Bucket=bucket)
    found.pop("ResponseMetadata")
    for kind, entries in found.items():
        if isinstance(entries, list):
            for entry in entries:
                entry.pop("Id")
                for rule in entry.get("Filter", {}).get("Key", {}).get("FilterRules", []):
                    rule["Name"] = rule["Name"].lower()
            entries.sort(key=json.dumps)
    return found


def lifecycle(world, bucket):
    try:
        return sorted(world.s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"], key=lambda rule: rule["ID"])
    except world.s3.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration"


def queue(world, url):
    found = world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    for json_text in ("Policy", "RedrivePolicy"):
        if json_text in found:
            found[json_text] = json.loads(found[json_text])
    return {key: value for key, value in found.items() if "Timestamp" not in key}


def topic(world, arn):
    found = world.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    subscriptions = [world.sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])["Attributes"]
                     for each in world.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]]
    kept = ("Protocol", "Endpoint", "RawMessageDelivery", "FilterPolicy")
    # SNS gives each topic a statement for its owner, which a template replaces; the owner's identities have their own policies.
    statements = [each for each in json.loads(found["Policy"])["Statement"] if each["Sid"] != "__default_statement_ID"]
    return {"policy": statements, "subscriptions": sorted(
        ({key: each[key] for key in kept if key in each} for each in subscriptions), key=json.dumps)}


def rule(world, name):
    found = world.events.describe_rule(Name=name)
    return {"pattern": json.loads(found["EventPattern"]), "state": found["State"],
            "targets": world.events.list_targets_by_rule(Rule=name)["Targets"]}


def snapshot(world, name):
    """Everything in the cloud whose name begins so."""
    buckets = [each["Name"] for each in world.s3.list_buckets()["Buckets"] if each["Name"].startswith(name)]
    urls = world.sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", [])
    arns = [each["TopicArn"] for each in world.sns.list_topics()["Topics"] if each["TopicArn"].rpartition(":")[2].startswith(name)]
    rules = [each["Name"] for each in world.events.list_rules(NamePrefix=name)["Rules"]]
    return plain({"buckets": {bucket: [notifications(world, bucket), lifecycle(world, bucket)] for bucket in buckets},
                  "queues": {url.rpartition("/")[2]: queue(world, url) for url in urls},
                  "topics": {arn: topic(world, arn) for arn in arns}, "rules": {each: rule(world, each) for each in rules}}, name)


@pytest.mark.parametrize("case", CASES)
def test_the_templates_make_what_provision_makes(case, world, made, templates, read):
    names = names_of(case)
    made(case)
    template(templates, case).create(world.cloud.client)
    module(read, case).create(world.cloud.client)
    expected = snapshot(world, names["provision"])
    assert expected["queues"] and expected["buckets"]
    assert snapshot(world, names["cloudformation"]) == expected
    assert snapshot(world, names["terraform"]) == expected
    # Sids and ids are the same, too, so provision finds nothing to do. (CloudFormation chooses the ids of notifications.)
    again = thumbwheel(*command(world, case, names["terraform"], "--endpoint", world.cloud.endpoint, "--dry-run", "--json"),
                       environment=aws_environment())
    assert {each["action"] for each in json.loads(again.stdout)["resources"]} == {"keep"}, again.stdout


def test_targets_of_notifications_are_made_where_they_are(world, made, templates, read):
    """Once, and as they are; a template that is applied elsewhere, and a target that is elsewhere, are left alone."""
    names = names_of("notify")
    made("notify")
    dry = thumbwheel(*command(world, "notify", names["provision"], "--endpoint", world.cloud.endpoint, "--dry-run", "--json"),
                     environment=aws_environment())
    plan = json.loads(dry.stdout)
    assert {each["action"] for each in plan["resources"]} == {"keep"}
    found = snapshot(world, names["provision"])
    assert [arn.rpartition(":")[2] for arn in found["topics"]] == ["n-ready.fifo"]
    assert found["queues"]["n-ready-queue"]["MessageRetentionPeriod"] == str(2 * 24 * 3600)
    assert len(plan["notes"]) == 1 and "999999999999" in plan["notes"][0] and "another account or region" in plan["notes"][0]
    here, there = template(templates, "notify"), template(templates, "notify", **{"AWS::Region": "eu-central-1"})
    assert [each.get("FifoTopic") for each in here.of_type("AWS::SNS::Topic").values()] == [True] and not there.of_type("AWS::SNS::Topic")
    assert {key for key in here.outputs() if "Ready" in key and key.endswith("Arn")} and not [key for key in there.outputs() if key.endswith("FifoTopicArn")]
    other = module(read, "notify")
    assert [each["name"] for each in other.of_type("aws_sns_topic")] == [f"{names['terraform']}ready.fifo"]
    assert [value for key, value in other.outputs().items() if key.endswith("ready_fifo_arn")] == [
        f"arn:aws:sns:{REGION}:{ACCOUNT}:{names['terraform']}ready.fifo"]


# ---- parameters, outputs, alarms ----

def test_names_and_times_are_parameters(templates, read):
    values = {"BucketName": "mine", "RetentionSeconds": 777, "DeadLetterRetentionSeconds": 888, "MaxReceives": 9, "ExpirationDays": 5}
    stack = template(templates, "sns", **values)
    other = module(read, "sns", bucket_name="mine", retention_seconds=777, dead_letter_retention_seconds=888, max_receives=9, expiration_days=5)
    queues = list(stack.of_type("AWS::SQS::Queue").values())
    assert sorted({each["MessageRetentionPeriod"] for each in queues}) == [777, 888]
    assert {each["RedrivePolicy"]["maxReceiveCount"] for each in queues if "RedrivePolicy" in each} == {9}
    assert sorted({each["message_retention_seconds"] for each in other.of_type("aws_sqs_queue")}) == [777, 888]
    assert stack.of_type("AWS::S3::Bucket")["Bucket"]["BucketName"] == "mine" == other.of_type("aws_s3_bucket")[0]["bucket"]
    days = [each["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"]
            for each in stack.of_type("AWS::S3::Bucket").values() if "LifecycleConfiguration" in each]
    assert days == [5, 5] == [each["rule"][0]["expiration"][0]["days"] for each in other.of_type("aws_s3_bucket_lifecycle_configuration")]
    for policy in (stack.of_type("AWS::IAM::Role")["Role"]["Policies"][0]["PolicyDocument"], json.loads(other.of_type("aws_iam_role_policy")[0]["policy"])):
        assert "arn:aws:s3:::mine/in/a/*" in json.dumps(policy) and "photos" not in json.dumps(policy)


def test_outputs_say_what_was_made(templates, read):
    name = names_of("sns")["cloudformation"]
    outputs = template(templates, "sns", TrustedService="ec2.amazonaws.com").outputs()
    assert outputs["BucketName"] == f"{name}photos" and outputs["TopicArn"] == f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}events"
    urls = {key: value.rpartition("/")[2] for key, value in outputs.items() if key.endswith("Url")}
    assert sorted(urls.values()) == sorted(f"{name}{queue}-queue{dead}" for queue in ("web", "small") for dead in ("", "-dlq"))
    assert outputs["RoleArn"].startswith("arn:aws:iam::") and "instance-profile" in outputs["InstanceProfileArn"]
    assert "InstanceProfileArn" not in template(templates, "sns").outputs()
    other = module(read, "sns").outputs()
    urls = sorted(value.rpartition("/")[2].removeprefix(names_of("sns")["terraform"]) for key, value in other.items() if key.endswith("_url"))
    assert urls == ["small-queue", "small-queue-dlq", "web-queue", "web-queue-dlq"]
    assert other["topic_arn"].endswith("events") and other["role_arn"] and other["bucket_name"].endswith("photos")
    assert other["instance_profile_arn"] is None


def test_alarms_are_optional(templates, read):
    stack, other = template(templates, "sns"), module(read, "sns")
    assert not stack.of_type("AWS::CloudWatch::Alarm") and "AlarmTopic" not in stack.of_type("AWS::SNS::Topic")
    assert not other.of_type("aws_cloudwatch_metric_alarm") and len(other.of_type("aws_sns_topic")) == 1
    stack, other = template(templates, "sns", AlarmEmail="ops@example.com"), module(read, "sns", alarm_email="ops@example.com")
    assert stack.of_type("AWS::SNS::Topic")["AlarmTopic"]["Subscription"] == [{"Protocol": "email", "Endpoint": "ops@example.com"}]
    assert [each["endpoint"] for each in other.of_type("aws_sns_topic_subscription") if each["protocol"] == "email"] == ["ops@example.com"]
    topic_arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:ops"
    stack, other = template(templates, "sns", AlarmTopicArn=topic_arn), module(read, "sns", alarm_topic_arn=topic_arn)
    assert "AlarmTopic" not in stack.of_type("AWS::SNS::Topic") and len(other.of_type("aws_sns_topic")) == 1
    found = sorted((each["Dimensions"][0]["Value"].partition("-")[2], each["MetricName"], each["Threshold"], tuple(each["AlarmActions"]))
                   for each in stack.of_type("AWS::CloudWatch::Alarm").values())
    assert found == sorted((each["dimensions"]["QueueName"].partition("-")[2], each["metric_name"], each["threshold"], tuple(each["alarm_actions"]))
                           for each in other.of_type("aws_cloudwatch_metric_alarm"))
    assert found == sorted([(f"{queue}-queue-dlq", "ApproximateNumberOfMessagesVisible", 0, (topic_arn,)) for queue in ("web", "small")]
                           + [(f"{queue}-queue", "ApproximateAgeOfOldestMessage", 900, (topic_arn,)) for queue in ("web", "small")])


# ---- the role ----

def iam_policy(world, case, name):
    done = thumbwheel(*command(world, case, name, "--emit", "iam-policy", "--endpoint", world.cloud.endpoint), environment=aws_environment())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def policies(world):
    return {case: iam_policy(world, case, names_of(case)["provision"]) for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_the_roles_have_the_policy_that_is_printed(case, policies, templates, read):
    names = names_of(case)
    expected = plain(policies[case], names["provision"])
    role = template(templates, case).of_type("AWS::IAM::Role")["Role"]
    assert plain(role["Policies"][0]["PolicyDocument"], names["cloudformation"]) == expected
    other = module(read, case)
    assert plain(json.loads(other.of_type("aws_iam_role_policy")[0]["policy"]), names["terraform"]) == expected
    trusts = [role["AssumeRolePolicyDocument"], json.loads(other.of_type("aws_iam_role")[0]["assume_role_policy"])]
    assert trusts[0] == trusts[1] and trusts[0]["Statement"][0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


def test_the_engine_may_notify_exactly_its_targets(policies):
    name = names_of("notify")["provision"]
    granted = {statement["Sid"]: (statement["Action"], statement["Resource"]) for statement in policies["notify"]["Statement"]}
    assert granted["NotifyTopics"] == (["sns:Publish"], [f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}ready.fifo", f"arn:aws:sns:eu-central-1:999999999999:{name}far"])
    assert granted["NotifyQueues"] == (["sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SendMessage"], [harness.queue_arn(f"{name}ready-queue")])
    assert "NotifyBuses" not in granted


def test_aws_has_the_actions_of_the_policies(policies, tmp_path):
    """AWS's grammar of policies, and its list of actions, as tests/js/deploy.mjs knows them."""
    values = [{"name": case, "format": "policy", "value": policy} for case, policy in policies.items()]
    (tmp_path / "values.json").write_text(json.dumps(values))
    done = subprocess.run(["node", "deploy.mjs", tmp_path / "values.json"], cwd=ROOT / "tests/js", env=clean_environment(), capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {case: [] for case in CASES}


# What IAM calls the operations of the request log.
ACTIONS = {"HeadObject": "GetObject", "DeleteMessageBatch": "DeleteMessage", "ChangeMessageVisibilityBatch": "ChangeMessageVisibility"}
# ListBucket is no request: it decides whether S3 answers 404 or 403. A request for a version is the same operation as one without.
# A message's visibility is changed when its work takes long or is put off.
WITHOUT_A_REQUEST = {"s3:ListBucket", "s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:PutObjectVersionTagging",
                     "sqs:ChangeMessageVisibility"}


def allowing(policy, line):
    """The actions of the policy's statements that allow a request."""
    service = line["service"].lower()
    action = f"{service}:{ACTIONS.get(line['operation'], line['operation'])}"
    arn = f"arn:aws:s3:::{line['resource']}/{line['key']}" if service == "s3" else harness.queue_arn(line["resource"])
    return {action for statement in policy["Statement"] if action in statement["Action"]
            and any(fnmatch.fnmatchcase(arn, pattern) for pattern in statement["Resource"])}


def test_the_policy_has_what_a_run_needs_and_no_more(world, made, policies, start):
    """Photos that succeed, that are replaced, and that are rejected: each request of the engine is allowed, and each action is used."""
    name = names_of("eventbridge")["provision"]
    made("eventbridge")
    options = command(world, "eventbridge", name)
    policy, photos = policies["eventbridge"], f"{name}photos"
    for key in ("in/a/1.jpg", "in/a/1.jpg", "in/c/2.jpg", "in/c/2.jpg"):  # the second one finds the outputs of the first
        world.s3.put_object(Bucket=photos, Key=key, Body=jpeg(40, 30))
    world.s3.put_object(Bucket=photos, Key="in/a/bad.jpg", Body=b"not a photo")
    until(lambda: world.cloud.requests("PutObject", key="in/a/bad.jpg"), "the request log has all requests of the test")
    before = len(world.cloud.requests())
    files = [each for pair in zip(options, options[1:]) if pair[0] == "--pipelines" for each in pair]
    engine = start("run", "--endpoint", world.cloud.endpoint, *files, "--wait", "1s", "--workers", "1", "--isolation", "thread",
                   environment=aws_environment())

    def done():
        """The rejected photo is in two dead-letter queues, and all messages are deleted."""
        lines = world.cloud.requests()[before:]
        deleted = [line for line in lines if line["operation"].startswith("DeleteMessage")]
        return (len([line for line in lines if line["operation"] == "SendMessage"]) == 2 and lines[-1]["operation"] == "ReceiveMessage"
                and {line["resource"] for line in deleted} == {f"{name}web-queue", f"{name}small-queue", f"{name}in-order.fifo"}
                and len([line for line in lines if line["operation"] == "PutObject"]) >= 8) and lines

    until(done, "all photos are processed")
    assert engine.stop() == 0
    lines = world.cloud.requests()[before:]
    refused = [line for line in lines if not allowing(policy, line)]
    assert not refused
    used = {action for line in lines for action in allowing(policy, line)}
    listed = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert sorted(listed - used - WITHOUT_A_REQUEST) == []


# ---- tools ----

def test_the_tools_accept_the_templates(templates, tmp_path):
    """cfn-lint and terraform, where they are installed. validate needs the provider, which init downloads."""
    for case in CASES:
        (tmp_path / f"{case}.tf").write_text(templates[case, "terraform"])
        (tmp_path / f"{case}.yaml").write_text(templates[case, "cloudformation"])
    ran = False
    for tool, arguments in (("cfn-lint", ["cfn-lint", *(f"{case}.yaml" for case in CASES)]),
                            ("terraform", ["terraform", "fmt", "-check", "-diff", *(f"{case}.tf" for case in CASES)])):
        if shutil.which(tool) and subprocess.run([tool, "--version"], capture_output=True, timeout=60, check=False).returncode == 0:
            done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
            ran = True
    if not ran:
        pytest.skip("neither cfn-lint nor terraform is installed")


def test_emit_is_no_dry_run(world):
    done = thumbwheel(*command(world, "sns", "u0-", "--emit", "terraform", "--yes"))
    assert done.returncode == 2 and "--emit" in done.stderr and not done.stdout
    done = thumbwheel(*command(world, "sns", "u0-", "--emit", "pulumi"))
    assert done.returncode == 2 and "cloudformation" in done.stderr
