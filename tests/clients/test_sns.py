import botocore.exceptions
import pytest
from receivers import HttpReceiver, wait_for


def code_of(call, *args, **kw):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(*args, **kw)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_topics(sns, tenant):
    arn = sns.create_topic(Name="t", Attributes={"DisplayName": "Ops"}, Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    assert arn == tenant.arn("sns", "t")
    assert sns.create_topic(Name="t")["TopicArn"] == arn
    assert [t["TopicArn"] for t in sns.list_topics()["Topics"]] == [arn]
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["DisplayName"] == "Ops" and attributes["Owner"] == tenant.account
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="New")
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "New"
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert code_of(sns.get_topic_attributes, TopicArn=arn) == ("NotFound", "Topic does not exist")


def test_handshake_publish_and_unsubscribe(sns):
    receiver = HttpReceiver()
    arn = sns.create_topic(Name="web")["TopicArn"]
    assert sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.url)["SubscriptionArn"] == "pending confirmation"

    def confirmed():
        s = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"][0]["SubscriptionArn"]
        return s if s.startswith("arn:") else None

    subscription = wait_for(confirmed)
    answer = sns.publish(TopicArn=arn, Subject="hi", Message="there", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}})
    wait_for(receiver.notifications)
    headers, _, document = [m for m in receiver.messages if m[2]["Type"] == "Notification"][0]
    assert (document["Subject"], document["Message"], document["MessageId"]) == ("hi", "there", answer["MessageId"])
    assert document["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}}
    assert headers["x-amz-sns-message-type"] == "Notification" and headers["x-amz-sns-topic-arn"] == arn

    batch = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[{"Id": "1", "Message": "one"}, {"Id": "2", "Message": ""}])
    assert [s["Id"] for s in batch["Successful"]] == ["1"] and [f["Id"] for f in batch["Failed"]] == ["2"]
    wait_for(lambda: len(receiver.notifications()) == 2)

    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue='{"k":["only"]}')
    sns.publish(TopicArn=arn, Message="filtered", MessageAttributes={"k": {"DataType": "String", "StringValue": "other"}})
    sns.publish(TopicArn=arn, Message="passes", MessageAttributes={"k": {"DataType": "String", "StringValue": "only"}})
    wait_for(lambda: [n["Message"] for n in receiver.notifications()][2:] == ["passes"])

    sns.unsubscribe(SubscriptionArn=subscription)
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []
    receiver.close()


def test_mails(tmp_path):
    aiosmtpd = pytest.importorskip("aiosmtpd")
    assert aiosmtpd
    import re
    import urllib.request

    from belfry_process import Belfry
    from conftest import Tenant
    from receivers import SmtpReceiver

    smtp = SmtpReceiver()
    server = Belfry(test_clock="2026-03-01T00:00:00Z", config=(
        f'[smtp]\nhost = "127.0.0.1"\nport = {smtp.port}\ntls = "none"\nfrom = "belfry@example.net"\n')).start()
    try:
        sns = Tenant(server.endpoint, "720000000000", "x").client("sns")
        arn = sns.create_topic(Name="mail")["TopicArn"]
        assert sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="ops@example.com")["SubscriptionArn"] == "pending confirmation"
        wait_for(lambda: len(smtp.mails) == 1)
        text = smtp.mails[0].get_content()
        link = re.search(r"http://\S+", text).group(0)
        page = urllib.request.urlopen(urllib.request.Request(link, headers={"Accept": "text/html"})).read().decode()
        assert "<form" in page, "a prefetching link scanner must not confirm"
        urllib.request.urlopen(urllib.request.Request(link, data=b"", headers={"Accept": "text/html"})).read()
        assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"][0]["SubscriptionArn"].startswith("arn:")
        sns.publish(TopicArn=arn, Subject="Disk", Message="is full")
        wait_for(lambda: len(smtp.mails) == 2)
        assert smtp.mails[1]["Subject"] == "Disk" and "is full" in smtp.mails[1].get_content()
    finally:
        server.stop()
        smtp.close()


def test_refusals(sns):
    arn = sns.create_topic(Name="r")["TopicArn"]
    assert code_of(sns.publish, TopicArn=arn, Message="") == ("InvalidParameter", "Invalid parameter: Empty message")
    assert code_of(sns.publish, TopicArn=arn + "x", Message="m") == ("NotFound", "Topic does not exist")
    assert code_of(sns.get_topic_attributes, TopicArn="foo") == (
        "InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1")
    assert code_of(sns.subscribe, TopicArn=arn, Protocol="pigeon", Endpoint="x")[1] == (
        "Invalid parameter: Amazon SNS does not support this protocol string: pigeon")
    assert code_of(sns.create_platform_application, Name="a", Platform="GCM", Attributes={})[0] == "InvalidParameter"
