import botocore.exceptions
import pytest
from botocore import UNSIGNED
from conftest import Tenant


def code(error):
    return error.value.response["Error"]["Code"]


def test_root_key_creates_a_group_and_a_topic(root):
    logs, sns = root.client("logs"), root.client("sns")
    logs.create_log_group(logGroupName="/auth/test")
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix="/auth/")["logGroups"]] == ["/auth/test"]
    assert sns.create_topic(Name="auth")["TopicArn"] == "arn:aws:sns:eu-west-1:000000000000:auth"


@pytest.mark.parametrize("service, call, expected", [
    ("logs", lambda c: c.describe_log_groups(), "InvalidSignatureException"),
    ("sns", lambda c: c.list_topics(), "SignatureDoesNotMatch"),
    ("sts", lambda c: c.get_caller_identity(), "SignatureDoesNotMatch"),
])
def test_wrong_secret_is_refused(root, service, call, expected):
    wrong = Tenant(root.endpoint, root.key, "x" * 40)
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(wrong.client(service))
    assert code(error) == expected


def test_cloudwatch_wrong_secret(root):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        Tenant(root.endpoint, root.key, "x" * 40).client("cloudwatch").list_metrics()
    # The name depends on the protocol that this SDK speaks.
    assert code(error) in ("SignatureDoesNotMatch", "InvalidSignatureException")


def test_unknown_key_is_refused(root):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        Tenant(root.endpoint, "AKIAUNKNOWN000000000", "x" * 40).client("logs").describe_log_groups()
    assert code(error) == "UnrecognizedClientException"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        Tenant(root.endpoint, "AKIAUNKNOWN000000000", "x" * 40).client("sns").list_topics()
    assert code(error) == "InvalidClientTokenId"


def test_unsigned_is_refused(root):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        root.client("logs", signature_version=UNSIGNED).describe_log_groups()
    assert code(error) == "MissingAuthenticationTokenException"


def test_caller_identity(root):
    identity = root.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"].startswith("arn:aws:")


def test_twelve_digit_key_names_the_account(tenant):
    assert tenant.client("sts").get_caller_identity()["Account"] == tenant.account


def test_tenants_do_not_see_each_other(server):
    one, other = Tenant(server.endpoint, "690000000001", "x"), Tenant(server.endpoint, "690000000002", "x")
    one.client("logs").create_log_group(logGroupName="mine")
    assert other.client("logs").describe_log_groups()["logGroups"] == []
    elsewhere = Tenant(server.endpoint, "690000000001", "x", region="us-east-1")
    assert elsewhere.client("logs").describe_log_groups()["logGroups"] == []
