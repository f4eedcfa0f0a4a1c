"""Policy statements that several resources have."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)


def deny_without_tls(service: str, *arns: str) -> DataAwsIamPolicyDocumentStatement:
    """Refuse every request to these resources of a service, such as `s3`, that does not come over TLS."""
    return DataAwsIamPolicyDocumentStatement(
        sid="DenyWithoutTls",
        effect="Deny",
        # A denial has to cover everybody and everything to be one.
        principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="*", identifiers=["*"])],
        actions=[f"{service}:*"],
        resources=list(arns),
        condition=[
            DataAwsIamPolicyDocumentStatementCondition(
                test="Bool", variable="aws:SecureTransport", values=["false"]
            )
        ],
    )
