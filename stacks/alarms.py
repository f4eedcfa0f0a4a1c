"""The alarms on the order pipeline; what to do about each is in docs/operations.md."""

from dataclasses import dataclass

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from constructs import Construct

from names import STATUS_INDEX, Names
from stacks.failed_batches import COUNTED_DAYS

PERIOD_SECONDS = 300
ERROR_RATE_PERCENT = 5
LAG_MILLISECONDS = 15 * 60 * 1000

# What there is an alarm on: the roles of CI have rights on exactly these.
SUBJECTS = (
    "order-alerts-undelivered",
    "order-failed-batches",
    "order-processor-error-rate",
    "order-processor-lag",
    "order-processor-lost-records",
    "order-processor-stalled",
    "order-processor-throttles",
    "orders-table-throttled-index",
    "orders-table-throttled-writers",
)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric of one resource: see the service's list of metrics for its meaning and unit."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    statistic: str = "Sum"


@dataclass(frozen=True, kw_only=True)
class MetricMath:
    """An expression over metrics by their ids, and what a graph calls its result.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html.
    """

    label: str
    expression: str
    metrics: dict[str, Metric]


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Goes off when what it watches exceeds the threshold in so many periods of five minutes.

    `id` is the construct's, `subject` what its physical name begins with, `means` what an operator has to
    know and `first` what to do first, each without its full stop.
    """

    id: str
    subject: str
    means: str
    first: str
    watches: Metric | MetricMath
    threshold: int = 0
    periods: int = 1

    @property
    def description(self) -> str:
        return f"{self.means}. First: {self.first}."


class Alarms(Construct):
    """Each tells the alarms topic when it goes off and when it is over.

    None goes off on missing data: without invocations or alerts there are no data points.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        table: DynamodbTable,
        function: LambdaFunction,
        failed_batches_queue: SqsQueue,
        alerts_topic: SnsTopic,
        alarms_topic: SnsTopic,
    ) -> None:
        super().__init__(scope, id_)

        of_function = {"FunctionName": function.function_name}
        of_table = {"TableName": table.name}
        self._names = names
        self._actions = [alarms_topic.arn]
        self.by_id = {
            alarm.id: self._alarm(alarm)
            for alarm in [
                *_of_processing(of_function),
                *_of_reading(of_function, of_table),
                *_of_outcome(of_function, failed_batches_queue, alerts_topic),
                *_of_writing(of_table),
            ]
        }

    def _alarm(self, alarm: Alarm) -> CloudwatchMetricAlarm:
        metric = alarm.watches if isinstance(alarm.watches, Metric) else None
        math = alarm.watches if isinstance(alarm.watches, MetricMath) else None
        return CloudwatchMetricAlarm(
            self,
            alarm.id,
            alarm_name=self._names.alarm(alarm.subject),
            alarm_description=alarm.description,
            namespace=metric.namespace if metric else None,
            metric_name=metric.name if metric else None,
            dimensions=metric.dimensions if metric else None,
            statistic=metric.statistic if metric else None,
            period=PERIOD_SECONDS if metric else None,
            metric_query=_queries(alarm.id, math) if math else None,
            comparison_operator="GreaterThanThreshold",
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            treat_missing_data="notBreaching",
            alarm_actions=self._actions,
            ok_actions=self._actions,
        )


def _of_processing(of_function: dict[str, str]) -> list[Alarm]:
    return [
        Alarm(
            id="error-rate",
            subject="order-processor-error-rate",
            means=(
                f"The order processor's error rate exceeds {ERROR_RATE_PERCENT}% over 5 minutes. Changes "
                "wait in the stream, none is lost yet"
            ),
            first="read the errors in the function's log",
            watches=MetricMath(
                label="Error rate (%)",
                expression="(errors / invocations) * 100",
                metrics={
                    "errors": Metric(namespace="AWS/Lambda", name="Errors", dimensions=of_function),
                    "invocations": _invocations(of_function),
                },
            ),
            threshold=ERROR_RATE_PERCENT,
        ),
        Alarm(
            id="lag",
            subject="order-processor-lag",
            means=(
                "Changes are processed more than 15 minutes after they were made. The stream keeps them for "
                "24 hours"
            ),
            first=(
                "see whether the alarms on errors and throttles are on too; if neither is, writes outpace "
                "the function"
            ),
            watches=Metric(
                namespace="AWS/Lambda", name="IteratorAge", dimensions=of_function, statistic="Maximum"
            ),
            threshold=LAG_MILLISECONDS,
        ),
    ]


