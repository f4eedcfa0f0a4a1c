"""What the order processor may do, said once for its own policy and for the boundary around it."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import DataAwsIamPolicyDocumentStatement

from names import RECORDS_PREFIX


def processor_rights(
    *, streams: str, index: str, audit_bucket: str, failed_batches_bucket: str, alerts_topic: str
) -> list[DataAwsIamPolicyDocumentStatement]:
    """Its statements on these ARNs, the right to write its log aside, which AWS has a policy for."""
    rights = {
        "ReadStream": (
            [
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
            ],
            [streams],
        ),
        # DynamoDB has no resource-level permission for this action.
        "ListStreams": (["dynamodb:ListStreams"], ["*"]),
        "CountOrdersByStatus": (["dynamodb:Query"], [index]),
        "WriteRecords": (["s3:PutObject"], [f"{audit_bucket}/{RECORDS_PREFIX}*"]),
        # All of the bucket: Lambda checks the right when the mapping is made, and has refused a prefix.
        "WriteFailedBatches": (["s3:PutObject"], [f"{failed_batches_bucket}/*"]),
        "ListFailedBatches": (["s3:ListBucket"], [failed_batches_bucket]),
        "PublishAlerts": (["sns:Publish"], [alerts_topic]),
    }
    return [
        DataAwsIamPolicyDocumentStatement(sid=sid, actions=actions, resources=resources)
        for sid, (actions, resources) in rights.items()
    ]
