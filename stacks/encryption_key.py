"""The key for what AWS services write on their own behalf, which no AWS managed key lets them do."""

from settings import Settings

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from constructs import Construct


class EncryptionKey(Construct):
    """A customer-managed key for the alarms topic and the function's logs.

    CloudWatch alarms and S3 cannot publish to a topic encrypted with `alias/aws/sns`: the policy of that key
    does not admit them and cannot be edited.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        caller: DataAwsCallerIdentity,
        partition: DataAwsPartition,
        audit_bucket: S3Bucket,
        log_group_name: str,
    ) -> None:
        super().__init__(scope, id_)

        account_only = DataAwsIamPolicyDocumentStatementCondition(
            test="StringEquals", variable="aws:SourceAccount", values=[caller.account_id]
        )
        arn = f"arn:{partition.partition}"
        region = settings.deploy_region
        # In a key's policy the resource "*" is the key itself.
        policy = DataAwsIamPolicyDocument(
            self,
            "key-policy",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    sid="AccountAdministersKey",
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(
                            type="AWS", identifiers=[f"{arn}:iam::{caller.account_id}:root"]
                        )
                    ],
                    # Without the whole of it a key can end up with nobody left who may change or delete it.
                    actions=["kms:*"],
                    resources=["*"],
                ),
                _service_statement(
                    "AlarmsUseKey",
                    service="cloudwatch.amazonaws.com",
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    conditions=[account_only],
                ),
                _service_statement(
                    "AuditBucketUsesKey",
                    service="s3.amazonaws.com",
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    conditions=[
                        account_only,
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="ArnEquals", variable="aws:SourceArn", values=[audit_bucket.arn]
                        ),
                    ],
                ),
                _service_statement(
                    "LogGroupUsesKey",
                    service=f"logs.{region}.amazonaws.com",
                    actions=[
                        "kms:Decrypt",
                        "kms:DescribeKey",
                        "kms:Encrypt",
                        "kms:GenerateDataKey*",
                        "kms:ReEncrypt*",
                    ],
                    conditions=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="ArnEquals",
                            variable="kms:EncryptionContext:aws:logs:arn",
                            values=[f"{arn}:logs:{region}:{caller.account_id}:log-group:{log_group_name}"],
                        )
                    ],
                ),
            ],
        )
        self.key = KmsKey(
            self,
            "key",
            description=f"Order pipeline {settings.environment_suffix}: alarms topic and function logs",
            enable_key_rotation=True,
            # The shortest wait that KMS allows; a destroyed environment is gone for good after it.
            deletion_window_in_days=7,
            policy=policy.json,
            tags={"Purpose": "Encryption of alarms and function logs"},
        )
        KmsAlias(
            self,
            "alias",
            name=f"alias/order-pipeline-key-{settings.environment_suffix}",
            target_key_id=self.key.key_id,
        )


def _service_statement(
    sid: str,
    *,
    service: str,
    actions: list[str],
    conditions: list[DataAwsIamPolicyDocumentStatementCondition],
) -> DataAwsIamPolicyDocumentStatement:
    return DataAwsIamPolicyDocumentStatement(
        sid=sid,
        principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=[service])],
        actions=actions,
        resources=["*"],
        condition=conditions,
    )
