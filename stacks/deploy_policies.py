"""What the roles of CI may do, in statements on the names that the pipeline's constructs use.

Each right is one that Terraform's recorded calls need; tests/iam tells how that is known.
"""

from dataclasses import dataclass

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
)

from settings import Settings
from stacks import alarms, encryption_key
from stacks.arns import Arns
from stacks.processor_rights import processor_rights


@dataclass(frozen=True, kw_only=True)
class When:
    """A condition, as `aws_iam_policy_document` has it: the operator, the key, any of the values."""

    operator: str
    key: str
    values: list[str]


@dataclass(frozen=True, kw_only=True)
class DeployPolicies:
    """The statements of the managed policies, each of which is on one subject, for size."""

    arns: Arns
    settings: Settings

    def of_plan_role(self) -> dict[str, list[DataAwsIamPolicyDocumentStatement]]:
        """By subject: reads configuration and the state, no order, no audit record, no log."""
        return {
            "read-data": [*self._read_state(), *self._read_data()],
            "read-compute": [*self._read_processor(), *self._read_notifications()],
        }

    def of_apply_role(self) -> dict[str, list[DataAwsIamPolicyDocumentStatement]]:
        """By subject, besides what the plan role may: changes this environment and nothing beside it."""
        return {
            "change-data": [*self._write_state(), *self._change_data(), *self._change_count()],
            "change-compute": [
                *self._change_processor(),
                *self._change_role(),
                *self._change_notifications(),
                *self._create_key(),
            ],
            "refuse": [
                *self._refuse_contents(),
                *(self._refuse_destruction() if self.settings.protect_data else []),
            ],
        }

    def of_boundary(self) -> list[DataAwsIamPolicyDocumentStatement]:
        """The most that the function can be given, whoever writes its policy."""
        arns = self.arns
        return [
            *processor_rights(
                streams=arns.streams,
                index=arns.index,
                audit_bucket=arns.audit_bucket,
                failed_batches_bucket=arns.failed_batches_bucket,
                alerts_topic=arns.alerts_topic,
            ),
            _allow("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], arns.log_group[1:]),
            # AWS managed keys admit whoever uses the service, but a boundary has to let it through.
            _allow(
                "UseServicesWithKeys",
                ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
                [arns.keys],
                When(
                    operator="StringEquals",
                    key="kms:ViaService",
                    values=[f"{service}.{arns.region}.amazonaws.com" for service in ("dynamodb", "sns")],
                ),
            ),
        ]

    def _read_state(self) -> list[DataAwsIamPolicyDocumentStatement]:
        return [
            # Without it S3 answers for a state that does not exist yet as for one that is forbidden.
            _allow("FindState", ["s3:ListBucket"], [self.arns.bucket(self.settings.state_bucket)]),
            _allow("ReadState", ["s3:GetObject"], [self.arns.state]),
        ]

    def _write_state(self) -> list[DataAwsIamPolicyDocumentStatement]:
        return [
            _allow("WriteState", ["s3:PutObject"], [self.arns.state]),
            _allow("LockState", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [self.arns.state_lock]),
        ]

    def _read_data(self) -> list[DataAwsIamPolicyDocumentStatement]:
        arns = self.arns
        return [
            _allow(
                "ReadTable",
                [
                    "dynamodb:DescribeContinuousBackups",
                    "dynamodb:DescribeTable",
                    "dynamodb:DescribeTimeToLive",
                    "dynamodb:ListTagsOfResource",
                ],
                [arns.table],
            ),
            _allow(
                "ReadBuckets",
                [
                    "s3:GetAccelerateConfiguration",
                    "s3:GetBucketAcl",
                    "s3:GetBucketCORS",
                    "s3:GetBucketLogging",
                    "s3:GetBucketNotification",
                    "s3:GetBucketObjectLockConfiguration",
                    "s3:GetBucketOwnershipControls",
                    "s3:GetBucketPolicy",
                    "s3:GetBucketPublicAccessBlock",
                    "s3:GetBucketRequestPayment",
                    "s3:GetBucketTagging",
                    "s3:GetBucketVersioning",
                    "s3:GetBucketWebsite",
                    "s3:GetEncryptionConfiguration",
                    "s3:GetLifecycleConfiguration",
                    "s3:GetReplicationConfiguration",
                    "s3:ListBucket",
                    "s3:ListTagsForResource",
                ],
                arns.buckets,
            ),
            _allow("ReadQueue", ["sqs:GetQueueAttributes", "sqs:ListQueueTags"], [arns.queue]),
            _allow(
                "ReadRule",
                ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"],
                [arns.rule],
            ),
            # The provider asks for the key that DynamoDB encrypts with of itself. Its id is not known.
            _allow(
                "FindKeyOfDynamoDb",
                ["kms:DescribeKey"],
                [arns.keys],
                When(operator="StringEquals", key="kms:RequestAlias", values=["alias/aws/dynamodb"]),
            ),
            # KMS has no resource-level permission for this action.
            _allow("FindKeyByAlias", ["kms:ListAliases"], ["*"]),
        ]

    def _read_processor(self) -> list[DataAwsIamPolicyDocumentStatement]:
        arns = self.arns
        return [
            _allow(
                "ReadFunction",
                [
                    "lambda:GetFunction",
                    "lambda:GetFunctionCodeSigningConfig",
                    "lambda:ListTags",
                    "lambda:ListVersionsByFunction",
                ],
                [arns.function],
            ),
            _allow(
                "ReadMapping", ["lambda:GetEventSourceMapping"], [arns.mappings], self._of_this_function()
            ),
            # Lambda has no condition on the function for the tags of a mapping.
            _allow("ReadMappingTags", ["lambda:ListTags"], [arns.mappings]),
            _allow(
                "ReadRole",
                [
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:ListAttachedRolePolicies",
                    "iam:ListRolePolicies",
                ],
                [arns.processor_role],
            ),
            # CloudWatch Logs has no resource-level permission for the first of these.
            _allow("FindLogGroup", ["logs:DescribeLogGroups"], ["*"]),
            _allow(
                "ReadLogGroup", ["logs:DescribeMetricFilters", "logs:ListTagsForResource"], arns.log_group
            ),
        ]

    def _read_notifications(self) -> list[DataAwsIamPolicyDocumentStatement]:
        arns = self.arns
        return [
            _allow("ReadTopics", ["sns:GetTopicAttributes", "sns:ListTagsForResource"], arns.topics),
            # SNS has no resource-level permission for this action.
            _allow("ReadSubscriptions", ["sns:GetSubscriptionAttributes"], ["*"]),
            # CloudWatch checks it on all alarms, whichever are asked for.
            _allow("FindAlarms", ["cloudwatch:DescribeAlarms"], [arns.every_alarm]),
            _allow("ReadAlarms", ["cloudwatch:ListTagsForResource"], self._alarms()),
            _allow("ReadDashboard", ["cloudwatch:GetDashboard"], [arns.dashboard]),
        ]

    def _change_data(self) -> list[DataAwsIamPolicyDocumentStatement]:
        arns = self.arns
        return [
            _allow(
                "ChangeTable",
                [
                    "dynamodb:CreateTable",
                    "dynamodb:DeleteTable",
                    "dynamodb:TagResource",
                    "dynamodb:UntagResource",
                    "dynamodb:UpdateContinuousBackups",
                    "dynamodb:UpdateTable",
                ],
                [arns.table],
            ),
            _allow(
                "ChangeBuckets",
                [
                    "s3:CreateBucket",
                    "s3:DeleteBucket",
                    "s3:DeleteBucketPolicy",
                    # To empty them.
                    "s3:ListBucketVersions",
                    "s3:PutBucketNotification",
                    "s3:PutBucketObjectLockConfiguration",
                    "s3:PutBucketOwnershipControls",
                    "s3:PutBucketPolicy",
                    "s3:PutBucketPublicAccessBlock",
                    "s3:PutBucketTagging",
                    "s3:PutBucketVersioning",
                    "s3:PutEncryptionConfiguration",
                    "s3:PutLifecycleConfiguration",
                    "s3:TagResource",
                    "s3:UntagResource",
                ],
                arns.buckets,
            ),
            _allow("EmptyBuckets", ["s3:DeleteObjectVersion"], arns.objects),
        ]

    def _change_count(self) -> list[DataAwsIamPolicyDocumentStatement]:
        """Of what counts failed batches."""
        arns = self.arns
        return [
            _allow(
                "ChangeQueue",
                [
                    "sqs:CreateQueue",
                    "sqs:DeleteQueue",
                    "sqs:SetQueueAttributes",
                    "sqs:TagQueue",
                    "sqs:UntagQueue",
                ],
                [arns.queue],
            ),
            _allow(
                "ChangeRule",
                [
                    "events:DeleteRule",
                    "events:PutRule",
                    "events:RemoveTargets",
                    "events:TagResource",
                    "events:UntagResource",
                ],
                [arns.rule],
            ),
            _allow(
                "ChangeTarget",
                ["events:PutTargets"],
                [arns.rule],
                When(operator="ForAllValues:ArnEquals", key="events:TargetArn", values=[arns.queue]),
            ),
        ]

    def _change_processor(self) -> list[DataAwsIamPolicyDocumentStatement]:
        arns = self.arns
        return [
            _allow(
                "ChangeFunction",
                [
                    "lambda:CreateFunction",
                    "lambda:DeleteFunction",
                    "lambda:TagResource",
                    "lambda:UntagResource",
                    "lambda:UpdateFunctionCode",
                    "lambda:UpdateFunctionConfiguration",
                ],
                [arns.function],
            ),
            # There is no mapping yet whose ARN could be named.
            _allow("CreateMapping", ["lambda:CreateEventSourceMapping"], ["*"], self._of_this_function()),
            _allow(
                "ChangeMapping",
                ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"],
                [arns.mappings],
                self._of_this_function(),
            ),
            # Lambda has no condition on the function for the tags of a mapping.
            _allow("TagMapping", ["lambda:TagResource", "lambda:UntagResource"], [arns.mappings]),
            _allow(
                "ChangeLogGroup",
                [
                    "logs:AssociateKmsKey",
                    "logs:CreateLogGroup",
                    "logs:DeleteLogGroup",
                    "logs:DeleteMetricFilter",
                    "logs:PutMetricFilter",
                    "logs:PutRetentionPolicy",
                    "logs:TagResource",
                    "logs:UntagResource",
                ],
                arns.log_group,
            ),
        ]

    def _change_role(self) -> list[DataAwsIamPolicyDocumentStatement]:
        """Of the function: only within the boundary, which nothing here can take off or change."""
        role = [self.arns.processor_role]
        within = When(
            operator="ArnEquals", key="iam:PermissionsBoundary", values=[self.arns.processor_boundary]
        )
        return [
            _allow(
                "ChangeRoleWithinBoundary",
                ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"],
                role,
                within,
            ),
            _allow(
                "AttachLogsPolicy",
                ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
                role,
                within,
                When(operator="ArnEquals", key="iam:PolicyARN", values=[self.arns.logs_policy]),
            ),
            # None of these gives the role a right.
            _allow(
                "ChangeRole",
                [
                    "iam:DeleteRole",
                    "iam:ListInstanceProfilesForRole",
                    "iam:TagRole",
                    "iam:UntagRole",
                    "iam:UpdateRoleDescription",
                ],
                role,
            ),
            _allow(
                "PassRoleToLambda",
                ["iam:PassRole"],
                role,
                When(operator="StringEquals", key="iam:PassedToService", values=["lambda.amazonaws.com"]),
            ),
        ]

    def _change_notifications(self) -> list[DataAwsIamPolicyDocumentStatement]:
        arns = self.arns
        return [
            _allow(
                "ChangeTopics",
                [
                    "sns:CreateTopic",
                    "sns:DeleteTopic",
                    "sns:SetTopicAttributes",
                    "sns:TagResource",
                    "sns:UntagResource",
                ],
                arns.topics,
            ),
            _allow(
                "SubscribePeople",
                ["sns:Subscribe"],
                arns.topics,
                When(operator="StringEquals", key="sns:Protocol", values=["email"]),
            ),
            # SNS has no resource-level permission for this action.
            _allow("Unsubscribe", ["sns:Unsubscribe"], ["*"]),
            _allow(
                "ChangeAlarms",
                [
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:TagResource",
                    "cloudwatch:UntagResource",
                ],
                self._alarms(),
            ),
            _allow(
                "ChangeDashboard",
                ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"],
                [arns.dashboard],
            ),
        ]

    def _create_key(self) -> list[DataAwsIamPolicyDocumentStatement]:
        """All else about the key is in its own policy, which counts from the moment that it exists.

        Rights by its tags or its alias would count up to five minutes later:
        https://docs.aws.amazon.com/kms/latest/developerguide/tag-authorization.html
        """
        tags = {
            "Environment": self.arns.names.suffix,
            "Purpose": encryption_key.PURPOSE,
        }
        return [
            # KMS has no resource-level permission for these: there is no key yet.
            _allow(
                "CreateKey",
                ["kms:CreateKey", "kms:TagResource"],
                ["*"],
                *(
                    When(operator="StringEquals", key=f"aws:RequestTag/{tag}", values=[value])
                    for tag, value in tags.items()
                ),
                # A key in the making has no tags yet; one that has these with other values is not ours.
                *(
                    When(operator="StringEqualsIfExists", key=f"aws:ResourceTag/{tag}", values=[value])
                    for tag, value in tags.items()
                ),
            ),
            _allow("ChangeAlias", ["kms:CreateAlias", "kms:DeleteAlias"], [self.arns.key_alias]),
        ]

    def _refuse_contents(self) -> list[DataAwsIamPolicyDocumentStatement]:
        """What policies of the buckets, queue and topics could grant, which the apply role writes.

        Not the use of keys: DynamoDB uses its own in the name of whoever creates a table.
        """
        arns = self.arns
        return [
            DataAwsIamPolicyDocumentStatement(
                sid="RefuseObjects",
                effect="Deny",
                not_actions=["s3:DeleteObjectVersion"],
                resources=arns.objects,
            ),
            _deny(
                "RefuseCopies",
                ["s3:PutInventoryConfiguration", "s3:PutReplicationConfiguration"],
                arns.buckets,
            ),
            _deny("RefuseAlerts", ["sns:Publish"], arns.topics),
            _deny(
                "RefuseMessages",
                ["sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:ReceiveMessage", "sqs:SendMessage"],
                [arns.queue],
            ),
        ]

    def _refuse_destruction(self) -> list[DataAwsIamPolicyDocumentStatement]:
        """And what would lead to it: an administrator changes these, with rights of their own."""
        arns = self.arns
        return [
            _deny("KeepTable", ["dynamodb:DeleteTable", "dynamodb:UpdateContinuousBackups"], [arns.table]),
            _deny(
                "KeepBuckets",
                [
                    "s3:DeleteBucket",
                    "s3:DeleteBucketPolicy",
                    "s3:PutBucketObjectLockConfiguration",
                    "s3:PutBucketOwnershipControls",
                    "s3:PutBucketPolicy",
                    "s3:PutBucketPublicAccessBlock",
                    "s3:PutBucketVersioning",
                    "s3:PutEncryptionConfiguration",
                    "s3:PutLifecycleConfiguration",
                ],
                arns.buckets,
            ),
            # Whatever S3 can do to an object, now and later.
            _deny("KeepObjects", ["s3:*"], arns.objects),
            _deny(
                "KeepKeys",
                ["kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
                [arns.keys],
            ),
            # A role that is made anew can be trusted to others.
            _deny("KeepRole", ["iam:DeleteRole"], [arns.processor_role]),
        ]

    def _alarms(self) -> list[str]:
        return self.arns.alarms(*alarms.SUBJECTS)

    def _of_this_function(self) -> When:
        return When(operator="ArnEquals", key="lambda:FunctionArn", values=[self.arns.function])


def _allow(
    sid: str, actions: list[str], resources: list[str], *conditions: When
) -> DataAwsIamPolicyDocumentStatement:
    return DataAwsIamPolicyDocumentStatement(
        sid=sid,
        actions=actions,
        resources=resources,
        condition=[
            DataAwsIamPolicyDocumentStatementCondition(
                test=condition.operator, variable=condition.key, values=condition.values
            )
            for condition in conditions
        ]
        or None,
    )


def _deny(sid: str, actions: list[str], resources: list[str]) -> DataAwsIamPolicyDocumentStatement:
    return DataAwsIamPolicyDocumentStatement(sid=sid, effect="Deny", actions=actions, resources=resources)
