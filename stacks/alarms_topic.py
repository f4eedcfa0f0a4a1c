"""The topic that carries what needs an operator: alarms, and batches that the function could not process."""

from settings import Settings
from stacks.notification_topic import NotificationTopic

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_notification import (
    S3BucketNotification,
    S3BucketNotificationTopic,
)
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import Construct


class AlarmsTopic(Construct):
    """Apart from the alerts topic, since CloudWatch and S3 can publish only with a key that admits them."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        caller: DataAwsCallerIdentity,
        partition: DataAwsPartition,
        key: KmsKey,
        audit_bucket: S3Bucket,
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
        alarms = f"arn:{partition.partition}:cloudwatch:{settings.deploy_region}:{caller.account_id}:alarm:*"
        policy = SnsTopicPolicy(
            self,
            "topic-policy",
            arn=self.topic.arn,
            policy=DataAwsIamPolicyDocument(
                self,
                "publishers",
                statement=[
                    self._publish("AlarmsPublish", "cloudwatch.amazonaws.com", "ArnLike", alarms, caller),
                    self._publish(
                        "AuditBucketPublishes", "s3.amazonaws.com", "ArnEquals", audit_bucket.arn, caller
                    ),
                ],
            ).json,
        )
        S3BucketNotification(
            self,
            "failed-batches",
            bucket=audit_bucket.id,
            topic=[
                S3BucketNotificationTopic(
                    topic_arn=self.topic.arn,
                    events=["s3:ObjectCreated:*"],
                    # Where Lambda puts the batches that it gave up on.
                    filter_prefix="aws/lambda/",
                )
            ],
            # S3 publishes a test message when the notification is made.
            depends_on=[policy],
        )

    def _publish(
        self, sid: str, service: str, test: str, source_arn: str, caller: DataAwsCallerIdentity
    ) -> DataAwsIamPolicyDocumentStatement:
        return DataAwsIamPolicyDocumentStatement(
            sid=sid,
            principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=[service])],
            actions=["sns:Publish"],
            resources=[self.topic.arn],
            condition=[
                DataAwsIamPolicyDocumentStatementCondition(
                    test="StringEquals", variable="aws:SourceAccount", values=[caller.account_id]
                ),
                DataAwsIamPolicyDocumentStatementCondition(
                    test=test, variable="aws:SourceArn", values=[source_arn]
                ),
            ],
        )
