import json
from datetime import timedelta

import botocore.exceptions
import pytest
from belfry_process import Belfry
from conftest import REGION, Tenant
from receivers import HttpReceiver, wait_for


@pytest.fixture
def own_server():
    """An own process: moving the clock must not disturb other tests."""
    server = Belfry(test_clock="2026-03-01T00:00:00Z").start()
    yield server
    server.stop()


@pytest.fixture
def own(own_server):
    return Tenant(own_server.endpoint, "710000000000", "x")


def alarm(**changes):
    return {
        "AlarmName": "cpu", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}], "Statistic": "Average", "Period": 60, "EvaluationPeriods": 2,
        "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold", **changes,
    }


def push(cloudwatch, when, value):
    cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=[
        {"MetricName": "CPUUtilization", "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}], "Timestamp": when, "Value": value}])


def state(cloudwatch, name="cpu"):
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    return found["StateValue"], found["StateReason"]


def test_life_of_an_alarm(own_server, own):
    cloudwatch, sns = own.client("cloudwatch"), own.client("sns")
    receiver = HttpReceiver()
    topic = sns.create_topic(Name="ops")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    wait_for(lambda: sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"].startswith("arn:"))
    cloudwatch.put_metric_alarm(**alarm(AlarmActions=[topic], OKActions=[topic]))
    assert state(cloudwatch) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")

    now = own_server.clock_time()
    for minute, value in enumerate([50.0, 50.0, 90.0, 95.0, 10.0]):
        push(cloudwatch, now + timedelta(minutes=minute), value)
        own_server.advance(60)
        if minute == 3:
            own_server.advance(30)
            value_now, reason = state(cloudwatch)
            assert value_now == "ALARM"
            assert reason == ("Threshold Crossed: 2 datapoints [95.0 (01/03/26 00:03:00), 90.0 (01/03/26 00:02:00)] "
                              "were greater than the threshold (80.0).")
    own_server.advance(60)
    assert state(cloudwatch)[0] == "OK"

    wait_for(lambda: len(receiver.notifications()) >= 3)
    documents = [json.loads(n["Message"]) for n in receiver.notifications()]
    assert [(d["OldStateValue"], d["NewStateValue"]) for d in documents] == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
    assert receiver.notifications()[1]["Subject"] == 'ALARM: "cpu" in EU (Ireland)'
    assert documents[1]["Trigger"]["Threshold"] == 80.0

    history = cloudwatch.describe_alarm_history(AlarmName="cpu", HistoryItemType="StateUpdate", ScanBy="TimestampAscending")["AlarmHistoryItems"]
    assert [h["HistorySummary"] for h in history] == [
        "Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM", "Alarm updated from ALARM to OK"]
    wait_for(lambda: len(cloudwatch.describe_alarm_history(AlarmName="cpu", HistoryItemType="Action")["AlarmHistoryItems"]) == 3)
    receiver.close()


def test_subscriber_that_is_down_for_a_while(own_server, own):
    sns = own.client("sns")
    receiver = HttpReceiver()
    topic = sns.create_topic(Name="ops")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    wait_for(lambda: sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"].startswith("arn:"))
    receiver.status = 503
    sns.publish(TopicArn=topic, Message="are you there?")
    wait_for(lambda: receiver.refused)
    receiver.status = 200
    own_server.advance(25)
    wait_for(lambda: [n["Message"] for n in receiver.notifications()] == ["are you there?"])
    receiver.close()


def test_killed_between_transition_and_delivery(own_server, own):
    cloudwatch, sns = own.client("cloudwatch"), own.client("sns")
    receiver = HttpReceiver()
    topic = sns.create_topic(Name="ops")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    wait_for(lambda: sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"].startswith("arn:"))
    cloudwatch.put_metric_alarm(**alarm(AlarmActions=[topic]))
    receiver.status = 503
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="testing")
    own_server.kill()
    receiver.status = 200
    own_server.start()
    own_server.advance(120)
    wait_for(lambda: any(json.loads(n["Message"])["NewStateValue"] == "ALARM" for n in receiver.notifications()))
    receiver.close()


def test_set_state_describe_and_delete(cloudwatch, tenant):
    cloudwatch.put_metric_alarm(**alarm())
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="by hand", StateReasonData='{"why": 1}')
    found = cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert [(a["AlarmName"], a["StateReason"], a["StateReasonData"]) for a in found] == [("cpu", "by hand", '{"why": 1}')]
    assert found[0]["AlarmArn"] == tenant.arn("cloudwatch", "alarm:cpu")
    assert "TreatMissingData" not in found[0] and "DatapointsToAlarm" not in found[0]
    for_metric = cloudwatch.describe_alarms_for_metric(
        Namespace="AWS/EC2", MetricName="CPUUtilization", Dimensions=[{"Name": "InstanceId", "Value": "i-1"}])
    assert [a["AlarmName"] for a in for_metric["MetricAlarms"]] == ["cpu"]
    cloudwatch.disable_alarm_actions(AlarmNames=["cpu", "unknown"])
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"] is False
    cloudwatch.enable_alarm_actions(AlarmNames=["cpu"])
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"] is True
    cloudwatch.delete_alarms(AlarmNames=["cpu", "unknown"])
    answer = cloudwatch.describe_alarms()
    assert answer["MetricAlarms"] == [] and answer["CompositeAlarms"] == []
    summaries = [h["HistorySummary"] for h in cloudwatch.describe_alarm_history(AlarmName="cpu", HistoryItemType="ConfigurationUpdate")["AlarmHistoryItems"]]
    assert 'Alarm "cpu" deleted' in summaries and 'Alarm "cpu" created' in summaries


def test_refusals(cloudwatch):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        cloudwatch.set_alarm_state(AlarmName="unknown", StateValue="OK", StateReason="x")
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        cloudwatch.put_metric_alarm(**alarm(DatapointsToAlarm=3))
    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert "DatapointsToAlarm must be less than or equal to EvaluationPeriods" in error.value.response["Error"]["Message"]


def test_kinds_that_are_not_watched_yet_are_refused(cloudwatch):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        cloudwatch.put_metric_alarm(
            AlarmName="math", EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
            Metrics=[{"Id": "e", "Expression": "m * 2", "ReturnData": True},
                     {"Id": "m", "ReturnData": False, "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}])
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
