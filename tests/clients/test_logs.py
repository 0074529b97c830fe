import json
from datetime import timedelta

import botocore.exceptions
import pytest
from receivers import wait_for


@pytest.fixture
def stream(logs):
    logs.create_log_group(logGroupName="/app")
    logs.create_log_stream(logGroupName="/app", logStreamName="web")
    return {"logGroupName": "/app", "logStreamName": "web"}


def ms(t):
    return int(t.timestamp() * 1000)


def put(logs, stream, start, messages, step=1000):
    return logs.put_log_events(**stream, logEvents=[{"timestamp": ms(start) + i * step, "message": m} for i, m in enumerate(messages)])


def test_groups_and_streams(logs, tenant):
    logs.create_log_group(logGroupName="/a", tags={"team": "ops"})
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName="/a")
    logs.put_retention_policy(logGroupName="/a", retentionInDays=7)
    group = logs.describe_log_groups()["logGroups"][0]
    assert group["arn"] == tenant.arn("logs", "log-group:/a:*")
    assert group["retentionInDays"] == 7
    logs.delete_retention_policy(logGroupName="/a")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    assert logs.list_tags_log_group(logGroupName="/a")["tags"] == {"team": "ops"}
    logs.create_log_stream(logGroupName="/a", logStreamName="s")
    streams = logs.describe_log_streams(logGroupName="/a")["logStreams"]
    assert [s["logStreamName"] for s in streams] == ["s"] and "firstEventTimestamp" not in streams[0]
    logs.delete_log_stream(logGroupName="/a", logStreamName="s")
    logs.delete_log_group(logGroupName="/a")
    with pytest.raises(logs.exceptions.ResourceNotFoundException) as error:
        logs.describe_log_streams(logGroupName="/a")
    assert error.value.response["Error"]["Message"] == "The specified log group does not exist."


def test_put_get_and_page(logs, server, stream):
    start = server.clock_time() - timedelta(hours=1)
    messages = [f"line {i}" for i in range(25)]
    assert "nextSequenceToken" in put(logs, stream, start, messages)
    first = logs.get_log_events(**stream, startFromHead=True, limit=10)
    assert [e["message"] for e in first["events"]] == messages[:10]
    second = logs.get_log_events(**stream, nextToken=first["nextForwardToken"], limit=10)
    third = logs.get_log_events(**stream, nextToken=second["nextForwardToken"], limit=10)
    assert [e["message"] for e in second["events"] + third["events"]] == messages[10:]
    end = logs.get_log_events(**stream, nextToken=third["nextForwardToken"], limit=10)
    assert end["events"] == [] and end["nextForwardToken"] == third["nextForwardToken"]
    latest = logs.get_log_events(**stream, limit=3)
    assert [e["message"] for e in latest["events"]] == messages[-3:]
    described = logs.describe_log_streams(logGroupName="/app")["logStreams"][0]
    assert described["firstEventTimestamp"] == ms(start)


def test_filter(logs, server, stream):
    start = server.clock_time() - timedelta(hours=1)
    put(logs, stream, start, [
        json.dumps({"level": "error", "status": 500, "path": "/pay"}),
        json.dumps({"level": "info", "status": 200, "path": "/pay"}),
        "plain ERROR timeout after 30s",
        "all fine",
    ])

    def found(pattern, **kw):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/app", filterPattern=pattern, **kw)
        return [e["message"] for page in pages for e in page["events"]]

    assert found("ERROR timeout") == ["plain ERROR timeout after 30s"]
    assert len(found("{ $.status = 500 }")) == 1
    assert len(found("{ $.path = \"/p*\" }")) == 2
    assert found("?fine ?timeout") == ["plain ERROR timeout after 30s", "all fine"]
    assert found("%ti.eout%") == ["plain ERROR timeout after 30s"]
    assert len(found("")) == 4
    with pytest.raises(logs.exceptions.InvalidParameterException):
        found("{ $.status = }")


