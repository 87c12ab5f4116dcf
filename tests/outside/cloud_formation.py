"""As much of CloudFormation as deploy/cloudformation.yaml and `thumbwheel provision --emit cloudformation` need: its functions, and its
resources in the embedded cloud.

Anything else in the template is an error, so that nothing is ignored. Service is the API that `aws cloudformation deploy` calls.
"""
import json
import re

import yaml

from metadata import Fake


class Template:
    def __init__(self, document, values):
        """values: of parameters and of pseudo parameters such as AWS::Region."""
        self.document = document
        defaults = {name: parameter["Default"] for name, parameter in document["Parameters"].items() if "Default" in parameter}
        self.values = defaults | values
        assert not set(document["Parameters"]) - set(self.values), "a parameter has no value"

    def of_type(self, kind):
        """The properties of the resources of a type, by logical name, of those whose condition is true."""
        return {name: self.resolve(resource.get("Properties", {})) for name, resource in self.document["Resources"].items()
                if resource["Type"] == kind and self.holds(resource.get("Condition"))}

    def outputs(self):
        return {name: self.resolve(output["Value"]) for name, output in self.document["Outputs"].items() if self.holds(output.get("Condition"))}

    def holds(self, condition):
        return condition is None or self.resolve(self.document["Conditions"][condition])

    def resolve(self, value):
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            if name == "Ref":
                return self.reference(argument)
            if name.startswith("Fn::"):
                return getattr(self, name.removeprefix("Fn::").lower())(argument)
        return {key: self.resolve(item) for key, item in value.items()}

    # ---- the functions ----

    def reference(self, name):
        if name in self.values:
            return self.values[name]
        kind = self.document["Resources"][name]["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{self.values['AWS::Region']}.amazonaws.com/{self.values['AWS::AccountId']}/{self.name_of(name)}"
        return self.name_of(name) if kind in ("AWS::S3::Bucket", "AWS::IAM::Role") else self.getatt([name, "Arn"])

    def getatt(self, argument):
        name, attribute = argument
        kind = self.document["Resources"][name]["Type"]
        if (kind, attribute) == ("AWS::SQS::Queue", "QueueName"):
            return self.name_of(name)
        assert attribute == "Arn", argument
        region, account = self.values["AWS::Region"], self.values["AWS::AccountId"]
        places = {"AWS::SQS::Queue": f"sqs:{region}:{account}:", "AWS::SNS::Topic": f"sns:{region}:{account}:",
                  "AWS::Events::Rule": f"events:{region}:{account}:rule/", "AWS::IAM::Role": f"iam::{account}:role/",
                  "AWS::IAM::InstanceProfile": f"iam::{account}:instance-profile/"}
        assert kind in places, f"the ARN of {name} is not known"
        return f"arn:{self.values['AWS::Partition']}:{places[kind]}{self.name_of(name)}"

    def name_of(self, name):
        """A resource without a name gets one from CloudFormation."""
        properties = self.resolve(self.document["Resources"][name].get("Properties", {}))
        names = [properties[key] for key in ("QueueName", "TopicName", "BucketName", "RoleName", "Name") if key in properties]
        return names[0] if names else name

    def sub(self, text):
        """A policy that is written as a text, because its keys contain a parameter, is an object for AWS, too."""
        text = re.sub(r"\$\{([\w:]+)\}", lambda found: self.reference(found[1]), text)
        return json.loads(text) if text.lstrip().startswith("{") else text

    def equals(self, argument):
        first, second = self.resolve(argument)
        return first == second

    def __getattr__(self, name):
        if name == "if":  # a keyword
            return self.choose
        if name == "not":
            return lambda argument: not self.resolve(argument[0])
        if name == "and":
            return lambda argument: all(self.resolve(argument))
        raise AttributeError(name)

    def choose(self, argument):
        condition, yes, no = argument
        return self.resolve(yes if self.resolve(self.document["Conditions"][condition]) else no)

    # ---- the resources ----

    def create(self, client):
        """Creates what the embedded cloud has; client(service) gives its clients."""
        s3, sqs, sns, events = (client(service) for service in ("s3", "sqs", "sns", "events"))
        urls = {}
        for name, properties in sorted(self.of_type("AWS::SQS::Queue").items(), key=lambda item: "RedrivePolicy" in item[1]):
            attributes = {key: json.dumps(value) if isinstance(value, (dict, bool)) else str(value)
                          for key, value in properties.items() if key != "QueueName"}
            urls[self.reference(name)] = sqs.create_queue(QueueName=properties["QueueName"], Attributes=attributes)["QueueUrl"]
        for properties in self.of_type("AWS::SQS::QueuePolicy").values():
            for queue in properties["Queues"]:
                sqs.set_queue_attributes(QueueUrl=urls[queue], Attributes={"Policy": json.dumps(properties["PolicyDocument"])})
        for properties in self.of_type("AWS::SNS::Topic").values():
            if "TopicName" in properties:  # the other one is for alarms
                assert set(properties) <= {"TopicName", "FifoTopic"}
                sns.create_topic(Name=properties["TopicName"], Attributes={"FifoTopic": "true"} if properties.get("FifoTopic") else {})
        for properties in self.of_type("AWS::SNS::TopicPolicy").values():
            for topic in properties["Topics"]:
                sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy",
                                         AttributeValue=json.dumps(properties["PolicyDocument"]))
        for properties in self.of_type("AWS::SNS::Subscription").values():
            raw = {"RawMessageDelivery": json.dumps(properties.pop("RawMessageDelivery"))} if "RawMessageDelivery" in properties else {}
            sns.subscribe(**properties, Attributes=raw)
        for properties in self.of_type("AWS::Events::Rule").values():
            targets = properties.pop("Targets")
            events.put_rule(**properties | {"EventPattern": json.dumps(properties["EventPattern"])})
            events.put_targets(Rule=properties["Name"], Targets=targets)
        for properties in self.of_type("AWS::S3::Bucket").values():
            self.create_bucket(s3, properties)

    def create_bucket(self, s3, properties):
        """The API has other names for a few of the template's properties."""
        bucket = properties["BucketName"]
        s3.create_bucket(Bucket=bucket)
        if "VersioningConfiguration" in properties:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=properties["VersioningConfiguration"])
        if "NotificationConfiguration" in properties:
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration=notification_of(properties["NotificationConfiguration"]))
        if "LifecycleConfiguration" in properties:
            s3.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration={"Rules": [lifecycle_of(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]})
        known = {"BucketName", "VersioningConfiguration", "NotificationConfiguration", "LifecycleConfiguration",
                 "PublicAccessBlockConfiguration"}
        assert set(properties) <= known, "a property of the bucket is ignored"


