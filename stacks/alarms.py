"""The alarms on the order processor; what to do about each is in docs/operations.md."""

from settings import Settings

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from constructs import Construct

PERIOD_SECONDS = 300
ERROR_RATE_PERCENT = 5
LAG_MILLISECONDS = 15 * 60 * 1000


class Alarms(Construct):
    """Each tells the alarms topic when it goes off and when it is over.

    None goes off on missing data: without invocations or alerts there are no data points.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        table: DynamodbTable,
        function: LambdaFunction,
        alerts_topic: SnsTopic,
        alarms_topic: SnsTopic,
    ) -> None:
        super().__init__(scope, id_)

        self._suffix = settings.environment_suffix
        self._actions = [alarms_topic.arn]
        of_function = {"FunctionName": function.function_name}

        self.error_rate = self._math_alarm(
            "error-rate",
            name="order-processor-error-rate-alarm",
            description=(
                f"The order processor's error rate exceeds {ERROR_RATE_PERCENT}% over 5 minutes. Changes "
                "wait in the stream, none is lost yet. First: read the errors in the function's log."
            ),
            label="Error rate (%)",
            expression="(errors / invocations) * 100",
            metrics=[
                _query("errors", "AWS/Lambda", "Errors", of_function),
                _query("invocations", "AWS/Lambda", "Invocations", of_function),
            ],
            threshold=ERROR_RATE_PERCENT,
            periods=1,
        )
        self.stalled = self._math_alarm(
            "stalled",
            name="order-processor-stalled-alarm",
            description=(
                "Orders have been written for 15 minutes, and the order processor has not run: nothing reads "
                "the stream, which keeps changes for 24 hours. First: see whether the event source mapping "
                "is enabled, and what it says of its last result."
            ),
            label="Writes without a run",
            expression=(
                "IF(FILL(puts, 0) + FILL(updates, 0) + FILL(deletes, 0) > 0 "
                "AND FILL(invocations, 0) == 0, 1, 0)"
            ),
            metrics=[
                _query("invocations", "AWS/Lambda", "Invocations", of_function),
                *(
                    _query(
                        id_,
                        "AWS/DynamoDB",
                        "SuccessfulRequestLatency",
                        {"TableName": table.name, "Operation": operation},
                        stat="SampleCount",
                    )
                    for id_, operation in {
                        "puts": "PutItem",
                        "updates": "UpdateItem",
                        "deletes": "DeleteItem",
                    }.items()
                ),
            ],
            threshold=0,
            periods=3,
        )
        self.lag = self._alarm(
            "lag",
            name="order-processor-lag-alarm",
            description=(
                "Changes are processed more than 15 minutes after they were made. The stream keeps them for "
                "24 hours. First: see whether the alarms on errors and throttles are on too; if neither is, "
                "writes outpace the function."
            ),
            namespace="AWS/Lambda",
            metric_name="IteratorAge",
            dimensions=of_function,
            statistic="Maximum",
            threshold=LAG_MILLISECONDS,
        )
        self.throttles = self._alarm(
            "throttles",
            name="order-processor-throttles-alarm",
            description=(
                "Lambda does not run the order processor for lack of concurrency. It retries, so changes are "
                "late, not lost. First: look for the function that uses up the account's concurrency."
            ),
            namespace="AWS/Lambda",
            metric_name="Throttles",
            dimensions=of_function,
            statistic="Sum",
            threshold=0,
        )
        self.lost_records = self._alarm(
            "lost-records",
            name="order-processor-lost-records-alarm",
            description=(
                "Lambda could not put failed batches into the audit bucket; their changes are lost to the "
                "audit. First: restore the function's right to write to the bucket, then run make reconcile."
            ),
            namespace="AWS/Lambda",
            metric_name="DestinationDeliveryFailures",
            dimensions=of_function,
            statistic="Sum",
            threshold=0,
        )
        self.undelivered_alerts = self._alarm(
            "undelivered-alerts",
            name="order-alerts-undelivered-alarm",
            description=(
                "SNS could not deliver alerts on failed orders to a subscriber. First: check the alerts "
                "topic's subscriptions; the failed orders are in the table's index by status."
            ),
            namespace="AWS/SNS",
            metric_name="NumberOfNotificationsFailed",
            dimensions={"TopicName": alerts_topic.name},
            statistic="Sum",
            threshold=0,
        )

    def all(self) -> list[CloudwatchMetricAlarm]:
        """Every alarm, the most telling first."""
        return [
            self.error_rate,
            self.lag,
            self.stalled,
            self.throttles,
            self.lost_records,
            self.undelivered_alerts,
        ]

    def _math_alarm(
        self,
        id_: str,
        *,
        name: str,
        description: str,
        label: str,
        expression: str,
        metrics: list[CloudwatchMetricAlarmMetricQuery],
        threshold: int,
        periods: int,
    ) -> CloudwatchMetricAlarm:
        return CloudwatchMetricAlarm(
            self,
            id_,
            alarm_name=f"{name}-{self._suffix}",
            alarm_description=description,
            metric_query=[
                CloudwatchMetricAlarmMetricQuery(
                    id=id_.replace("-", "_"), label=label, expression=expression, return_data=True
                ),
                *metrics,
            ],
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data="notBreaching",
            alarm_actions=self._actions,
            ok_actions=self._actions,
        )

    def _alarm(
        self,
        id_: str,
        *,
        name: str,
        description: str,
        namespace: str,
        metric_name: str,
        dimensions: dict[str, str],
        statistic: str,
        threshold: int,
    ) -> CloudwatchMetricAlarm:
        return CloudwatchMetricAlarm(
            self,
            id_,
            alarm_name=f"{name}-{self._suffix}",
            alarm_description=description,
            namespace=namespace,
            metric_name=metric_name,
            dimensions=dimensions,
            statistic=statistic,
            period=PERIOD_SECONDS,
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=self._actions,
            ok_actions=self._actions,
        )


def _query(
    id_: str, namespace: str, metric_name: str, dimensions: dict[str, str], *, stat: str = "Sum"
) -> CloudwatchMetricAlarmMetricQuery:
    return CloudwatchMetricAlarmMetricQuery(
        id=id_,
        metric=CloudwatchMetricAlarmMetricQueryMetric(
            namespace=namespace,
            metric_name=metric_name,
            dimensions=dimensions,
            period=PERIOD_SECONDS,
            stat=stat,
        ),
    )