def test_rejected_events_are_reported(logs, server, stream):
    now = server.clock_time()
    answer = logs.put_log_events(**stream, logEvents=[
        {"timestamp": ms(now - timedelta(days=15)), "message": "too old"},
        {"timestamp": ms(now), "message": "kept"},
        {"timestamp": ms(now + timedelta(hours=3)), "message": "too new"},
    ])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert [e["message"] for e in logs.get_log_events(**stream, startFromHead=True)["events"]] == ["kept"]
    with pytest.raises(logs.exceptions.InvalidParameterException) as error:
        logs.put_log_events(**stream, logEvents=[{"timestamp": ms(now), "message": "b"}, {"timestamp": ms(now) - 1, "message": "a"}])
    assert error.value.response["Error"]["Message"] == "Log events in a single PutLogEvents request must be in chronological order."


def insights(logs, query, start, end, **kw):
    started = logs.start_query(logGroupNames=["/app"], queryString=query, startTime=int(start.timestamp()), endTime=int(end.timestamp()), **kw)

    def finished():
        answer = logs.get_query_results(queryId=started["queryId"])
        return answer if answer["status"] not in ("Scheduled", "Running") else None

    answer = wait_for(finished)
    assert answer["status"] == "Complete", answer
    return answer, [{f["field"]: f["value"] for f in row if f["field"] != "@ptr"} for row in answer["results"]]


def test_insights(logs, server, stream):
    now = server.clock_time()
    start = now - timedelta(hours=1)
    put(logs, stream, start, [json.dumps({"level": "error" if i % 5 == 0 else "info", "ms": i}) for i in range(100)])
    answer, rows = insights(logs, "stats count(*) as n, max(ms) as slowest by level | sort n desc", start, now)
    assert rows == [{"level": "info", "n": "80", "slowest": "99"}, {"level": "error", "n": "20", "slowest": "95"}]
    assert answer["statistics"]["recordsScanned"] == 100.0
    answer, rows = insights(logs, "fields @timestamp, ms | filter ms > 97 | sort ms asc", start, now)
    assert [r["ms"] for r in rows] == ["98", "99"]
    pointer = [f["value"] for f in answer["results"][0] if f["field"] == "@ptr"][0]
    record = logs.get_log_record(logRecordPointer=pointer)["logRecord"]
    assert json.loads(record["@message"]) == {"level": "info", "ms": 98} and record["ms"] == "98"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        logs.start_query(logGroupNames=["/app"], queryString="fields | bogus", startTime=0, endTime=1)
    assert error.value.response["Error"]["Code"] == "MalformedQueryException"


def test_events_and_metrics_survive_kill_9():
    import boto3
    from belfry_process import Belfry

    server = Belfry(test_clock="2026-03-01T00:00:00Z").start()
    try:
        kw = dict(endpoint_url=server.endpoint, region_name="eu-west-1", aws_access_key_id="700000000000", aws_secret_access_key="x")
        logs, cloudwatch = boto3.client("logs", **kw), boto3.client("cloudwatch", **kw)
        now = server.clock_time()
        logs.create_log_group(logGroupName="/app")
        logs.create_log_stream(logGroupName="/app", logStreamName="web")
        for i in range(20):
            logs.put_log_events(logGroupName="/app", logStreamName="web", logEvents=[{"timestamp": ms(now) + i, "message": f"event {i}"}])
            cloudwatch.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Timestamp": now, "Value": 1.0}])
        server.kill()
        server.start()
        events = logs.get_log_events(logGroupName="/app", logStreamName="web", startFromHead=True)["events"]
        assert [e["message"] for e in events] == [f"event {i}" for i in range(20)]
        points = cloudwatch.get_metric_statistics(
            Namespace="N", MetricName="m", StartTime=now, EndTime=now + timedelta(minutes=1), Period=60, Statistics=["SampleCount"])
        assert points["Datapoints"][0]["SampleCount"] == 20.0
    finally:
        server.stop()
