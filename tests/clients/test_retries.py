"""A call that an SDK retries is counted once: both attempts carry one amz-sdk-invocation-id."""

import http.client
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import boto3
import botocore
import pytest
from botocore.config import Config

# Older SDKs send no invocation id: their retries cannot be told from new calls.
pytestmark = pytest.mark.skipif(tuple(map(int, botocore.__version__.split(".")[:2])) < (1, 30), reason="this SDK sends no invocation id")


class LosesFirstAnswer:
    """A proxy that passes the first request on, then answers 500 in the server's place."""

    def __init__(self, endpoint):
        self.seen, proxy, target = [], self, urlsplit(endpoint)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy.seen.append(self.headers["amz-sdk-invocation-id"])
                upstream = http.client.HTTPConnection(target.hostname, target.port)
                upstream.request("POST", self.path, body, dict(self.headers))
                answer = upstream.getresponse()
                content = answer.read()
                status = 500 if len(proxy.seen) == 1 else answer.status
                self.send_response(status)
                for name in ("Content-Type", "x-amzn-RequestId"):
                    if answer.headers[name]:
                        self.send_header(name, answer.headers[name])
                content = b"{}" if status == 500 else content
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def client(tenant, service, endpoint):
    return boto3.client(service, endpoint_url=endpoint, region_name=tenant.region, aws_access_key_id=tenant.key,
                        aws_secret_access_key=tenant.secret, config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))


def test_metrics(server, tenant, cloudwatch):
    proxy = LosesFirstAnswer(server.endpoint)
    now = server.clock_time()
    client(tenant, "cloudwatch", proxy.endpoint).put_metric_data(Namespace="Retry", MetricData=[{"MetricName": "m", "Timestamp": now, "Value": 1.0}])
    assert len(proxy.seen) == 2 and len(set(proxy.seen)) == 1
    points = cloudwatch.get_metric_statistics(
        Namespace="Retry", MetricName="m", StartTime=now, EndTime=now + timedelta(minutes=1), Period=60, Statistics=["SampleCount"])
    assert points["Datapoints"][0]["SampleCount"] == 1.0


def test_logs(server, tenant, logs):
    logs.create_log_group(logGroupName="/r")
    logs.create_log_stream(logGroupName="/r", logStreamName="s")
    proxy = LosesFirstAnswer(server.endpoint)
    ms = int(server.clock_time().timestamp() * 1000)
    client(tenant, "logs", proxy.endpoint).put_log_events(logGroupName="/r", logStreamName="s", logEvents=[{"timestamp": ms, "message": "once"}])
    assert len(proxy.seen) == 2 and len(set(proxy.seen)) == 1
    assert [e["message"] for e in logs.get_log_events(logGroupName="/r", logStreamName="s", startFromHead=True)["events"]] == ["once"]
