"""The dashboard: is it healthy, is it keeping up, does anything wait for redrive; read from top to bottom."""

import json
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from constructs import Construct

from names import STATUS_INDEX, Names
from settings import Settings
from stacks.alarms import ERROR_RATE_PERCENT, LAG_MILLISECONDS, PERIOD_SECONDS, Alarms
from stacks.order_processor import OrderProcessor

_COLUMNS = 24


class Dashboard(Construct):
    """The body follows https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        names: Names,
        table: DynamodbTable,
        processor: OrderProcessor,
        failed_batches_queue: SqsQueue,
        alerts_topic: SnsTopic,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, id_)

        self._region = settings.deploy_region
        alarm_states = {
            "type": "alarm",
            "width": _COLUMNS,
            "height": 3,
            "properties": {"title": "Alarms", "alarms": [alarm.arn for alarm in alarms.by_id.values()]},
        }
        widgets = [
            [alarm_states],
            self._health(["FunctionName", processor.function.function_name]),
            self._throughput(["TableName", table.name], processor),
            self._outcome(
                ["QueueName", failed_batches_queue.name],
                ["FunctionName", processor.function.function_name],
                ["TopicName", alerts_topic.name],
            ),
        ]
        CloudwatchDashboard(
            self,
            "dashboard",
            dashboard_name=names.dashboard,
            dashboard_body=json.dumps({"widgets": _laid_out(widgets)}),
        )

    def _health(self, of_function: list[str]) -> list[dict[str, Any]]:
        return [
            self._graph(
                "Error rate (%)",
                ["AWS/Lambda", "Errors", *of_function, {"id": "errors", "visible": False}],
                ["AWS/Lambda", "Invocations", *of_function, {"id": "invocations", "visible": False}],
                [{"expression": "(errors / invocations) * 100", "label": "error rate"}],
                threshold=ERROR_RATE_PERCENT,
            ),
            self._graph(
                "Lag: age of the last record (ms)",
                ["AWS/Lambda", "IteratorAge", *of_function, {"stat": "Maximum"}],
                threshold=LAG_MILLISECONDS,
            ),
        ]

    def _throughput(self, of_table: list[str], processor: OrderProcessor) -> list[dict[str, Any]]:
        of_index = [*of_table, "GlobalSecondaryIndexName", STATUS_INDEX]
        throttled = ["AWS/DynamoDB", "WriteThrottleEvents"]
        return [
            self._graph(
                "Writes to the orders table (units), and throttled ones",
                ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", *of_table, {"label": "written"}],
                [*throttled, *of_table, {"label": "throttled by the table"}],
                [*throttled, *of_index, {"label": "throttled by the index"}],
            ),
            self._graph(
                "Records processed", [processor.records_metric.namespace, processor.records_metric.name]
            ),
        ]

    def _outcome(
        self, of_queue: list[str], of_function: list[str], of_alerts: list[str]
    ) -> list[dict[str, Any]]:
        waiting = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", *of_queue]
        return [
            self._graph(
                "Alerts on failed orders",
                ["AWS/SNS", "NumberOfMessagesPublished", *of_alerts],
                ["AWS/SNS", "NumberOfNotificationsFailed", *of_alerts],
            ),
            self._graph(
                "Failed batches",
                [*waiting, {"stat": "Maximum", "label": "wait for redrive"}],
                ["AWS/Lambda", "DestinationDeliveryFailures", *of_function, {"label": "lost"}],
            ),
        ]

    def _graph(self, title: str, *metrics: list[Any], threshold: int | None = None) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "title": title,
            "view": "timeSeries",
            "region": self._region,
            "stat": "Sum",
            "period": PERIOD_SECONDS,
            "metrics": metrics,
        }
        if threshold is not None:
            properties["annotations"] = {"horizontal": [{"label": "alarm", "value": threshold}]}
        return {"type": "metric", "width": _COLUMNS // 2, "height": 6, "properties": properties}


def _laid_out(rows: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The widgets with their places, from left to right and row by row."""
    placed = []
    y = 0
    for row in rows:
        x = 0
        for widget in row:
            placed.append({"x": x, "y": y, **widget})
            x += widget["width"]
        y += max(widget["height"] for widget in row)
    return placed