def _of_reading(of_function: dict[str, str], of_table: dict[str, str]) -> list[Alarm]:
    return [
        Alarm(
            id="stalled",
            subject="order-processor-stalled",
            means=(
                "Orders have been written for 15 minutes, and the order processor has not run: nothing reads "
                "the stream, which keeps changes for 24 hours"
            ),
            first=("see whether the event source mapping is enabled, and what it says of its last result"),
            watches=MetricMath(
                label="Writes without a run",
                expression="IF(FILL(writes, 0) > 0 AND FILL(invocations, 0) == 0, 1, 0)",
                metrics={
                    "invocations": _invocations(of_function),
                    # Of every kind of write: single, batch, transaction and PartiQL.
                    "writes": Metric(
                        namespace="AWS/DynamoDB", name="ConsumedWriteCapacityUnits", dimensions=of_table
                    ),
                },
            ),
            periods=3,
        ),
        Alarm(
            id="throttles",
            subject="order-processor-throttles",
            means=(
                "Lambda does not run the order processor for lack of concurrency. It retries, so changes are "
                "late, not lost"
            ),
            first="look for the function that uses up the account's concurrency",
            watches=Metric(namespace="AWS/Lambda", name="Throttles", dimensions=of_function),
        ),
    ]


def _of_outcome(
    of_function: dict[str, str], failed_batches_queue: SqsQueue, alerts_topic: SnsTopic
) -> list[Alarm]:
    return [
        Alarm(
            id="lost-records",
            subject="order-processor-lost-records",
            means=(
                "Lambda could not put failed batches into their bucket; their changes are lost to the audit"
            ),
            first="restore the function's right to write to the bucket, then run make reconcile",
            watches=Metric(
                namespace="AWS/Lambda", name="DestinationDeliveryFailures", dimensions=of_function
            ),
        ),
        Alarm(
            id="failed-batches",
            subject="order-failed-batches",
            means=(
                "Batches of changes wait in the failed-batches bucket: their changes have no audit record "
                "and raised no alert. The alarm is on while SQS counts one that waits, "
                f"{COUNTED_DAYS} days at most"
            ),
            first="run make redrive ARGS=--list, which says why each failed",
            watches=Metric(
                namespace="AWS/SQS",
                name="ApproximateNumberOfMessagesVisible",
                dimensions={"QueueName": failed_batches_queue.name},
                statistic="Maximum",
            ),
        ),
        Alarm(
            id="undelivered-alerts",
            subject="order-alerts-undelivered",
            means="SNS could not deliver alerts on failed orders to a subscriber",
            first=(
                "check the alerts topic's subscriptions; the failed orders are in the table's index by status"
            ),
            watches=Metric(
                namespace="AWS/SNS",
                name="NumberOfNotificationsFailed",
                dimensions={"TopicName": alerts_topic.name},
            ),
        ),
    ]


def _of_writing(of_table: dict[str, str]) -> list[Alarm]:
    return [
        Alarm(
            id="throttled-writers",
            subject="orders-table-throttled-writers",
            means="DynamoDB throttles writes to the orders table: writers fail, or wait and retry",
            first="look for the order id that is written most, a partition takes 1,000 writes a second",
            watches=Metric(namespace="AWS/DynamoDB", name="WriteThrottleEvents", dimensions=of_table),
        ),
        Alarm(
            id="throttled-index",
            subject="orders-table-throttled-index",
            means=(
                "DynamoDB throttles writes to the table's index by status, and with them the writers of the "
                "table: a status that most orders have at the moment is one partition of the index"
            ),
            first="see whether writers can slow down; if this is the usual load, the index needs another key",
            watches=Metric(
                namespace="AWS/DynamoDB",
                name="WriteThrottleEvents",
                dimensions={**of_table, "GlobalSecondaryIndexName": STATUS_INDEX},
            ),
        ),
    ]


def _invocations(of_function: dict[str, str]) -> Metric:
    return Metric(namespace="AWS/Lambda", name="Invocations", dimensions=of_function)


def _queries(alarm_id: str, math: MetricMath) -> list[CloudwatchMetricAlarmMetricQuery]:
    result = CloudwatchMetricAlarmMetricQuery(
        id=alarm_id.replace("-", "_"), label=math.label, expression=math.expression, return_data=True
    )
    return [
        result,
        *(
            CloudwatchMetricAlarmMetricQuery(
                id=id_,
                metric=CloudwatchMetricAlarmMetricQueryMetric(
                    namespace=metric.namespace,
                    metric_name=metric.name,
                    dimensions=metric.dimensions,
                    period=PERIOD_SECONDS,
                    stat=metric.statistic,
                ),
            )
            for id_, metric in math.metrics.items()
        ),
    ]