def notification_of(configuration):
    assert set(configuration) <= {"TopicConfigurations", "QueueConfigurations", "EventBridgeConfiguration"}
    found = {"EventBridgeConfiguration": {}} if "EventBridgeConfiguration" in configuration else {}
    for kind in ("Topic", "Queue"):
        for item in configuration.get(f"{kind}Configurations", []):
            filtered = {"Filter": {"Key": {"FilterRules": item["Filter"]["S3Key"]["Rules"]}}} if "Filter" in item else {}
            found.setdefault(f"{kind}Configurations", []).append({f"{kind}Arn": item[kind], "Events": [item["Event"]], **filtered})
    return found


def lifecycle_of(rule):
    expiration = {"Expiration": {"Days": rule["ExpirationInDays"]}} if "ExpirationInDays" in rule else {}
    return {"ID": rule["Id"], "Filter": {"Prefix": rule.get("Prefix", "")}, **expiration,
            **{key: rule[key] for key in rule if key not in ("Id", "Prefix", "ExpirationInDays")}}


class Service:
    """CloudFormation's API on loopback. deployed: the template, parameters and capabilities of each executed change set."""

    def __init__(self):
        self.deployed, self.waiting = [], None

        self.fake = Fake(lambda request: self.answer(request.form))
        self.endpoint = self.fake.url

    def stop(self):
        self.fake.close()

    def answer(self, form):
        action = form["Action"]
        if action == "DescribeStacks" and not self.deployed:
            return 400, ("<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id "
                         f"{form['StackName']} does not exist</Message></Error></ErrorResponse>")
        result = {
            "DescribeStacks": "<Stacks><member><StackName>s</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>"
                              "<StackStatus>CREATE_COMPLETE</StackStatus></member></Stacks>",
            "CreateChangeSet": "<Id>change</Id><StackId>stack</StackId>",
            "DescribeChangeSet": "<Status>CREATE_COMPLETE</Status>", "ExecuteChangeSet": ""}[action]
        if action == "CreateChangeSet":
            self.waiting = form
        elif action == "ExecuteChangeSet":
            self.deployed.append(self.accept(self.waiting))
        return 200, f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"

    @staticmethod
    def accept(form):
        members = {number for key in form for number in re.findall(r"^Parameters\.member\.(\d+)\.ParameterKey$", key)}
        parameters = {form[f"Parameters.member.{number}.ParameterKey"]: form[f"Parameters.member.{number}.ParameterValue"]
                      for number in members if f"Parameters.member.{number}.ParameterValue" in form}
        capabilities = [value for key, value in form.items() if key.startswith("Capabilities.member.")]
        return yaml.safe_load(form["TemplateBody"]), parameters, capabilities
