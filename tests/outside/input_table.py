"""docs/inputs.md, and the models that it must agree with."""
import json
import re
import subprocess

import botocore.session

from harness import ROOT

SERVICES = {"S3": "s3", "S3 Control": "s3control", "SQS": "sqs", "SNS": "sns", "EventBridge": "events", "Rekognition": "rekognition", "STS": "sts"}
COLUMNS = ("honoured", "ignored", "refused")


def table():
    """{service: {operation or structure: {column: members}}}"""
    found = {}
    for title, text in re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", (ROOT / "docs/inputs.md").read_text(), re.MULTILINE | re.DOTALL):
        rows = re.findall(r"^\| (\w+) \| (.*?) ?\| (.*?) ?\| (.*?) ?\|$", text, re.MULTILINE)
        found[SERVICES[title]] = {name: dict(zip(COLUMNS, ([m for m in cell.strip().split(", ") if m] for cell in cells)))
                                  for name, *cells in rows if name not in ("operation", "structure")}
        reasons = set(re.findall(r"^\| (\w+) \| [A-Z][^|]*\. \|$", text, re.MULTILINE))
        ignored = {member for row in found[SERVICES[title]].values() for member in row["ignored"]}
        assert reasons == ignored, f"{title}: reasons without a member, or members without a reason: {reasons ^ ignored}"
    return found


# Operations of S3 Control, which docs/operations.md lists among those of S3.
CONTROL = {"ListTagsForResource", "TagResource", "UntagResource"}


def supported():
    """{service: its operations}, of docs/operations.md, which another test compares with the program"""
    sections = re.split(r"^### (.+)$", (ROOT / "docs/operations.md").read_text(), flags=re.MULTILINE)[1:]
    found = {SERVICES[title]: set(re.findall(r"(?<=\| )\w+", section)) for title, section in zip(sections[::2], sections[1::2])
             if title in SERVICES}
    return {**found, "s3": found["s3"] - CONTROL, "s3control": found["s3"] & CONTROL}


def newest():
    """The models of the AWS SDK for JavaScript: see input_members.mjs."""
    folder = ROOT / "tests/js"
    done = subprocess.run(["node", "input_members.mjs"], cwd=folder, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


def _nested(shape, found):
    if shape.type_name == "list":
        _nested(shape.member, found)
    elif shape.type_name == "map":
        _nested(shape.value, found)
    elif shape.type_name == "structure" and shape.name not in found:
        found[shape.name] = set(shape.members)
        for member in shape.members.values():
            _nested(member, found)


def installed(service):
    """Debian's botocore, whose structures may have other names: ({operation: members}, the members of all structures)"""
    model = botocore.session.get_session().get_service_model(service)
    operations, structures = {}, {}
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        operations[name] = set(shape.members) if shape else set()
        for member in shape.members.values() if shape else ():
            _nested(member, structures)
    return operations, structures
