"""Checks responses against the service models in Debian's botocore: watch(client) checks each response to this client.

A response may contain only the members of the model, in the places and the forms that the model defines; an error code is
one that the model lists for the operation, or one of the lists below. botocore itself skips what it does not know.
"""
import json
import re
import xml.etree.ElementTree as ElementTree

# Errors that any operation of the query and JSON services may return: "Common Error Types" in each API reference.
COMMON = {"AccessDenied", "AccessDeniedException", "ExpiredToken", "IncompleteSignature", "InternalFailure",
          "InvalidAction", "InvalidClientTokenId", "InvalidParameterCombination", "InvalidParameterValue",
          "InvalidSecurity", "MalformedQueryString", "MissingAction", "MissingAuthenticationToken", "MissingParameter",
          "NotAuthorized", "OptInRequired", "RequestExpired", "ServiceUnavailable", "SignatureDoesNotMatch",
          "Throttling", "ThrottlingException", "UnrecognizedClientException", "ValidationError", "ValidationException"}

# "Error responses" in the S3 API reference; the model lists almost none of them.
S3 = {"AccessControlListNotSupported", "AccessDenied", "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "BadDigest",
      "BadRequest", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "BucketNotEmpty", "EntityTooLarge", "EntityTooSmall",
      "ExpiredToken", "IllegalLocationConstraintException", "IllegalVersioningConfigurationException", "IncompleteBody",
      "InternalError", "InvalidAccessKeyId", "InvalidArgument", "InvalidBucketAclWithObjectOwnership", "InvalidBucketName",
      "InvalidBucketOwnerAWSAccountID", "InvalidBucketState",
      "InvalidDigest", "InvalidObjectState", "InvalidLocationConstraint", "InvalidPart", "InvalidPartNumber", "InvalidPartOrder",
      "InvalidPolicyDocument", "InvalidRange", "InvalidRequest", "InvalidStorageClass", "InvalidTag",
      "InvalidTargetBucketForLogging", "InvalidToken", "InvalidURI",
      "KeyTooLongError", "MalformedACLError", "MalformedPolicy", "MalformedPOSTRequest", "MalformedXML",
      "MaxMessageLengthExceeded", "MetadataTooLarge", "MethodNotAllowed", "MissingContentLength",
      "MissingRequestBodyError", "MissingSecurityHeader", "NoSuchBucket", "NoSuchBucketPolicy",
      "NoSuchCORSConfiguration", "NoSuchKey", "NoSuchLifecycleConfiguration", "NoSuchTagSet", "NoSuchUpload",
      "NoSuchVersion", "NoSuchWebsiteConfiguration", "NotImplemented", "NoSuchPublicAccessBlockConfiguration",
      "OwnershipControlsNotFoundError", "PreconditionFailed", "ReplicationConfigurationNotFoundError",
      "RequestTimeTooSkewed", "RequestTimeout", "ServerSideEncryptionConfigurationNotFoundError",
      "ObjectLockConfigurationNotFoundError", "ServiceUnavailable", "SignatureDoesNotMatch", "SlowDown",
      "UnexpectedContent", "UnsupportedArgument", "XAmzContentSHA256Mismatch", "ConditionalRequestConflict",
      "UserKeyMustBeSpecified", "NotModified", "NoSuchConfiguration"}

# Errors in the API reference of SQS since it has the JSON protocol; Debian's model is older.
SQS = {"AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress", "InvalidAttributeName", "InvalidAttributeValue",
       "OverLimit", "RequestThrottled", "AWS.SimpleQueueService.UnsupportedOperation"}

# Members that were added since: (shape, member).
NEWER = {(shape, "ChecksumType") for shape in ("Checksum", "CompleteMultipartUploadOutput", "CopyObjectResult", "ListPartsOutput",
                                               "MultipartUpload", "Object", "ObjectVersion")} | {
    (shape, "ChecksumCRC64NVME") for shape in ("Checksum", "CompleteMultipartUploadOutput", "CopyObjectResult", "CopyPartResult",
                                               "ObjectPart", "Part")} | {
    (shape, member) for shape in ("EventBus", "DescribeEventBusResponse", "CreateEventBusResponse")
    for member in ("CreationTime", "LastModifiedTime", "Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")}

# S3 capitalises the name of a filter's rule, unlike its model, and lists old versions of every class; CRC64NVME was added since.
OTHERWISE = {("FilterRuleName", "Prefix"), ("FilterRuleName", "Suffix"), ("ObjectVersionStorageClass", "STANDARD_IA"), ("ObjectVersionStorageClass", "GLACIER"),
             ("ChecksumAlgorithm", "CRC64NVME")}

# Errors that a fault plan can inject for any service.
FAULTS = {"RequestThrottled", "RequestTimeTooSkewed", "SlowDown"}

NOT_HERE = "NotImplemented"  # ours: an operation or a parameter that the embedded cloud does not have
BARE = re.compile(r"[345]\d\d")  # a response without a body: botocore has only the status

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT|\d+(\.\d+)?")
XML_SCALARS = {"integer": re.compile(r"-?\d+"), "long": re.compile(r"-?\d+"), "boolean": re.compile("true|false"),
               "timestamp": TIME, "float": re.compile(r"-?\d+(\.\d+)?"), "double": re.compile(r"-?\d+(\.\d+)?")}
