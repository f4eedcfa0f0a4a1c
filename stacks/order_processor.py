"""The function that audits every change of an order and alerts when one fails, its stream and its rights."""

from pathlib import Path

from settings import Settings
from stacks.function_package import FunctionPackage
from stacks.orders_table import OrdersTable

from cdktf import Fn
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import (
    CloudwatchLogMetricFilter,
    CloudwatchLogMetricFilterMetricTransformation,
)
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.lambda_event_source_mapping import (
    LambdaEventSourceMapping,
    LambdaEventSourceMappingDestinationConfig,
    LambdaEventSourceMappingDestinationConfigOnFailure,
)
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
)
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from constructs import Construct

_SOURCE = Path(__file__).parents[1] / "lambda" / "order-processor"


class OrderProcessor(Construct):
    """Reads the table's stream in order; what it cannot process goes to the bucket under `aws/lambda/`."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        partition: DataAwsPartition,
        orders: OrdersTable,
        audit_bucket: S3Bucket,
        alerts_topic: SnsTopic,
        log_key: KmsKey,
    ) -> None:
        super().__init__(scope, id_)

        role = IamRole(
            self,
            "role",
            name=f"order-processor-role-{settings.environment_suffix}",
            assume_role_policy=DataAwsIamPolicyDocument(
                self,
                "assume-role",
                statement=[
                    DataAwsIamPolicyDocumentStatement(
                        actions=["sts:AssumeRole"],
                        principals=[
                            DataAwsIamPolicyDocumentStatementPrincipals(
                                type="Service", identifiers=["lambda.amazonaws.com"]
                            )
                        ],
                    )
                ],
            ).json,
        )
        data_policy = IamRolePolicy(
            self,
            "data-policy",
            name=f"order-processor-policy-{settings.environment_suffix}",
            role=role.id,
            policy=DataAwsIamPolicyDocument(
                self,
                "data-access",
                statement=[
                    DataAwsIamPolicyDocumentStatement(
                        sid="ReadStream",
                        actions=[
                            "dynamodb:DescribeStream",
                            "dynamodb:GetRecords",
                            "dynamodb:GetShardIterator",
                            "dynamodb:ListStreams",
                        ],
                        resources=[orders.table.stream_arn],
                    ),
                    DataAwsIamPolicyDocumentStatement(
                        sid="ListStreams",
                        actions=["dynamodb:ListStreams"],
                        # DynamoDB has no resource-level permission for this action.
                        resources=["*"],
                    ),
                    DataAwsIamPolicyDocumentStatement(
                        sid="CountOrdersByStatus",
                        actions=["dynamodb:Query"],
                        resources=[
                            orders.table.arn,
                            f"{orders.table.arn}/index/{orders.status_index_name}",
                        ],
                    ),
                    DataAwsIamPolicyDocumentStatement(
                        sid="WriteRecords",
                        actions=["s3:PutObject"],
                        resources=[f"{audit_bucket.arn}/orders/*", f"{audit_bucket.arn}/aws/lambda/*"],
                    ),
                    DataAwsIamPolicyDocumentStatement(
                        sid="ListBucket",
                        actions=["s3:ListBucket"],
                        resources=[audit_bucket.arn],
                    ),
                    DataAwsIamPolicyDocumentStatement(
                        sid="PublishAlerts",
                        actions=["sns:Publish"],
                        resources=[alerts_topic.arn],
                    ),
                ],
            ).json,
        )
        log_group = CloudwatchLogGroup(
            self,
            "log-group",
            name=log_group_name(settings),
            retention_in_days=30,
            kms_key_id=log_key.arn,
        )
        logs_policy = IamRolePolicyAttachment(
            self,
            "logs-policy",
            role=role.name,
            policy_arn=f"arn:{partition.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            # On destroy the right to make log groups goes before the group, which nothing can then make anew.
            depends_on=[log_group],
        )
        # Lambda counts invocations; the records in them are in the line that the function logs per batch.
        self.records_metric = CloudwatchLogMetricFilterMetricTransformation(
            namespace=f"order-pipeline-{settings.environment_suffix}",
            name="RecordsProcessed",
            value="$.message.records",
            unit="Count",
        )
        CloudwatchLogMetricFilter(
            self,
            "records-metric",
            name=f"order-processor-records-{settings.environment_suffix}",
            log_group_name=log_group.name,
            pattern=(
                '{ ($.message.event = "batch processed") && '
                "($.message.notStored = 0) && ($.message.notPublished = 0) }"
            ),
            metric_transformation=self.records_metric,
        )
        package = FunctionPackage(self, "package", source=_SOURCE).asset
        self.function = LambdaFunction(
            self,
            "function",
            function_name=function_name(settings),
            role=role.arn,
            runtime=settings.lambda_runtime,
            handler="index.handler",
            timeout=60,
            memory_size=256,
            filename=package.path,
            source_code_hash=Fn.filebase64sha256(package.path),
            environment=LambdaFunctionEnvironment(
                variables={
                    "AUDIT_BUCKET": audit_bucket.bucket,
                    "ALERTS_TOPIC_ARN": alerts_topic.arn,
                    "ORDERS_TABLE": orders.table.name,
                    "FAILURE_STATUSES": ",".join(settings.failure_statuses),
                }
            ),
            logging_config=LambdaFunctionLoggingConfig(log_format="JSON", log_group=log_group.name),
            # A function that starts to log before its group exists makes one without key and retention.
            depends_on=[log_group, logs_policy],
            tags={"Purpose": "Audit records and alerts for order changes"},
        )
        self.event_source = LambdaEventSourceMapping(
            self,
            "stream",
            event_source_arn=orders.table.stream_arn,
            function_name=self.function.arn,
            starting_position="TRIM_HORIZON",
            batch_size=100,
            bisect_batch_on_function_error=True,
            # The stream keeps a record for 24 hours: half of them to retry in, half for what waits behind it.
            # The most retries that can be counted, so that the age decides: giving up sooner in an outage of
            # S3 would lose the batch, whose destination is S3 too.
            maximum_record_age_in_seconds=12 * 60 * 60,
            maximum_retry_attempts=10_000,
            # Of all destinations only a bucket receives the records themselves.
            destination_config=LambdaEventSourceMappingDestinationConfig(
                on_failure=LambdaEventSourceMappingDestinationConfigOnFailure(
                    destination_arn=audit_bucket.arn
                )
            ),
            # Lambda checks these rights when the mapping is made.
            depends_on=[data_policy],
        )


def function_name(settings: Settings) -> str:
    """The function's name; its log group is named after it before it exists."""
    return f"order-processor-{settings.environment_suffix}"


def log_group_name(settings: Settings) -> str:
    """The function's log group, which the encryption key's policy names before either exists."""
    return f"/aws/lambda/{function_name(settings)}"
