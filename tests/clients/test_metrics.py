from datetime import timedelta

import botocore.exceptions
import pytest


def test_push_and_read_back(server, cloudwatch):
    now = server.clock_time()
    start = now - timedelta(minutes=10)
    for i in range(10):
        cloudwatch.put_metric_data(Namespace="Shop/Api", MetricData=[
            {"MetricName": "Latency", "Dimensions": [{"Name": "Route", "Value": "/pay"}], "Timestamp": start + timedelta(minutes=i),
             "Value": float(i), "Unit": "Milliseconds"},
        ])
    stats = cloudwatch.get_metric_statistics(
        Namespace="Shop/Api", MetricName="Latency", Dimensions=[{"Name": "Route", "Value": "/pay"}],
        StartTime=start, EndTime=now, Period=300, Statistics=["Average", "Sum", "Minimum", "Maximum", "SampleCount"])
    assert stats["Label"] == "Latency"
    points = sorted(stats["Datapoints"], key=lambda p: p["Timestamp"])
    assert [p["Average"] for p in points] == [2.0, 7.0]
    assert [p["Sum"] for p in points] == [10.0, 35.0]
    assert [(p["Minimum"], p["Maximum"], p["SampleCount"], p["Unit"]) for p in points] == [(0.0, 4.0, 5.0, "Milliseconds"), (5.0, 9.0, 5.0, "Milliseconds")]


def test_values_counts_statistics_and_math(server, cloudwatch):
    now = server.clock_time()
    start = now - timedelta(minutes=5)
    cloudwatch.put_metric_data(Namespace="Math", MetricData=[
        {"MetricName": "a", "Timestamp": start, "Values": [1.0, 2.0, 3.0], "Counts": [1.0, 2.0, 1.0]},
        {"MetricName": "b", "Timestamp": start, "StatisticValues": {"SampleCount": 4, "Sum": 8, "Minimum": 1, "Maximum": 3}},
    ])

    def stat(name, stat):
        return {"Metric": {"Namespace": "Math", "MetricName": name}, "Period": 60, "Stat": stat}

    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "a", "MetricStat": stat("a", "Sum")},
            {"Id": "b", "MetricStat": stat("b", "Sum"), "ReturnData": False},
            {"Id": "p", "MetricStat": stat("a", "p50")},
            {"Id": "e", "Expression": "(a + b) / 2", "Label": "half"},
            {"Id": "none", "MetricStat": stat("absent", "Sum")},
        ], StartTime=start, EndTime=now)
    results = {r["Id"]: r for r in answer["MetricDataResults"]}
    assert list(results) == ["a", "p", "e", "none"]
    assert results["a"]["Values"] == [8.0]
    assert results["p"]["Values"] == [2.0]
    assert results["e"]["Values"] == [8.0] and results["e"]["Label"] == "half"
    assert results["none"]["Values"] == [] and results["none"]["StatusCode"] == "Complete"


def test_list_metrics_pages(cloudwatch, server):
    now = server.clock_time()
    for batch in range(2):
        cloudwatch.put_metric_data(Namespace="Many", MetricData=[
            {"MetricName": f"m{batch}-{i:03}", "Timestamp": now, "Value": 1.0} for i in range(400)])
    names = [m["MetricName"] for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="Many") for m in page["Metrics"]]
    assert len(names) == 800 and names == sorted(names)


def test_big_batches_arrive_whole(cloudwatch, server):
    """Newer SDKs gzip bodies of this size."""
    now = server.clock_time()
    cloudwatch.put_metric_data(Namespace="Big", MetricData=[
        {"MetricName": "m", "Dimensions": [{"Name": "i", "Value": str(i)}], "Timestamp": now, "Value": float(i)} for i in range(1000)])
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Big", MetricName="m")
    assert sum(len(page["Metrics"]) for page in pages) == 1000


@pytest.mark.parametrize("datum, expected, text", [
    ({"MetricName": "x", "Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination",
     "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both."),
    ({"MetricName": "x", "Values": [1.0, 2.0], "Counts": [1.0]}, "InvalidParameterValue",
     "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size."),
    ({"MetricName": "x", "Value": 1.0, "StorageResolution": 7}, "InvalidParameterValue",
     "The parameter MetricData.member.1.StorageResolution must be a value in the set [ 1, 60 ]."),
    ({"MetricName": "x"}, "InvalidParameterCombination", "At least one of the parameters must be specified."),
    ({"MetricName": "x", "Value": 1.0, "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}, "InvalidParameterValue",
     "No metric may specify the same dimension name twice."),
])
def test_bad_datums_reject_the_whole_call(cloudwatch, datum, expected, text):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        cloudwatch.put_metric_data(Namespace="Bad", MetricData=[{"MetricName": "good", "Value": 1.0}, datum][::-1])
    assert error.value.response["Error"]["Code"] == expected
    assert error.value.response["Error"]["Message"] == text
    assert cloudwatch.list_metrics(Namespace="Bad")["Metrics"] == []


def test_errors_are_of_the_modelled_class(cloudwatch, server):
    now = server.clock_time()
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException):
        cloudwatch.get_metric_statistics(Namespace="N", MetricName="m", StartTime=now, EndTime=now, Period=60, Statistics=["Sum"])
    with pytest.raises(cloudwatch.exceptions.InvalidParameterCombinationException) as error:
        cloudwatch.get_metric_statistics(Namespace="N", MetricName="m", StartTime=now - timedelta(days=2), EndTime=now, Period=60, Statistics=["Sum"])
    assert "exceeds the limit of 1440" in error.value.response["Error"]["Message"]


def test_an_operation_that_is_not_here_says_so(cloudwatch):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        cloudwatch.describe_anomaly_detectors()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "DescribeAnomalyDetectors" in error.value.response["Error"]["Message"]


def test_dashboards(cloudwatch):
    body = '{"widgets":[{"type":"text","x":0,"y":0,"width":6,"height":3,"properties":{"markdown":"hello"}}]}'
    assert cloudwatch.put_dashboard(DashboardName="main", DashboardBody=body).get("DashboardValidationMessages", []) == []
    assert cloudwatch.get_dashboard(DashboardName="main")["DashboardBody"] == body
    assert [d["DashboardName"] for d in cloudwatch.list_dashboards()["DashboardEntries"]] == ["main"]
    cloudwatch.delete_dashboards(DashboardNames=["main"])
    with pytest.raises(botocore.exceptions.ClientError) as error:
        cloudwatch.get_dashboard(DashboardName="main")
    assert error.value.response["Error"]["Code"] in ("ResourceNotFound", "DashboardNotFoundError")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_tags_of_an_alarm(tenant, cloudwatch):
    cloudwatch.put_metric_alarm(
        AlarmName="tagged", Namespace="N", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", Tags=[{"Key": "team", "Value": "ops"}])
    arn = tenant.arn("cloudwatch", "alarm:tagged")
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "tier", "Value": "1"}])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "ops"}, {"Key": "tier", "Value": "1"}]
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "tier", "Value": "1"}]
