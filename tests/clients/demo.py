"""Belfry's whole story on a real CPU series and real logs, told by unmodified boto3 and AWS CLI.

A fresh server on the test clock replays the evening of 29 May 2014 of a real auto-scaling group, watches it with the
classic alarm HighCPUUtilization, notifies a local web hook and a local mail server, answers questions about logs, is
killed with SIGKILL, and has lost nothing. Every step is checked: the script ends with an error if one does not hold.
"""

import csv
import json
import os
import platform
import re
import subprocess
import urllib.request
from datetime import datetime, timedelta, timezone

import boto3
from belfry_process import Belfry
from receivers import HttpReceiver, SmtpReceiver, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
SERIES = os.path.join(HERE, "../data/nab/cpu_utilization_asg_misconfiguration.csv")
FROM, TO = datetime(2014, 5, 29, 22, 0, tzinfo=timezone.utc), datetime(2014, 5, 30, 2, 0, tzinfo=timezone.utc)
REGION = "eu-west-1"
DIMENSIONS = [{"Name": "AutoScalingGroupName", "Value": "web"}]


def say(text):
    print(f"\033[1m==\033[0m {text}", flush=True)


def check(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")
    print(f"   ok: {what}", flush=True)


def shipped(name):
    """A query of the library in `queries/`."""
    with open(os.path.join(HERE, f"../../queries/logs-insights/{name}.query")) as f:
        return f.read()


def cpu_series():
    with open(SERIES) as f:
        for row in csv.DictReader(f):
            t = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=timezone.utc)
            if FROM <= t < TO:
                yield t, float(row["value"])


def machine_log():
    """Lines of this machine's own package or system log, where there is one."""
    for path in ("/var/log/dpkg.log", "/var/log/syslog", "/var/log/messages", "/var/log/apt/history.log", "/var/log/alternatives.log"):
        try:
            with open(path, errors="replace") as f:
                lines = [line.rstrip("\n") for line in f if line.strip()]
        except OSError:
            continue
        if lines:
            return path, lines[-5000:]
    return None, []


