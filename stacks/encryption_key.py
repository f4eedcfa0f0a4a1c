"""The key for what AWS services write on their own behalf, which no AWS managed key lets them do."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from names import Names
from settings import Settings
from stacks.arns import Arns

PURPOSE = "Encryption of alarms and function logs"

_READING = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"]
_CHANGING = [
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DisableKeyRotation",
    "kms:EnableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
]


class EncryptionKey(Construct):
    """A customer-managed key for the alarms topic and the function's logs.

    CloudWatch alarms cannot publish to a topic encrypted with `alias/aws/sns`: the policy of that key does
    not admit them and cannot be edited.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, names: Names, arns: Arns) -> None:
        super().__init__(scope, id_)

        self.key = KmsKey(
            self,
            "key",
            description=f"Order pipeline {names.suffix}: alarms topic and function logs",
            enable_key_rotation=True,
            # The shortest wait that KMS allows; a destroyed environment is gone for good after it.
            deletion_window_in_days=7,
            policy=self._policy(settings, names, arns).json,
            tags={"Purpose": PURPOSE},
        )
        KmsAlias(self, "alias", name=names.key_alias, target_key_id=self.key.key_id)

    def _policy(self, settings: Settings, names: Names, arns: Arns) -> DataAwsIamPolicyDocument:
        # In a key's policy the resource "*" is the key itself.
        return DataAwsIamPolicyDocument(
            self,
            "key-policy",
            statement=[
                # Without the whole of it a key can end up with nobody left who may change or delete it.
                _statement(
                    "AccountAdministersKey",
                    "AWS",
                    f"arn:{arns.partition}:iam::{names.account_id}:root",
                    actions=["kms:*"],
                ),
                _statement(
                    "AlarmsUseKey",
                    "Service",
                    "cloudwatch.amazonaws.com",
                    # What SNS asks of a service that publishes, the whole family of data keys included:
                    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    condition=DataAwsIamPolicyDocumentStatementCondition(
                        test="StringEquals", variable="aws:SourceAccount", values=[names.account_id]
                    ),
                ),
                _statement(
                    "LogGroupUsesKey",
                    "Service",
                    f"logs.{settings.deploy_region}.amazonaws.com",
                    # What CloudWatch Logs asks for, whole families included: ReEncrypt* is ReEncryptFrom and
                    # ReEncryptTo, by which it moves its data keys from one key to another:
                    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
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
                        values=[arns.log_group[0]],
                    ),
                ),
                *(_of_ci_roles(arns) if settings.ci_roles else []),
            ],
        )


def _of_ci_roles(arns: Arns) -> list[DataAwsIamPolicyDocumentStatement]:
    """The rights of CI's roles on this key and no other, from the moment that it exists."""
    return [
        _statement("CiReadsKey", "AWS", arns.plan_role, arns.apply_role, actions=_READING),
        _statement("CiChangesKey", "AWS", arns.apply_role, actions=_CHANGING),
    ]


def _statement(
    sid: str,
    principal_type: str,
    *principals: str,
    actions: list[str],
    condition: DataAwsIamPolicyDocumentStatementCondition | None = None,
) -> DataAwsIamPolicyDocumentStatement:
    return DataAwsIamPolicyDocumentStatement(
        sid=sid,
        principals=[
            DataAwsIamPolicyDocumentStatementPrincipals(type=principal_type, identifiers=list(principals))
        ],
        actions=actions,
        resources=["*"],
        condition=[condition] if condition else None,
    )
