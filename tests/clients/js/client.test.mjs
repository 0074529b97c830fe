// AWS SDK for JavaScript v3, unmodified, against the server of BELFRY_ENDPOINT.
import assert from "node:assert/strict";
import test from "node:test";
import {
  CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand, ListMetricsCommand, PutMetricAlarmCommand, PutMetricDataCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  CloudWatchLogsClient, CreateLogGroupCommand, CreateLogStreamCommand, FilterLogEventsCommand, GetQueryResultsCommand, PutLogEventsCommand,
  ResourceAlreadyExistsException, StartQueryCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { CreateTopicCommand, ListTopicsCommand, NotFoundException, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const account = "730000000000";
const settings = {
  endpoint: process.env.BELFRY_ENDPOINT, region: "eu-west-1", credentials: { accessKeyId: account, secretAccessKey: "x" }, maxAttempts: 1,
};
const now = new Date(JSON.parse(await (await fetch(`${settings.endpoint}/_belfry/clock`)).text()).now);
const minutesAgo = (n) => new Date(now.getTime() - n * 60_000);

test("metrics", async () => {
  const client = new CloudWatchClient(settings);
  const MetricData = Array.from({ length: 1000 }, (_, i) => ({
    MetricName: "m", Dimensions: [{ Name: "host", Value: `h${i % 10}` }], Timestamp: minutesAgo(5), Value: i, Unit: "Count",
  }));
  await client.send(new PutMetricDataCommand({ Namespace: "Js", MetricData }));
  const listed = await client.send(new ListMetricsCommand({ Namespace: "Js" }));
  assert.equal(listed.Metrics.length, 10);
  const data = await client.send(new GetMetricDataCommand({
    StartTime: minutesAgo(10), EndTime: now,
    MetricDataQueries: [
      { Id: "m", MetricStat: { Metric: { Namespace: "Js", MetricName: "m", Dimensions: [{ Name: "host", Value: "h0" }] }, Period: 60, Stat: "SampleCount" } },
      { Id: "e", Expression: "m / 3" },
    ],
  }));
  assert.deepEqual(data.MetricDataResults[0].Values, [100]);
  assert.ok(Math.abs(data.MetricDataResults[1].Values[0] - 100 / 3) < 1e-9);
  assert.deepEqual(data.MetricDataResults[0].Timestamps, [minutesAgo(5)]);
});

test("alarms", async () => {
  const client = new CloudWatchClient(settings);
  await client.send(new PutMetricAlarmCommand({
    AlarmName: "js", Namespace: "Js", MetricName: "m", Statistic: "Sum", Period: 60, EvaluationPeriods: 1, Threshold: 1,
    ComparisonOperator: "GreaterThanThreshold",
  }));
  await client.send(new SetAlarmStateCommand({ AlarmName: "js", StateValue: "ALARM", StateReason: "js" }));
  const { MetricAlarms } = await client.send(new DescribeAlarmsCommand({ AlarmNames: ["js"] }));
  assert.equal(MetricAlarms[0].StateValue, "ALARM");
  assert.ok(MetricAlarms[0].StateUpdatedTimestamp instanceof Date);
  await assert.rejects(
    client.send(new SetAlarmStateCommand({ AlarmName: "none", StateValue: "OK", StateReason: "x" })),
    (error) => error.name === "ResourceNotFound" && error.$metadata.httpStatusCode === 404,
  );
});

test("logs", async () => {
  const client = new CloudWatchLogsClient(settings);
  await client.send(new CreateLogGroupCommand({ logGroupName: "/js" }));
  await assert.rejects(client.send(new CreateLogGroupCommand({ logGroupName: "/js" })), ResourceAlreadyExistsException);
  await client.send(new CreateLogStreamCommand({ logGroupName: "/js", logStreamName: "s" }));
  await client.send(new PutLogEventsCommand({
    logGroupName: "/js", logStreamName: "s",
    logEvents: ["früh", '{"level":"error"}'].map((message, i) => ({ timestamp: now.getTime() + i, message })),
  }));
  const { events } = await client.send(new FilterLogEventsCommand({ logGroupName: "/js", filterPattern: "früh" }));
  assert.deepEqual(events.map((e) => e.message), ["früh"]);
  const { queryId } = await client.send(new StartQueryCommand({
    logGroupName: "/js", queryString: "filter level = 'error' | stats count(*) as n", startTime: 0, endTime: Math.floor(now.getTime() / 1000) + 60,
  }));
  let answer;
  do {
    answer = await client.send(new GetQueryResultsCommand({ queryId }));
  } while (["Scheduled", "Running"].includes(answer.status));
  assert.equal(answer.status, "Complete");
  assert.deepEqual(answer.results, [[{ field: "n", value: "1" }]]);
});

test("topics", async () => {
  const client = new SNSClient(settings);
  const { TopicArn } = await client.send(new CreateTopicCommand({ Name: "js" }));
  assert.equal(TopicArn, `arn:aws:sns:eu-west-1:${account}:js`);
  assert.equal((await client.send(new ListTopicsCommand({}))).Topics.length, 1);
  assert.ok((await client.send(new PublishCommand({ TopicArn, Message: "m" }))).MessageId);
  await assert.rejects(client.send(new PublishCommand({ TopicArn: `${TopicArn}x`, Message: "m" })), NotFoundException);
});

test("identity", async () => {
  const identity = await new STSClient(settings).send(new GetCallerIdentityCommand({}));
  assert.equal(identity.Account, account);
});
