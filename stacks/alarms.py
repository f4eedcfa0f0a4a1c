"""The alarms on the order processor, and the topic that carries them."""

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import Construct

from stacks.notification_topic import NotificationTopic
from stacks.settings import Settings

_PERIOD_SECONDS = 300


class Alarms(Construct):
    """CloudWatch publishes to a topic of its own, see EncryptionKey for why."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        caller: DataAwsCallerIdentity,
        partition: DataAwsPartition,
        key: KmsKey,
        function: LambdaFunction,
    ) -> None:
        super().__init__(scope, id_)

        self.topic = NotificationTopic(
            self,
            "notifications",
            name=f"order-alarms-topic-{settings.environment_suffix}",
            kms_key=key.arn,
            emails=settings.alert_emails,
            purpose="Alarms on the order pipeline",
        ).topic
        alarms_arn = (
            f"arn:{partition.partition}:cloudwatch:{settings.deploy_region}:{caller.account_id}:alarm:*"
        )
        SnsTopicPolicy(
            self,
            "topic-policy",
            arn=self.topic.arn,
            policy=DataAwsIamPolicyDocument(
                self,
                "publishers",
                statement=[
                    DataAwsIamPolicyDocumentStatement(
                        sid="AlarmsPublish",
                        principals=[
                            DataAwsIamPolicyDocumentStatementPrincipals(
                                type="Service", identifiers=["cloudwatch.amazonaws.com"]
                            )
                        ],
                        actions=["sns:Publish"],
                        resources=[self.topic.arn],
                        condition=[
                            DataAwsIamPolicyDocumentStatementCondition(
                                test="StringEquals", variable="aws:SourceAccount", values=[caller.account_id]
                            ),
                            DataAwsIamPolicyDocumentStatementCondition(
                                test="ArnLike", variable="aws:SourceArn", values=[alarms_arn]
                            ),
                        ],
                    )
                ],
            ).json,
        )
        self.error_rate = CloudwatchMetricAlarm(
            self,
            "error-rate",
            alarm_name=f"order-processor-error-rate-alarm-{settings.environment_suffix}",
            alarm_description="The order processor's error rate exceeds 5% over 5 minutes.",
            metric_query=[
                CloudwatchMetricAlarmMetricQuery(
                    id="error_rate",
                    label="Error rate (%)",
                    expression="(errors / invocations) * 100",
                    return_data=True,
                ),
                _function_metric("errors", metric_name="Errors", function=function),
                _function_metric("invocations", metric_name="Invocations", function=function),
            ],
            comparison_operator="GreaterThanThreshold",
            threshold=5,
            evaluation_periods=1,
            # Without invocations there is no data point.
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic.arn],
            ok_actions=[self.topic.arn],
        )


def _function_metric(
    id_: str, *, metric_name: str, function: LambdaFunction
) -> CloudwatchMetricAlarmMetricQuery:
    return CloudwatchMetricAlarmMetricQuery(
        id=id_,
        metric=CloudwatchMetricAlarmMetricQueryMetric(
            namespace="AWS/Lambda",
            metric_name=metric_name,
            dimensions={"FunctionName": function.function_name},
            period=_PERIOD_SECONDS,
            stat="Sum",
        ),
    )
