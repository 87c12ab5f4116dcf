"""Who may come in: access keys, signatures, and who one is."""
import pytest

import harness
from harness import ACCOUNT, aws, error_code


def test_the_default_key_is_the_account(cloud):
    identity = cloud.client("sts").get_caller_identity()
    assert identity["Account"] == identity["UserId"] == ACCOUNT
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert aws(cloud.endpoint, "sts", "get-caller-identity")["Account"] == ACCOUNT


def test_sts_refuses_the_rest_by_name(cloud):
    sts = cloud.client("sts")
    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    assert error_code(sts.assume_role, RoleArn=role, RoleSessionName="me") == ("NotImplemented", 501)
    assert error_code(sts.get_session_token) == ("NotImplemented", 501)
