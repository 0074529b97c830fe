"""The AWS CLI, as a user types it."""

import json
import os
import subprocess
import sys

import pytest

AWS = os.path.join(os.path.dirname(sys.executable), "aws")
pytestmark = pytest.mark.skipif(not os.path.exists(AWS), reason="this environment has no AWS CLI")


def aws(tenant, *arguments, fails=False):
    done = subprocess.run([AWS, *arguments], env=tenant.environment(), capture_output=True, text=True, timeout=60)
    if fails:
        assert done.returncode != 0
        return done.stderr
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_metrics_and_logs(tenant, server):
    now = server.now()
    aws(tenant, "cloudwatch", "put-metric-data", "--namespace", "Cli", "--metric-name", "m", "--value", "3", "--timestamp", now, "--dimensions", "a=1,b=2")
    metrics = aws(tenant, "cloudwatch", "list-metrics", "--namespace", "Cli")["Metrics"]
    assert metrics == [{"Namespace": "Cli", "MetricName": "m", "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}]}]
    aws(tenant, "logs", "create-log-group", "--log-group-name", "/cli")
    aws(tenant, "logs", "create-log-stream", "--log-group-name", "/cli", "--log-stream-name", "s")
    ms = int(server.clock_time().timestamp() * 1000)
    aws(tenant, "logs", "put-log-events", "--log-group-name", "/cli", "--log-stream-name", "s", "--log-events", f"timestamp={ms},message=hello")
    found = aws(tenant, "logs", "filter-log-events", "--log-group-name", "/cli", "--filter-pattern", "hello")
    assert [e["message"] for e in found["events"]] == ["hello"]
    assert "ResourceNotFoundException" in aws(tenant, "logs", "describe-log-streams", "--log-group-name", "/none", fails=True)


def test_identity_and_topics(tenant):
    assert aws(tenant, "sts", "get-caller-identity")["Account"] == tenant.account
    arn = aws(tenant, "sns", "create-topic", "--name", "cli")["TopicArn"]
    assert aws(tenant, "sns", "list-topics")["Topics"] == [{"TopicArn": arn}]
    assert aws(tenant, "sns", "publish", "--topic-arn", arn, "--message", "m")["MessageId"]
