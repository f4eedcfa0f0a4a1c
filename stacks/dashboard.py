"""The dashboard: is it healthy, is it keeping up, is anything set aside; read from top to bottom."""

import json
from typing import Any

from settings import Settings
from stacks.alarms import ERROR_RATE_PERCENT, LAG_MILLISECONDS, PERIOD_SECONDS, Alarms
from stacks.order_processor import OrderProcessor

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from constructs import Construct

_COLUMNS = 24
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")


class Dashboard(Construct):
    """The body follows https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        table: DynamodbTable,
        processor: OrderProcessor,
        alerts_topic: SnsTopic,
        alarms_topic: SnsTopic,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, id_)

        self._region = settings.deploy_region
        of_function = ["FunctionName", processor.function.function_name]
        of_alerts = ["TopicName", alerts_topic.name]
        alarm_states = {
            "type": "alarm",
            "width": _COLUMNS,
            "height": 3,
            "properties": {"title": "Alarms", "alarms": [alarm.arn for alarm in alarms.all()]},
        }
        widgets = [
            [alarm_states],
            [
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
            ],
            [
                self._graph(
                    "Writes to the orders table (requests)",
                    *(
                        [
                            "AWS/DynamoDB",
                            "SuccessfulRequestLatency",
                            *["TableName", table.name, "Operation", operation],
                            {"stat": "SampleCount", "label": operation},
                        ]
                        for operation in _WRITES
                    ),
                ),
                self._graph(
                    "Records processed", [processor.records_metric.namespace, processor.records_metric.name]
                ),
            ],
            [
                self._graph(
                    "Alerts on failed orders",
                    ["AWS/SNS", "NumberOfMessagesPublished", *of_alerts],
                    ["AWS/SNS", "NumberOfNotificationsFailed", *of_alerts],
                ),
                self._graph(
                    "Notices to operators: batches set aside for make redrive, and alarms",
                    ["AWS/SNS", "NumberOfMessagesPublished", "TopicName", alarms_topic.name],
                    [
                        *["AWS/Lambda", "DestinationDeliveryFailures", *of_function],
                        {"label": "batches that could not be set aside"},
                    ],
                ),
            ],
        ]
        CloudwatchDashboard(
            self,
            "dashboard",
            dashboard_name=f"order-pipeline-{settings.environment_suffix}",
            dashboard_body=json.dumps({"widgets": _laid_out(widgets)}),
        )

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