JSON_SCALARS = {"integer": int, "long": int, "boolean": bool, "float": (int, float), "double": (int, float),
                "timestamp": (int, float), "string": str, "blob": str}


def bare(element):
    return element.tag.rpartition("}")[2]


def check_text(text, shape, where):
    pattern = XML_SCALARS.get(shape.type_name)
    assert not pattern or pattern.fullmatch(text or ""), f"{where} is no {shape.type_name}: {text!r}"
    allowed = getattr(shape, "enum", None)
    fits = not allowed or text in allowed or (shape.name, text) in OTHERWISE
    assert fits, f"{where} is none of {allowed}: {text!r}"


def element_names(name, member):
    """What a member's elements are called: a flattened list's are its items."""
    serialization = member.serialization
    if member.type_name == "list" and serialization.get("flattened"):
        return {member.member.serialization.get("name"), serialization.get("name", name)} - {None}
    return {serialization.get("name", name)}


def check_xml(element, shape, where):
    if shape.type_name == "structure":
        members = {alias: member for name, member in shape.members.items() if "location" not in member.serialization
                   for alias in element_names(name, member)}
        for child in element:
            name = bare(child)
            if (shape.name, name) in NEWER:
                continue
            assert name in members, f"{where} has {name}, which {shape.name} has not"
            member = members[name]
            flat = member.type_name == "list" and member.serialization.get("flattened")
            check_xml(child, member.member if flat else member, f"{where}.{name}")
    elif shape.type_name == "list":
        wanted = shape.member.serialization.get("name", "member")
        for child in element:
            assert bare(child) == wanted, f"{where} has {bare(child)} for an item, not {wanted}"
            check_xml(child, shape.member, f"{where}[]")
    elif shape.type_name == "map":
        check_map(element, shape, where)
    else:
        assert not len(element), f"{where} has elements and is a {shape.type_name}"
        check_text(element.text, shape, where)


def check_map(element, shape, where):
    names = [shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")]
    for entry in [element] if shape.serialization.get("flattened") else element:
        assert [bare(child) for child in entry] == names, f"{where} has an entry of {[bare(child) for child in entry]}"
        check_xml(entry[1], shape.value, f"{where}[{entry[0].text}]")


def check_json(value, shape, where):
    if shape.type_name == "structure":
        assert isinstance(value, dict), f"{where} is no object"
        for name, inner in value.items():
            if (shape.name, name) in NEWER:
                continue
            assert name in shape.members, f"{where} has {name}, which {shape.name} has not"
            check_json(inner, shape.members[name], f"{where}.{name}")
        missing = [name for name in shape.required_members if name not in value]
        assert not missing, f"{where} lacks {missing}"
    elif shape.type_name == "list":
        assert isinstance(value, list), f"{where} is no list"
        for inner in value:
            check_json(inner, shape.member, f"{where}[]")
    elif shape.type_name == "map":
        for name, inner in value.items():
            check_json(inner, shape.value, f"{where}[{name}]")
    else:
        kind = JSON_SCALARS[shape.type_name]
        fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        assert fits, f"{where} is no {shape.type_name}: {value!r}"
        allowed = getattr(shape, "enum", None)
        assert not allowed or value in allowed, f"{where} is none of {allowed}: {value!r}"


def check_body(response, model):
    """The body of a response that botocore understood."""
    shape, protocol = model.output_shape, model.service_model.metadata["protocol"]
    payload = shape.serialization.get("payload") if shape else None
    if payload:
        shape = shape.members[payload]
    if shape is None or shape.type_name not in ("structure", "list") or not response.content:
        return
    if protocol == "json":
        check_json(json.loads(response.content), shape, model.name)
        return
    root = ElementTree.fromstring(response.content)
    if protocol == "query":
        assert bare(root) == f"{model.name}Response", f"{model.name} got the response {bare(root)}"
        root = next((child for child in root if bare(child) == shape.serialization.get("resultWrapper")), None)
        assert root is not None, f"{model.name} got a response without {shape.serialization.get('resultWrapper')}"
    check_xml(root, shape, model.name)


def codes_of(model):
    """The codes of the model's errors, which are not always their names."""
    return {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes} | \
           {shape.name for shape in model.error_shapes}


OTHERS = {"s3": S3, "sqs": COMMON | SQS}


def check_error(parsed, model):
    code = parsed["Error"]["Code"]
    known = codes_of(model) | {NOT_HERE} | FAULTS | OTHERS.get(model.service_model.service_name, COMMON)
    assert code in known or BARE.fullmatch(code), f"{model.name} got the error {code}"


def judge(http_response, parsed, model, **_):
    if http_response.status_code >= 300:
        check_error(parsed, model)
    else:
        check_body(http_response, model)


def watch(client):
    client.meta.events.register("after-call.*", judge)
    return client
