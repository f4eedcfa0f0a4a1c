"""The key for what AWS services write on their own behalf, which no AWS managed key lets them do."""

from names import Names
from settings import Settings

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct


class EncryptionKey(Construct):
    """A customer-managed key for the alarms topic and the function's logs.

    CloudWatch alarms cannot publish to a topic encrypted with `alias/aws/sns`: the policy of that key does
    not admit them and cannot be edited.
    """

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, names: Names, partition: DataAwsPartition
    ) -> None:
        super().__init__(scope, id_)

        self.key = KmsKey(
            self,
            "key",
            description=f"Order pipeline {names.suffix}: alarms topic and function logs",
            enable_key_rotation=True,
            # The shortest wait that KMS allows; a destroyed environment is gone for good after it.
            deletion_window_in_days=7,
            policy=self._policy(settings, names, f"arn:{partition.partition}").json,
            tags={"Purpose": "Encryption of alarms and function logs"},
        )
        KmsAlias(self, "alias", name=names.key_alias, target_key_id=self.key.key_id)

    def _policy(self, settings: Settings, names: Names, arn: str) -> DataAwsIamPolicyDocument:
        # In a key's policy the resource "*" is the key itself.
        region = settings.deploy_region
        return DataAwsIamPolicyDocument(
            self,
            "key-policy",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    sid="AccountAdministersKey",
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(
                            type="AWS", identifiers=[f"{arn}:iam::{names.account_id}:root"]
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
                    condition=DataAwsIamPolicyDocumentStatementCondition(
                        test="StringEquals", variable="aws:SourceAccount", values=[names.account_id]
                    ),
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
                    condition=DataAwsIamPolicyDocumentStatementCondition(
                        test="ArnEquals",
                        variable="kms:EncryptionContext:aws:logs:arn",
                        values=[
                            f"{arn}:logs:{region}:{names.account_id}:log-group:{names.processor_log_group}"
                        ],
                    ),
                ),
            ],
        )


def _service_statement(
    sid: str, *, service: str, actions: list[str], condition: DataAwsIamPolicyDocumentStatementCondition
) -> DataAwsIamPolicyDocumentStatement:
    return DataAwsIamPolicyDocumentStatement(
        sid=sid,
        principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=[service])],
        actions=actions,
        resources=["*"],
        condition=[condition],
    )
