"""The topic that carries alarms to the people who operate the pipeline."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import Construct

from names import Names
from settings import Settings
from stacks.notification_topic import NotificationTopic


class AlarmsTopic(Construct):
    """Apart from the alerts topic, since CloudWatch can publish only with a key that admits it."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        names: Names,
        partition: DataAwsPartition,
        key: KmsKey,
    ) -> None:
        super().__init__(scope, id_)

        self.topic = NotificationTopic(
            self,
            "notifications",
            name=names.alarms_topic,
            kms_key=key.arn,
            emails=settings.alert_emails,
            purpose="Alarms on the order pipeline",
        ).topic
        alarms = f"arn:{partition.partition}:cloudwatch:{settings.deploy_region}:{names.account_id}:alarm:*"
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
                                test="StringEquals",
                                variable="aws:SourceAccount",
                                values=[names.account_id],
                            ),
                            DataAwsIamPolicyDocumentStatementCondition(
                                test="ArnLike", variable="aws:SourceArn", values=[alarms]
                            ),
                        ],
                    ),
                ],
            ).json,
        )