class Clients:
    def __init__(self, server):
        key, secret = server.credentials()
        self.environment = {
            **os.environ, "AWS_ENDPOINT_URL": server.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": "", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": os.path.join(server.data_dir, "credentials"),
        }
        kw = dict(endpoint_url=server.endpoint, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret)
        self.cloudwatch, self.logs, self.sns = (boto3.client(s, **kw) for s in ("cloudwatch", "logs", "sns"))

    def aws(self, *arguments):
        print("   $ aws " + " ".join(a if re.fullmatch(r"[\w./:=,-]+", a) else repr(a) for a in arguments), flush=True)
        done = subprocess.run(["aws", *arguments], env=self.environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"FAILED: aws {arguments}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def query(self, group, text, start, end):
        query = self.logs.start_query(logGroupName=group, queryString=text, startTime=int(start.timestamp()), endTime=int(end.timestamp()))

        def finished():
            answer = self.logs.get_query_results(queryId=query["queryId"])
            return answer if answer["status"] not in ("Scheduled", "Running") else None

        answer = wait_for(finished)
        if answer["status"] != "Complete":
            raise SystemExit(f"FAILED: query {text!r}: {answer}")
        rows = [{f["field"]: f["value"] for f in row if f["field"] != "@ptr"} for row in answer["results"]]
        print(f"   {text}\n     -> " + "\n        ".join(json.dumps(r) for r in rows[:5]), flush=True)
        return rows


def put_lines(logs, group, stream, lines, start):
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    ms = int(start.timestamp() * 1000)
    for at in range(0, len(lines), 1000):
        events = [{"timestamp": ms + at + i, "message": line} for i, line in enumerate(lines[at:at + 1000])]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def all_messages(logs, group):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [e["message"] for page in pages for e in page["events"]]


def main():
    hook, smtp = HttpReceiver(), SmtpReceiver()
    config = f'[smtp]\nhost = "127.0.0.1"\nport = {smtp.port}\ntls = "none"\nfrom = "belfry@example.net"\n'
    server = Belfry(auth="sigv4", test_clock=FROM.strftime("%Y-%m-%dT%H:%M:%SZ"), config=config).start()
    try:
        tell(server, hook, smtp)
    finally:
        server.stop()
        hook.close()
        smtp.close()
    say("done")


def tell(server, hook, smtp):
    clients = Clients(server)
    cloudwatch, logs, sns = clients.cloudwatch, clients.logs, clients.sns

    say("A topic with two subscribers: a web hook and a mailbox")
    topic = clients.aws("sns", "create-topic", "--name", "ops")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url)
    clients.aws("sns", "subscribe", "--topic-arn", topic, "--protocol", "email", "--notification-endpoint", "ops@example.com")
    wait_for(lambda: smtp.mails)
    link = re.search(r"http://\S+", smtp.mails[0].get_content()).group(0)
    urllib.request.urlopen(urllib.request.Request(link, data=b"", headers={"Accept": "text/html"})).read()
    wait_for(lambda: all(s["SubscriptionArn"].startswith("arn:") for s in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]))
    check(True, "both subscriptions are confirmed")

    say("The classic alarm")
    clients.aws(
        "cloudwatch", "put-metric-alarm", "--alarm-name", "HighCPUUtilization", "--namespace", "AWS/EC2", "--metric-name", "CPUUtilization",
        "--dimensions", "Name=AutoScalingGroupName,Value=web", "--statistic", "Average", "--period", "300", "--evaluation-periods", "2",
        "--threshold", "80", "--comparison-operator", "GreaterThanThreshold", "--alarm-actions", topic, "--ok-actions", topic)

    say(f"Replaying {SERIES.rsplit('/', 1)[1]}, {FROM:%d %B %Y %H:%M} to {TO:%d %B %H:%M}, and watching the alarm")
    states, pushed = [], []
    for t, value in cpu_series():
        server.set_clock(t + timedelta(seconds=1))
        cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=[
            {"MetricName": "CPUUtilization", "Dimensions": DIMENSIONS, "Timestamp": t, "Value": value, "Unit": "Percent"}])
        pushed.append(value)
        server.set_clock(t + timedelta(seconds=290))
        alarm = cloudwatch.describe_alarms(AlarmNames=["HighCPUUtilization"])["MetricAlarms"][0]
        if not states or states[-1] != alarm["StateValue"]:
            states.append(alarm["StateValue"])
            print(f"   {server.now()}  {alarm['StateValue']:<18} {alarm['StateReason']}", flush=True)
    server.set_clock(TO + timedelta(minutes=10))
    check("ALARM" in states and states[-1] == "OK", f"the alarm went {' -> '.join(states)}")

    wait_for(lambda: any(s and s.startswith("OK:") for s in smtp.subjects()[states.index("ALARM"):]))
    documents = [json.loads(n["Message"]) for n in hook.notifications()]
    print("   hook:", [f"{d['OldStateValue']} -> {d['NewStateValue']}" for d in documents])
    print("   mail:", smtp.subjects())
    moves = [(d["OldStateValue"], d["NewStateValue"]) for d in documents]
    check(("OK", "ALARM") in moves and ("ALARM", "OK") in moves, "the hook got both notifications")
    check(any(s.startswith('ALARM: "HighCPUUtilization"') for s in smtp.subjects()), "so did the mailbox")

    say("A real log of this machine, and Belfry's own request log")
    now = server.clock_time()
    path, lines = machine_log()
    requests = [line for line in server.log().splitlines() if '"operation"' in line]
    check(len(requests) > 100, f"Belfry logged {len(requests)} requests of its own")
    put_lines(logs, "belfry/requests", "demo", requests, now - timedelta(minutes=20))
    if path:
        put_lines(logs, f"machine{path}", platform.node() or "host", lines, now - timedelta(minutes=20))
        word = max(set(re.findall(r"[a-z]{4,}", lines[-1])), key=len)
        found = [m for page in logs.get_paginator("filter_log_events").paginate(logGroupName=f"machine{path}", filterPattern=word) for m in page["events"]]
        check(len(found) == sum(word in line for line in lines), f"FilterLogEvents finds {word!r} in {len(found)} of {len(lines)} lines of {path}")
    filtered = clients.aws("logs", "filter-log-events", "--log-group-name", "belfry/requests", "--filter-pattern", '{ $.fields.operation = "PutMetricAlarm" }')
    check(len(filtered["events"]) == 1, "FilterLogEvents finds the one PutMetricAlarm by its JSON field")

    say("Three Logs Insights queries")
    start, end = now - timedelta(hours=1), now
    rows = clients.query("belfry/requests", shipped("belfry-calls-by-operation"), start, end)
    puts = sum('"operation":"PutMetricData"' in r for r in requests)
    check({r["operation"]: r["calls"] for r in rows}["PutMetricData"] == str(puts), f"PutMetricData was called {puts} times")
    rows = clients.query("belfry/requests", shipped("belfry-clients"), start, end)
    check({"Boto3", "aws-cli"} <= {r.get("client") for r in rows}, "the user agents of the SNS calls are told apart")
    rows = clients.query("belfry/requests", shipped("belfry-slowest-requests"), start, end)
    check(len(rows) == 3, "the three slowest requests")

    say("kill -9, and start again")
    before = {g["logGroupName"]: all_messages(logs, g["logGroupName"]) for g in logs.describe_log_groups()["logGroups"]}
    server.kill()
    server.start()
    after = {g["logGroupName"]: all_messages(logs, g["logGroupName"]) for g in logs.describe_log_groups()["logGroups"]}
    check(before == after and before, f"all {sum(map(len, after.values()))} log events are there, once")
    points = cloudwatch.get_metric_data(StartTime=FROM, EndTime=TO, ScanBy="TimestampAscending", MetricDataQueries=[
        {"Id": "cpu", "MetricStat": {"Metric": {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": DIMENSIONS}, "Period": 60, "Stat": "Average"}}])
    check(points["MetricDataResults"][0]["Values"] == pushed, f"all {len(pushed)} datapoints are there, bit for bit")
    alarm = cloudwatch.describe_alarms(AlarmNames=["HighCPUUtilization"])["MetricAlarms"][0]
    check(alarm["StateValue"] == states[-1], "the alarm still knows its state")


main()
