"""What weakens a stack stops its review; what strengthens, deploys or ends it does not."""

# A table reads best with a row a line.
# ruff: noqa: E501

import json
from typing import Any

import pytest

from tests.review.handmade import TABLE_DESTROYED, plan, resource
from tools.review.judges import DESTROYED
from tools.review.ownership import BELONGS_TO
from tools.review.policies import Kind, widenings
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, Result, review
from tools.review.secrets import UNKNOWN
from tools.review.statements import document_policy
from tools.review.weakenings import TABLE

TOPIC = "arn:aws:sns:eu-west-1:123456789012:t"


def statement(**fields: object) -> dict[str, object]:
    return {"Effect": "Allow", **fields}


def policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


OWN = statement(Sid="Own", Principal={"AWS": "arn:aws:iam::123456789012:root"}, Action="s3:*", Resource="*")
TLS = {
    "Sid": "Tls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
READ = statement(
    Sid="Read", Action=["dynamodb:GetItem"], Resource=["arn:aws:dynamodb:r:123456789012:table/t"]
)
SERVICE = statement(
    Sid="Service",
    Principal={"Service": "cloudwatch.amazonaws.com"},
    Action="sns:Publish",
    Resource=TOPIC,
    Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}},
)
ANYONE_READS = statement(Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::b/*")
OTHER = statement(Principal={"AWS": "arn:aws:iam::999999999999:root"}, Action="s3:GetObject", Resource="*")
ASSUME = statement(Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole")
OIDC = statement(
    Principal={"Federated": "arn:aws:iam::123456789012:oidc-provider/token"},
    Action="sts:AssumeRoleWithWebIdentity",
    Condition={"StringEquals": {"token:sub": "repo:o/r:environment:dev", "token:aud": "sts"}},
)
CALL: dict[str, object] = {"function_name": "f", "action": "lambda:InvokeFunction", "principal": "*"}
INVOKE: dict[str, object] = {
    "function_name": "f",
    "action": "lambda:InvokeFunction",
    "principal": "s3.amazonaws.com",
    "source_arn": "arn:aws:s3:::b",
}
LAYER: dict[str, object] = {"action": "lambda:GetLayerVersion", "principal": "*"}
OF_ORGANISATION: dict[str, object] = {
    "type": "StringEquals",
    "key": "aws:PrincipalOrgID",
    "value": "o-a1b2c3d4e5",
}
MAPPING = {
    "enabled": True,
    "maximum_retry_attempts": 10_000,
    "maximum_record_age_in_seconds": 43_200,
    "bisect_batch_on_function_error": True,
    "destination_config": [{"on_failure": [{"destination_arn": "arn:aws:s3:::b"}]}],
}
ALARM = {
    "alarm_name": "a",
    "alarm_actions": [TOPIC],
    "actions_enabled": True,
    "treat_missing_data": "breaching",
}


def rule(days: int | None = None, **fields: object) -> dict[str, object]:
    return {"id": "r", "status": "Enabled", "expiration": [{"days": days}] if days else [], **fields}


def with_policy(before: object, after: object) -> tuple[dict[str, object], dict[str, object]]:
    return {"policy": before}, {"policy": after}


# Type, before, after, the attribute that a reviewer allows, and what is said.
Case = tuple[str, dict[str, object] | None, dict[str, object] | None, str, str]
WEAKER: list[Case] = [
    # Protection off.
    ("aws_dynamodb_table", {"deletion_protection_enabled": True}, {"deletion_protection_enabled": False}, "deletion_protection_enabled", "it can be deleted"),
    ("aws_dynamodb_table", {"point_in_time_recovery": [{"enabled": True}]}, {"point_in_time_recovery": [{"enabled": False}]}, "point_in_time_recovery.enabled", "no recovery"),
    ("aws_dynamodb_table", {"point_in_time_recovery": [{"enabled": True}]}, {"point_in_time_recovery": []}, "point_in_time_recovery.enabled", "no recovery"),
    ("aws_dynamodb_table", {"point_in_time_recovery": [{"enabled": True, "recovery_period_in_days": 35}]}, {"point_in_time_recovery": [{"enabled": True, "recovery_period_in_days": 1}]}, "point_in_time_recovery.recovery_period_in_days", "shorter"),
    ("aws_dynamodb_table", {"replica": [{"region_name": "a"}]}, {"replica": []}, "replica.region_name", "a replica is lost"),
    ("aws_s3_bucket", {"force_destroy": False}, {"force_destroy": True}, "force_destroy", "deletes all objects"),
    ("aws_s3_bucket", {"force_destroy": None}, {"force_destroy": True}, "force_destroy", "deletes all objects"),
    ("aws_s3_bucket_versioning", {"versioning_configuration": [{"status": "Enabled"}]}, {"versioning_configuration": [{"status": "Suspended"}]}, "versioning_configuration.status", "versioning off"),
    ("aws_s3_bucket_versioning", {"bucket": "b"}, None, "", "versioning off"),
    ("aws_s3_bucket_object_lock_configuration", {"rule": [{"default_retention": [{"mode": "COMPLIANCE", "days": 9}]}]}, {"rule": [{"default_retention": [{"mode": "GOVERNANCE", "days": 9}]}]}, "rule.default_retention.mode", "lifted"),
    ("aws_s3_bucket_object_lock_configuration", {"rule": [{"default_retention": [{"days": 9}]}]}, {"rule": [{"default_retention": [{"days": 2}]}]}, "rule.default_retention", "shorter"),
    ("aws_s3_bucket_object_lock_configuration", {"rule": [{"default_retention": [{"days": 3650, "years": None}]}]}, {"rule": [{"default_retention": [{"days": None, "years": 1}]}]}, "rule.default_retention", "shorter"),
    # Data that will expire.
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule()]}, {"rule": [rule(30)]}, "rule", "objects expire"),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(90)]}, {"rule": [rule(30)]}, "rule", "sooner"),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(90, status="Disabled")]}, {"rule": [rule(90)]}, "rule", "objects expire"),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(90, filter=[{"prefix": "tmp/"}])]}, {"rule": [rule(90, filter=[{"prefix": ""}])]}, "rule", "objects expire"),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": []}, {"rule": [rule(noncurrent_version_expiration=[{"noncurrent_days": 1}])]}, "rule", "objects expire"),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(30)]}, {"rule": [rule(30, noncurrent_version_expiration=[{"noncurrent_days": 60}])]}, "rule", "objects expire"),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(noncurrent_version_expiration=[{"newer_noncurrent_versions": "10"}])]}, {"rule": [rule(noncurrent_version_expiration=[{"newer_noncurrent_versions": "9"}])]}, "rule", "objects expire"),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": []}, {"rule": [rule(expiration=[{"date": "2027-01-01T00:00:00Z"}])]}, "rule", "objects expire"),
    ("aws_s3_bucket", {"lifecycle_rule": [rule(30, enabled=False)]}, {"lifecycle_rule": [rule(30, enabled=True)]}, "lifecycle_rule", "objects expire"),
    ("aws_s3_bucket_lifecycle_configuration", None, {"bucket": "there", "rule": [rule(1)]}, "rule", "objects expire"),
    ("aws_s3_bucket", {"lifecycle_rule": [rule(30, prefix="a/")]}, {"lifecycle_rule": [rule(30, prefix="")]}, "lifecycle_rule", "objects expire"),
    ("aws_s3_bucket", {"lifecycle_rule": [rule(30, tags={"a": "b"})]}, {"lifecycle_rule": [rule(30, tags={})]}, "lifecycle_rule", "objects expire"),
    ("aws_dynamodb_table", {"ttl": [{"enabled": False}]}, {"ttl": [{"enabled": True, "attribute_name": "x"}]}, "ttl.enabled", "items expire"),
    ("aws_cloudwatch_log_group", {"retention_in_days": 30}, {"retention_in_days": 1}, "retention_in_days", "kept for less"),
    ("aws_cloudwatch_log_group", {"retention_in_days": 0}, {"retention_in_days": 30}, "retention_in_days", "kept for less"),
    ("aws_cloudwatch_log_group", {"retention_in_days": None}, {"retention_in_days": 30}, "retention_in_days", "kept for less"),
    ("aws_sqs_queue", {"message_retention_seconds": 1_209_600}, {"message_retention_seconds": 60}, "message_retention_seconds", "kept for less"),
    ("aws_kms_key", {"deletion_window_in_days": 30}, {"deletion_window_in_days": 7}, "deletion_window_in_days", "less time"),
    # Encryption and rotation off.
    ("aws_kms_key", {"enable_key_rotation": True}, {"enable_key_rotation": False}, "enable_key_rotation", "not rotated"),
    ("aws_kms_key", {"rotation_period_in_days": 90}, {"rotation_period_in_days": 2_560}, "rotation_period_in_days", "less often"),
    ("aws_kms_key", {"is_enabled": True}, {"is_enabled": False}, "is_enabled", "cannot be read"),
    ("aws_dynamodb_table", {"server_side_encryption": [{"enabled": True}]}, {"server_side_encryption": []}, "server_side_encryption.enabled", "not encrypted"),
    ("aws_sns_topic", {"kms_master_key_id": "k"}, {"kms_master_key_id": ""}, "kms_master_key_id", "not encrypted"),
    ("aws_cloudwatch_log_group", {"kms_key_id": "k"}, {"kms_key_id": None}, "kms_key_id", "no encryption key of its own"),
    ("aws_sns_topic", {"kms_master_key_id": "k"}, {"kms_master_key_id": "alias/aws/sns"}, "kms_master_key_id", "a key of AWS"),
    ("aws_kms_key", {"deletion_window_in_days": None}, {"deletion_window_in_days": 7}, "deletion_window_in_days", "less time"),
    ("aws_lambda_function_event_invoke_config", {"maximum_event_age_in_seconds": None}, {"maximum_event_age_in_seconds": 60}, "maximum_event_age_in_seconds", "gives up"),
    ("aws_lambda_function_event_invoke_config", {"maximum_retry_attempts": None}, {"maximum_retry_attempts": 1}, "maximum_retry_attempts", "gives up"),
    ("aws_cloudwatch_event_target", {"retry_policy": []}, {"retry_policy": [{"maximum_retry_attempts": 184}]}, "retry_policy.maximum_retry_attempts", "gives up"),
    ("aws_cloudwatch_event_target", {"retry_policy": []}, {"retry_policy": [{"maximum_event_age_in_seconds": 86_399}]}, "retry_policy.maximum_event_age_in_seconds", "gives up"),
    ("aws_db_instance", None, {"identifier": "d", "backup_retention_period": 7}, "storage_encrypted", "not encrypted"),
    ("aws_sqs_queue", {"redrive_policy": '{"deadLetterTargetArn": "a"}'}, {"redrive_policy": '{"deadLetterTargetArn": "b"}'}, "redrive_policy.deadLetterTargetArn", "failed messages go elsewhere"),
    ("aws_cloudtrail", {"event_selector": [{"data_resource": []}, {"read_write_type": "All"}]}, {"event_selector": []}, "event_selector", "not recorded"),
    ("aws_sqs_queue", {"sqs_managed_sse_enabled": True}, {"sqs_managed_sse_enabled": False}, "sqs_managed_sse_enabled", "not encrypted"),
    ("aws_s3_bucket_server_side_encryption_configuration", {"rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms"}]}]}, {"rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "AES256"}]}]}, "rule.apply_server_side_encryption_by_default.sse_algorithm", "not encrypted"),
    ("aws_s3_bucket_server_side_encryption_configuration", {"bucket": "b"}, None, "", "default encryption"),
    # Access widened.
    ("aws_s3_bucket_policy", *with_policy(policy(TLS), policy(TLS, statement(Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::b/*"))), "policy", "anyone may read"),
    ("aws_s3_bucket_policy", *with_policy(policy(TLS), policy(TLS, statement(Principal={"AWS": ["*"]}, Action="s3:PutObject", Resource="arn:aws:s3:::b/*"))), "policy", "anyone may use it"),
    ("aws_s3_bucket_policy", *with_policy(policy(OWN), policy(OWN, statement(Principal={"AWS": "arn:aws:iam::999999999999:role/x"}, Action="s3:GetObject", Resource="*"))), "policy", "another account gets access: 999999999999"),
    ("aws_s3_bucket_policy", *with_policy(policy(TLS, OWN), policy(OWN)), "policy", "it no longer denies Tls"),
    ("aws_s3_bucket_policy", *with_policy(policy(TLS, OWN), policy({**TLS, "Resource": "arn:aws:s3:::b/*"}, OWN)), "policy", "it no longer denies Tls"),
    ("aws_s3_bucket_policy", {"bucket": "b", "policy": policy(TLS)}, None, "policy", "it no longer denies Tls"),
    ("aws_s3_bucket_policy", *with_policy(policy(OWN), policy(statement(NotPrincipal={"AWS": "x"}, Action="s3:GetObject", Resource="*"))), "policy", "it allows all but a few"),
    ("aws_sns_topic_policy", *with_policy(policy(SERVICE), policy({**SERVICE, "Condition": {}})), "policy", "without its condition on aws:SourceAccount"),
    ("aws_sns_topic_policy", *with_policy(policy(SERVICE), policy({**SERVICE, "Action": "sns:*"})), "policy", "it may do everything: sns:*"),
    ("aws_sns_topic_policy", None, {"policy": policy(statement(Principal="*", Action="sns:Publish", Resource=TOPIC))}, "policy", "anyone may send to it"),
    ("aws_sqs_queue_policy", *with_policy(policy(), policy(statement(Principal="*", Action="sqs:SendMessage", Resource="*"))), "policy", "anyone may send to it"),
    ("aws_sqs_queue", {"policy": policy(), "name": "q"}, {"policy": policy(statement(Principal="*", Action="sqs:*", Resource="*")), "name": "q"}, "policy", "anyone may use it; it may do everything: sqs:*"),
    ("aws_kms_key", *with_policy(policy(), policy(statement(Principal="*", Action="kms:Decrypt", Resource="*"))), "policy", "anyone may read"),
    ("aws_kms_key", None, {"policy": policy(statement(Principal="*", Action="kms:*", Resource="*"))}, "policy", "anyone may use it"),
    ("aws_iam_role", {"assume_role_policy": policy(ASSUME)}, {"assume_role_policy": policy(statement(Principal={"AWS": "*"}, Action="sts:AssumeRole"))}, "assume_role_policy", "anyone may assume the role"),
    ("aws_iam_role", {"assume_role_policy": policy(OIDC)}, {"assume_role_policy": policy({**OIDC, "Condition": {}})}, "assume_role_policy", "anyone of an identity provider may assume the role: Federated arn:aws:iam::123456789012:oidc-provider/token; without its condition on token:sub token:aud"),
    ("aws_iam_role", None, {"assume_role_policy": policy({**OIDC, "Condition": {}})}, "assume_role_policy", "anyone of an identity provider may assume the role: Federated arn:aws:iam::123456789012:oidc-provider/token"),
    ("aws_iam_role", {"permissions_boundary": "arn"}, {"permissions_boundary": None}, "permissions_boundary", "no permissions boundary"),
    ("aws_iam_role_policy", *with_policy(policy(READ), policy({**READ, "Action": "dynamodb:*"})), "policy", "it may do everything: dynamodb:*"),
    ("aws_iam_role_policy", *with_policy(policy(READ), policy({**READ, "Resource": "*"})), "policy", "on every resource: dynamodb:GetItem"),
    ("aws_iam_role_policy", *with_policy(policy(READ), policy({**READ, "Resource": "arn:aws:dynamodb:r:123456789012:table/*"})), "policy", "on every resource: dynamodb:GetItem"),
    ("aws_iam_role_policy", *with_policy(policy(READ), policy({**READ, "Action": [*READ["Action"], "*"]})), "policy", "it may do everything: *"),  # type: ignore[misc]
    ("aws_iam_policy", None, {"policy": policy(statement(Action="*", Resource="*"))}, "policy", "it may do everything: *"),
    ("aws_iam_policy", None, {"policy": policy(statement(Action="s3:GetObject", Resource="*"))}, "policy", "on every resource: s3:GetObject"),
    ("aws_iam_policy", None, {"policy": policy(statement(NotAction="iam:*", Resource="*"))}, "policy", "it allows everything but a few iam:*"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_policy", None, {"policy": policy(statement(Action="s3:GetObject", NotResource="arn:x"))}, "policy", "it allows everything but a few"),
    ("aws_s3_bucket_policy", *with_policy(policy({**ANYONE_READS, "Effect": "Deny"}), policy()), "policy", "it no longer denies s3:GetObject"),
    ("aws_iam_policy", None, {"policy": policy(statement(Action="*", Resource="arn:aws:s3:::b"))}, "policy", "it may do everything: *"),
    # Only what is new is named, and two statements may together allow what one does.
    ("aws_iam_policy", *with_policy(policy(statement(Action="a:B", Resource="*")), policy(statement(Action=["a:B", "c:D"], Resource="*"))), "policy", "on every resource: c:D"),
    ("aws_s3_bucket_policy", *with_policy(policy({**ANYONE_READS, "Effect": "Deny"}), policy({**ANYONE_READS, "Effect": "Deny"}, ANYONE_READS)), "policy", "anyone may read"),
    ("aws_s3_bucket_policy", *with_policy(policy({**OWN, "Effect": "Deny"}), policy(OWN)), "policy", "it may do everything: s3:*; it no longer denies Own"),
    ("aws_s3_bucket_policy", None, {"policy": policy(OTHER)}, "policy", "another account gets access: 999999999999"),
    ("aws_s3_bucket_policy", *with_policy(policy(OTHER), policy(OTHER, {**OTHER, "Action": "s3:PutObject"})), "policy", "another account may do more: 999999999999 s3:PutObject"),
    ("aws_sns_topic_policy", *with_policy(policy(OWN, SERVICE), policy(OWN, {**SERVICE, "Condition": {}})), "policy", "without its condition on aws:SourceAccount"),
    ("aws_s3_bucket_public_access_block", {"block_public_policy": True}, {"block_public_policy": False}, "block_public_policy", "public access is not blocked"),
    ("aws_s3_bucket_public_access_block", None, {"bucket": "b", "ignore_public_acls": False}, "ignore_public_acls", "public access is not blocked"),
    ("aws_s3_bucket_public_access_block", {"bucket": "b"}, None, "", "public access is not blocked"),
    ("aws_s3_bucket_ownership_controls", {"rule": [{"object_ownership": "BucketOwnerEnforced"}]}, {"rule": [{"object_ownership": "ObjectWriter"}]}, "rule.object_ownership", "access by ACLs"),
    ("aws_s3_bucket_acl", {"acl": "private"}, {"acl": "public-read"}, "acl", "anyone may read"),
    ("aws_s3_bucket_acl", {"acl": "private"}, {"acl": "public-read-write"}, "acl", "anyone may read and write"),
    ("aws_s3_bucket_acl", {"acl": "private"}, {"acl": "authenticated-read"}, "acl", "anyone may read"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/PowerUserAccess"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess_v2"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/AWSLambda_FullAccess"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess-Amplify"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/job-function/SystemAdministrator"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/SecretsManagerReadWrite"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/job-function/AdministratorAccess"}, "policy_arn", "it may do everything, or all of a service"),
    ("aws_s3_bucket_server_side_encryption_configuration", {"rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms:dsse"}]}]}, {"rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "AES256"}]}]}, "rule.apply_server_side_encryption_by_default.sse_algorithm", "not encrypted"),
    ("aws_lambda_event_source_mapping", {"maximum_retry_attempts": -1}, {"maximum_retry_attempts": 10_000}, "maximum_retry_attempts", "gives up"),
    ("aws_lambda_event_source_mapping", {"maximum_record_age_in_seconds": -1}, {"maximum_record_age_in_seconds": 10_000}, "maximum_record_age_in_seconds", "gives up"),
    ("aws_s3_bucket_acl", None, {"access_control_policy": [{"grant": [{"grantee": [{"uri": "http://acs.amazonaws.com/groups/global/AllUsers"}]}]}]}, "access_control_policy.grant.grantee.uri", "anyone has access"),
    ("aws_security_group", {"ingress": []}, {"ingress": [{"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"], "from_port": 22, "to_port": 22, "protocol": "tcp"}]}, "ingress", "open to the internet"),
    ("aws_security_group", {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 443, "to_port": 443, "protocol": "tcp"}]}, {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 0, "to_port": 443, "protocol": "tcp"}]}, "ingress", "open to the internet"),
    ("aws_security_group_rule", None, {"type": "ingress", "ipv6_cidr_blocks": ["::/0"], "from_port": 22}, "", "open to the internet"),
    ("aws_security_group", {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 53, "to_port": 53, "protocol": "tcp"}]}, {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 53, "to_port": 53, "protocol": protocol} for protocol in ("tcp", "udp")]}, "ingress", "open to the internet"),
    ("aws_security_group", {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 80, "to_port": 80, "protocol": "tcp"}]}, {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 80, "to_port": 8080, "protocol": "tcp"}]}, "ingress", "open to the internet"),
    ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "10.0.0.0/8"}, {"cidr_ipv4": "0.0.0.0/0"}, "", "open to the internet"),
    ("aws_lambda_function_url", {"authorization_type": "AWS_IAM"}, {"authorization_type": "NONE"}, "authorization_type", "anyone may call it"),
    ("aws_lambda_function_url", None, {"authorization_type": "NONE"}, "authorization_type", "anyone may call it"),
    # What stands for a statement of a policy.
    ("aws_lambda_permission", None, CALL, "", "anyone may use it"),
    ("aws_lambda_permission", None, CALL | {"function_url_auth_type": "NONE"}, "", "anyone may use it"),
    ("aws_lambda_permission", INVOKE, INVOKE | {"source_arn": None}, "", "without its condition on aws:SourceArn"),
    ("aws_lambda_permission", INVOKE | {"source_account": "123456789012"}, INVOKE | {"source_account": None}, "", "without its condition on aws:SourceAccount"),
    ("aws_lambda_permission", INVOKE, INVOKE | {"source_arn": "arn:aws:s3:::*"}, "", "under another condition: aws:SourceArn arn:aws:s3:::*"),
    ("aws_lambda_permission", INVOKE, INVOKE | {"action": "lambda:*"}, "", "it may do everything: lambda:*"),
    ("aws_lambda_permission", None, INVOKE | {"action": "lambda:UpdateFunctionCode", "principal": "123456789012"}, "", "it may give itself or others rights: lambda:UpdateFunctionCode"),
    ("aws_lambda_permission", INVOKE | {"event_source_token": "t"}, INVOKE, "", "without its condition on lambda:EventSourceToken"),
    ("aws_lambda_permission", None, CALL | {"principal_org_id": "o-a1b2c3d4e5"}, "", "a whole organisation gets access: o-a1b2c3d4e5"),
    ("aws_lambda_layer_version_permission", None, LAYER | {"organization_id": "o-a1b2c3d4e5"}, "", "a whole organisation gets access: o-a1b2c3d4e5"),
    ("aws_lambda_permission", CALL | {"principal_org_id": "o-a1b2c3d4e5"}, CALL, "", "anyone may use it; without its condition on aws:PrincipalOrgID"),
    ("aws_lambda_layer_version_permission", LAYER | {"organization_id": "o-a1b2c3d4e5"}, LAYER, "", "anyone may read; without its condition on aws:PrincipalOrgID"),
    ("aws_lambda_permission", INVOKE | {"event_source_token": "t"}, INVOKE, "", "without its condition on lambda:EventSourceToken"),
    ("aws_lambda_permission", INVOKE | {"function_url_auth_type": "AWS_IAM"}, INVOKE | {"function_url_auth_type": "NONE"}, "", "without its condition on lambda:FunctionUrlAuthType"),
    ("aws_cloudwatch_event_permission", {"principal": "*", "condition": [OF_ORGANISATION]}, {"principal": "*", "condition": [OF_ORGANISATION | {"value": "o-f6g7h8i9j0"}]}, "", "a whole organisation gets access: o-f6g7h8i9j0"),
    ("aws_lambda_layer_version_permission", None, LAYER | {"principal": "999999999999"}, "", "another account gets access: 999999999999"),
    ("aws_cloudwatch_event_permission", {"principal": "*", "condition": [OF_ORGANISATION]}, {"principal": "*", "condition": []}, "", "anyone may use it; without its condition on aws:PrincipalOrgID"),
    # Processing switched off.
    ("aws_lambda_event_source_mapping", MAPPING, {**MAPPING, "enabled": False}, "enabled", "events are not processed"),
    ("aws_lambda_event_source_mapping", MAPPING, {**MAPPING, "destination_config": []}, "destination_config.on_failure.destination_arn", "failed batches are lost"),
    ("aws_lambda_event_source_mapping", MAPPING, {**MAPPING, "maximum_retry_attempts": 1}, "maximum_retry_attempts", "gives up"),
    ("aws_lambda_event_source_mapping", {"maximum_retry_attempts": -1}, {"maximum_retry_attempts": 100}, "maximum_retry_attempts", "gives up"),
    ("aws_lambda_event_source_mapping", MAPPING, {**MAPPING, "maximum_record_age_in_seconds": 60}, "maximum_record_age_in_seconds", "gives up"),
    ("aws_lambda_event_source_mapping", MAPPING, {**MAPPING, "bisect_batch_on_function_error": None}, "bisect_batch_on_function_error", "one bad record"),
    ("aws_lambda_event_source_mapping", MAPPING, {**MAPPING, "filter_criteria": [{"filter": [{"pattern": '{"a": ["b"]}'}]}]}, "filter_criteria.filter.pattern", "some events"),
    ("aws_lambda_event_source_mapping", MAPPING, None, "", "events are not processed"),
    ("aws_lambda_function", {"reserved_concurrent_executions": -1}, {"reserved_concurrent_executions": 0}, "reserved_concurrent_executions", "does not run"),
    ("aws_dynamodb_table", {"stream_enabled": True}, {"stream_enabled": False}, "stream_enabled", "reach nobody"),
    ("aws_dynamodb_table", {"stream_view_type": "NEW_AND_OLD_IMAGES"}, {"stream_view_type": "KEYS_ONLY"}, "stream_view_type", "tells less"),
    ("aws_sns_topic_subscription", {"topic_arn": TOPIC}, None, "", "hears nothing"),
    ("aws_s3_bucket_notification", {"topic": [{"topic_arn": "a", "events": ["e"]}, {"topic_arn": "b", "events": ["e"]}]}, {"topic": [{"topic_arn": "a", "events": ["e"]}]}, "topic", "reach nobody"),
    ("aws_sqs_queue", {"redrive_policy": "{}"}, {"redrive_policy": None}, "redrive_policy", "failed messages are lost"),
    ("aws_cloudwatch_event_rule", {"state": "ENABLED"}, {"state": "DISABLED"}, "state", "events reach nobody"),
    # Of what is created.
    ("aws_lambda_event_source_mapping", None, {**MAPPING, "enabled": False}, "enabled", "events are not processed"),
    ("aws_cloudwatch_metric_alarm", None, {**ALARM, "actions_enabled": False}, "actions_enabled", "tells nobody"),
    ("aws_cloudwatch_metric_alarm", None, {"alarm_name": "a", "alarm_actions": []}, "alarm_actions", "fewer or nobody"),
    ("aws_s3_bucket_versioning", None, {"bucket": "there", "versioning_configuration": [{"status": "Suspended"}]}, "versioning_configuration.status", "versioning off"),
    ("aws_kms_key", None, {"enable_key_rotation": False, "is_enabled": True}, "enable_key_rotation", "not rotated"),
    ("aws_kms_key", None, {"enable_key_rotation": True, "is_enabled": False}, "is_enabled", "cannot be read"),
    ("aws_sns_topic", None, {"name": "t"}, "kms_master_key_id", "not encrypted"),
    ("aws_cloudwatch_log_group", None, {"retention_in_days": 1}, "retention_in_days", "kept for less"),
    ("aws_lambda_function", None, {"reserved_concurrent_executions": 0}, "reserved_concurrent_executions", "does not run"),
    ("aws_cloudwatch_event_rule", None, {"state": "DISABLED"}, "state", "events reach nobody"),
    ("aws_cloudtrail", None, {"enable_logging": False}, "enable_logging", "not recorded"),
    # What is lost with what goes, and what is led elsewhere.
    ("aws_cloudwatch_log_group", {"name": "g"}, None, "", "the logs in it are lost"),
    ("aws_lambda_function", {"function_name": "f"}, None, "", "nothing does what it does"),
    ("aws_sns_topic", {"name": "t"}, None, "", "reaches nobody"),
    ("aws_cloudwatch_metric_alarm", ALARM, {**ALARM, "alarm_actions": ["arn:other"]}, "alarm_actions", "tells others"),
    ("aws_iam_role", {"permissions_boundary": "arn:aws:iam::123456789012:policy/b"}, {"permissions_boundary": "arn:aws:iam::aws:policy/AdministratorAccess"}, "permissions_boundary", "another permissions boundary"),
    # Other accounts, and a large part of the internet.
    ("aws_lambda_permission", None, INVOKE | {"principal": "999999999999"}, "", "another account gets access: 999999999999"),
    ("aws_lambda_permission", None, INVOKE | {"principal": "arn:aws:iam::999999999999:role/r.s"}, "", "another account gets access: 999999999999"),
    ("aws_lambda_permission", None, INVOKE | {"source_account": "999999999999"}, "", "another account gets access: 999999999999"),
    ("aws_lambda_permission", INVOKE | {"source_arn": TOPIC}, INVOKE | {"source_arn": "arn:aws:sns:r:999999999999:t"}, "", "another account gets access: 999999999999"),
    ("aws_kms_grant", None, {"grantee_principal": "arn:aws:iam::999999999999:role/r"}, "grantee_principal", "another account may use the key"),
    ("aws_ami_launch_permission", None, {"account_id": "999999999999"}, "account_id", "another account may start machines of it: 999999999999"),
    ("aws_cloudwatch_event_target", None, {"rule": "r", "arn": "arn:aws:sns:r:999999999999:t"}, "arn", "events go to another account: 999999999999"),
    ("aws_cloudwatch_event_target", None, {"rule": "r", "arn": "arn:aws:lambda:r:999999999999:function:f"}, "arn", "events go to another account: 999999999999"),
    ("aws_kms_grant", None, {"grantee_principal": "arn:aws:iam::123456789012:role/r", "operations": ["Decrypt", "CreateGrant"]}, "operations", "let others use"),
    ("aws_s3_access_point", None, {"policy": policy(ANYONE_READS)}, "policy", "anyone may read"),
    ("aws_cloudwatch_event_bus_policy", None, {"policy": policy(statement(Principal="*", Action="events:PutEvents", Resource="*"))}, "policy", "anyone may use it"),
    ("aws_cloudwatch_event_permission", None, {"principal": "*"}, "", "anyone may use it"),
    ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "0.0.0.0/0", "ip_protocol": "tcp", "from_port": 443, "to_port": 443}, {"cidr_ipv4": "0.0.0.0/0", "ip_protocol": "tcp", "from_port": 0, "to_port": 65_535}, "", "open to the internet"),
    ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "0.0.0.0/1", "ip_protocol": "-1"}, {"cidr_ipv4": "0.0.0.0/0", "ip_protocol": "-1"}, "", "open to the internet"),
    ("aws_security_group", {"ingress": []}, {"ingress": [{"cidr_blocks": ["0.0.0.0/1"], "protocol": "tcp"}]}, "ingress", "open to the internet"),
    ("aws_security_group", {"ingress": []}, {"ingress": [{"cidr_blocks": [f"{first}.0.0.0/9"], "protocol": "tcp"} for first in range(1, 9)]}, "ingress", "open to the internet"),
    ("aws_security_group", {"ingress": []}, {"ingress": [{"ipv6_cidr_blocks": ["2000::/3"], "protocol": "tcp"}]}, "ingress", "open to the internet"),
    # Watching switched off.
    ("aws_cloudwatch_metric_alarm", ALARM, None, "", "the alarm is gone"),
    ("aws_cloudwatch_metric_alarm", ALARM, {**ALARM, "actions_enabled": False}, "actions_enabled", "tells nobody"),
    ("aws_cloudwatch_metric_alarm", ALARM, {**ALARM, "alarm_actions": []}, "alarm_actions", "tells fewer"),
    ("aws_cloudwatch_metric_alarm", ALARM, {**ALARM, "treat_missing_data": "notBreaching"}, "treat_missing_data", "silence"),
    ("aws_cloudwatch_composite_alarm", ALARM, None, "", "the alarm is gone"),
    ("aws_cloudwatch_composite_alarm", {"alarm_rule": "ALARM(a)"}, {"alarm_rule": "FALSE"}, "alarm_rule", "the alarm never goes off"),
    ("aws_cloudwatch_composite_alarm", {"alarm_rule": "ALARM(a)"}, {"alarm_rule": "(ALARM(a)) AND false"}, "alarm_rule", "the alarm never goes off"),
    ("aws_cloudwatch_event_rule", {"event_pattern": '{"source": ["orders"]}'}, {"event_pattern": '{"source": ["orders"], "detail": {"x": ["y"]}}'}, "event_pattern", "some events reach nobody"),
    ("aws_cloudwatch_log_metric_filter", {"log_group_name": "g"}, None, "", "the metric stops"),
    ("aws_cloudtrail", {"enable_logging": True}, {"enable_logging": False}, "enable_logging", "not recorded"),
]  # fmt: skip


def changed(type_: str, before: object, after: object) -> Any:  # noqa: ANN401
    action = "create" if before is None else "delete" if after is None else "update"
    return resource(f"{type_}.it", action, before=before, after=after)


# Something else stays, so that no environment goes as a whole.
STAYS = resource("aws_iam_role.stays", "no-op", before={}, after={})
PRIOR = {"values": {"root_module": {"resources": [{"type": "aws_caller_identity", "values": {"account_id": "123456789012"}}]}}}  # fmt: skip


def reviewed(*changes: object, allowed: tuple[str, ...] = (), **fields: object) -> Result:
    return review(plan(STAYS, *changes, prior_state=PRIOR, **fields), allowed)


@pytest.mark.parametrize(
    ("type_", "before", "after", "attribute", "words"),
    WEAKER,
    ids=[f"{case[0]}-{case[3]}-{case[4]}" for case in WEAKER],
)
def test_a_weakening_stops_until_its_attribute_is_allowed(
    type_: str, before: object, after: object, attribute: str, words: str
) -> None:
    change = changed(type_, before, after)
    stopped = reviewed(change)
    assert stopped.exit_status == EXIT_GUARDED
    (finding,) = stopped.findings
    assert finding.words == words if attribute.endswith("policy") else words in finding.words
    assert finding.allow == f"{type_}.it" + (f".{attribute}" if attribute else "")
    assert not finding.is_loss
    title = stopped.markdown.splitlines()[0]
    assert title.startswith(("### 🛑 This plan would open `", "### 🛑 This plan would weaken `"))
    assert title.partition("`: ")[2] in ("", finding.words)
    assert f"\n--allow={finding.allow}\n" in stopped.markdown

    assert reviewed(change, allowed=(f"{type_}.it.other",)).exit_status == EXIT_GUARDED
    allowed = reviewed(change, allowed=(finding.allow,))
    assert allowed.exit_status == EXIT_SAFE
    assert allowed.markdown.startswith("### ⚠️ This plan would, as allowed, ")
    assert "✅" not in allowed.markdown


@pytest.mark.parametrize(
    ("type_", "before", "after", "words"),
    [(*case[:3], case[4]) for case in WEAKER if case[1] is not None and case[2] is not None],
    ids=[f"{case[0]}-{case[3]}" for case in WEAKER if case[1] is not None and case[2] is not None],
)
def test_a_replacement_weakens_as_an_update_does_and_the_way_back_does_not(
    type_: str, before: object, after: object, words: str
) -> None:
    replaced = resource(f"{type_}.it", "delete", "create", before=before, after=after)
    assert any(not finding.is_loss for finding in reviewed(replaced).findings)
    deferred = reviewed(deferred_changes=[{"reason": "x", "resource_change": changed(type_, before, after)}])
    assert deferred.exit_status == EXIT_GUARDED
    others = (
        "it allows all but",
        "another permissions",
        "tells others",
        "another account",
        "a whole organisation gets access",
        "failed messages go",
    )
    if not words.startswith(others):
        assert not reviewed(changed(type_, after, before)).findings


SAFE: list[tuple[str, dict[str, object] | None, dict[str, object] | None]] = [
    # Plain resources, and what they are made of.
    ("aws_dynamodb_table", None, {"name": "t", "deletion_protection_enabled": False, "stream_enabled": False}),
    ("aws_s3_bucket", None, {"bucket": "b", "force_destroy": True}),
    ("aws_cloudwatch_log_group", None, {"retention_in_days": 7}),
    ("aws_cloudwatch_log_group", None, {"retention_in_days": 0}),
    ("aws_cloudwatch_log_group", None, {"name": "g"}),
    ("aws_cloudwatch_metric_alarm", None, ALARM),
    ("aws_lambda_event_source_mapping", None, MAPPING),
    ("aws_sns_topic", None, {"kms_master_key_id": "alias/aws/sns"}),
    ("aws_sqs_queue", None, {"name": "q"}),
    ("aws_lambda_function", None, {"function_name": "f", "reserved_concurrent_executions": -1}),
    ("aws_cloudwatch_event_rule", None, {"state": "ENABLED", "is_enabled": None}),
    ("aws_kms_key", None, {"enable_key_rotation": True, "is_enabled": True}),
    ("aws_kms_grant", None, {"grantee_principal": "arn:aws:iam::123456789012:role/r", "operations": ["Decrypt"]}),
    ("aws_lambda_permission", None, INVOKE | {"principal": "sns.amazonaws.com", "source_arn": TOPIC, "source_account": "123456789012"}),
    ("aws_lambda_permission", None, INVOKE),
    ("aws_lambda_permission", None, INVOKE | {"principal": "apigateway.amazonaws.com", "source_arn": None}),
    ("aws_lambda_permission", INVOKE | {"source_arn": "arn:aws:s3:::b*"}, INVOKE),
    ("aws_lambda_permission", INVOKE | {"source_arn": None}, INVOKE),
    ("aws_lambda_permission", {"function_name": "f"}, INVOKE),
    ("aws_cloudwatch_event_permission", None, {"principal": "123456789012"}),
    ("aws_kms_key", None, {"policy": policy(statement(Principal={"AWS": "arn:aws:iam::123456789012:root"}, Action="kms:*", Resource="*"))}),
    ("aws_sns_topic_policy", None, {"policy": policy(SERVICE)}),
    ("aws_s3_bucket_policy", None, {"policy": policy(TLS)}),
    ("aws_iam_role", None, {"assume_role_policy": policy(ASSUME)}),
    ("aws_iam_role", None, {"assume_role_policy": policy(OIDC)}),
    ("aws_iam_role_policy", None, {"policy": policy(READ, statement(Action="dynamodb:ListStreams", Resource="*"))}),
    ("aws_iam_role_policy", None, {"policy": policy(statement(Action="logs:CreateLogGroup", Resource="arn:aws:logs:r:123456789012:*"))}),
    ("aws_iam_role_policy", None, {"policy": policy(statement(Action="s3:*", Resource=["arn:aws:s3:::b", "arn:aws:s3:::b/*"]))}),
    ("aws_iam_role_policy", None, {"policy": policy(statement(Action="kms:CreateKey", Resource="*", Condition={"StringEquals": {"aws:RequestTag/E": "dev"}}))}),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}),
    ("aws_iam_role_policy_attachment", None, {"policy_arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}),
    ("aws_s3_bucket_public_access_block", None, {"block_public_policy": True, "block_public_acls": None}),
    ("aws_dynamodb_table", None, {"ttl": [{"enabled": True, "attribute_name": "x"}]}),
    ("aws_dynamodb_table", {"stream_view_type": None}, {"stream_view_type": "KEYS_ONLY"}),
    ("aws_dynamodb_table", {"stream_view_type": "NEW_IMAGE"}, {"stream_view_type": "NEW_AND_OLD_IMAGES"}),
    ("aws_sqs_queue", {"sqs_managed_sse_enabled": True, "kms_master_key_id": ""}, {"sqs_managed_sse_enabled": False, "kms_master_key_id": "k"}),
    ("aws_sqs_queue", {"redrive_policy": '{"deadLetterTargetArn": "a", "maxReceiveCount": 5}'}, {"redrive_policy": '{"deadLetterTargetArn": "a", "maxReceiveCount": 4}'}),
    ("aws_cloudtrail", {"event_selector": [{"read_write_type": "All"}]}, {"event_selector": [], "advanced_event_selector": [{"name": "n"}]}),
    ("aws_backup_plan", {"rule": [{"lifecycle": [{"delete_after": 365}]}]}, {"rule": [{"lifecycle": [{"delete_after": 365}]}, {"lifecycle": [{"delete_after": 7}]}]}),
    ("aws_security_group", None, {"ingress": [{"cidr_blocks": ["10.0.0.0/8"]}], "egress": [{"cidr_blocks": ["0.0.0.0/0"]}]}),
    ("aws_security_group_rule", None, {"type": "egress", "cidr_blocks": ["0.0.0.0/0"]}),
    ("aws_lambda_function_url", None, {"authorization_type": "AWS_IAM"}),
    # Updates.
    ("aws_lambda_function", {"source_code_hash": "a", "timeout": 3}, {"source_code_hash": "b", "timeout": 60}),
    ("aws_cloudwatch_metric_alarm", {**ALARM, "threshold": 5}, {**ALARM, "threshold": 50}),
    ("aws_cloudwatch_metric_alarm", ALARM, {**ALARM, "alarm_actions": [TOPIC, "arn:other"]}),
    ("aws_iam_role", {"permissions_boundary": None}, {"permissions_boundary": "arn"}),
    ("aws_s3_bucket_object_lock_configuration", {"rule": [{"default_retention": [{"days": 365}]}]}, {"rule": [{"default_retention": [{"years": 1}]}]}),
    ("aws_vpc_security_group_ingress_rule", None, {"cidr_ipv4": "10.0.0.0/8", "ip_protocol": "-1"}),
    ("aws_vpc_security_group_ingress_rule", None, {"cidr_ipv4": "8.0.0.0/8", "ip_protocol": "tcp", "from_port": 443, "to_port": 443}),
    ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "0.0.0.0/0", "ip_protocol": "tcp", "from_port": 0, "to_port": 65_535}, {"cidr_ipv4": "0.0.0.0/1", "ip_protocol": "6", "from_port": 443, "to_port": 443}),
    ("aws_sns_topic", {"kms_master_key_id": "alias/aws/sns"}, {"kms_master_key_id": "k"}),
    ("aws_cloudwatch_log_group", {"retention_in_days": 30}, {"retention_in_days": 0}),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(30)]}, {"rule": [rule(90)]}),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(30)]}, {"rule": [rule(30, filter=[{"prefix": "tmp/"}])]}),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(30, filter=[{"prefix": "a/"}])]}, {"rule": [rule(30, filter=[{"prefix": "a/"}], id="other")]}),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": []}, {"rule": [rule(transition=[{"days": 90}])]}),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(30)]}, None),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": []}, {"rule": [rule(expiration=[{"days": 0, "date": "", "expired_object_delete_marker": True}])]}),
    ("aws_iam_role_policy", *with_policy(policy(READ), policy({**READ, "Action": ["dynamodb:GetItem", "dynamodb:PutItem"]}))),
    ("aws_kms_key", {"rotation_period_in_days": 90}, {"rotation_period_in_days": None}),
    ("aws_kms_key", {"rotation_period_in_days": None}, {"rotation_period_in_days": 90}),
    ("aws_iam_role", {"managed_policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess", "arn:a"]}, {"managed_policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess", "arn:a", "arn:b"]}),
    ("aws_s3_access_point", {"vpc_configuration": [{"vpc_id": "v"}]}, {"vpc_configuration": [{"vpc_id": "w", "other": None}]}),
    ("aws_cloudwatch_event_rule", {"event_pattern": '{"source": ["orders"]}'}, {"event_pattern": '{"source": ["orders", "more"]}'}),
    ("aws_cloudwatch_composite_alarm", {"alarm_rule": "ALARM(a)"}, {"alarm_rule": "ALARM(FALSEHOOD) OR ALARM(a)"}),
    # What AWS takes where nothing is set.
    ("aws_kms_key", {"deletion_window_in_days": None}, {"deletion_window_in_days": 30}),
    ("aws_lambda_function_event_invoke_config", {"maximum_retry_attempts": None}, {"maximum_retry_attempts": 2}),
    ("aws_lambda_function_event_invoke_config", {"maximum_event_age_in_seconds": None}, {"maximum_event_age_in_seconds": 21_600}),
    ("aws_cloudwatch_event_target", {"retry_policy": [{}]}, {"retry_policy": [{"maximum_retry_attempts": 185, "maximum_event_age_in_seconds": 86_400}]}),
    ("aws_s3_bucket", {"lifecycle_rule": [rule(30, tags={"a": "b", "c": "d"})]}, {"lifecycle_rule": [rule(60, tags={"c": "d", "a": "b"})]}),
    ("aws_security_group", {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 0, "to_port": 0, "protocol": "-1"}]}, {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 0, "to_port": 0, "protocol": "tcp"}]}),
    ("aws_sqs_queue", {"message_retention_seconds": 60}, {"message_retention_seconds": None}),
    ("aws_sqs_queue", {"message_retention_seconds": None}, {"message_retention_seconds": 60}),
    # The same, written in another way.
    ("aws_iam_role_policy", *with_policy(policy(READ), policy({**READ, "Action": "dynamodb:getitem", "Sid": "Other"}))),
    ("aws_s3_bucket_policy", *with_policy(policy(TLS, OWN), policy(OWN, {**TLS, "Principal": {"AWS": "*"}, "Resource": TLS["Resource"][::-1]}))),  # type: ignore[index]
    ("aws_iam_policy", *with_policy(policy(statement(Action=["a:B", "c:D"], Resource="*")), policy(statement(Action="a:B", Resource="*"), statement(Action="c:D", Resource="*")))),
    ("aws_iam_policy", *with_policy(policy(statement(Action="s3:*", Resource="*")), policy(statement(Action=["s3:Get*", "s3:PutObject"], Resource="*")))),
    ("aws_iam_policy", *with_policy(policy(statement(Action="a:B", Resource="*"), statement(Action="c:D", Resource="*")), policy(statement(Action=["a:B", "c:D"], Resource="*")))),
    # Statements of a resource that are about all but something.
    ("aws_s3_bucket_policy", None, {"policy": policy({**OWN, "Action": "s3:GetObject"}, {"Effect": "Allow", "Principal": OWN["Principal"], "NotAction": "s3:Delete*", "Resource": "*"})}),
    # No policy at all.
    ("aws_s3_bucket_policy", *with_policy("[]", "{}")),
    ("aws_s3_bucket_policy", *with_policy("text", '["Statement"]')),
    # What was wide already.
    ("aws_s3_bucket_policy", *with_policy(policy(statement(Principal="*", Action="s3:Get*", Resource="*")), policy(statement(Principal="*", Action="s3:GetObject", Resource="*")))),
    ("aws_security_group", {"ingress": [{"cidr_blocks": ["0.0.0.0/0"]}]}, {"ingress": [{"cidr_blocks": ["0.0.0.0/0", "10.0.0.0/8"]}]}),
    ("aws_s3_bucket_acl", {"access_control_policy": [{"grant": [{"grantee": [{"uri": "x/AllUsers"}]}]}]}, {"access_control_policy": [{"grant": [{"grantee": [{"uri": "x/AllUsers"}, {"uri": "x/LogDelivery"}]}]}]}),
    ("aws_s3_bucket_acl", {"acl": "public-read"}, {"acl": "public-read", "x": 1}),
    ("aws_lambda_function_url", {"authorization_type": "NONE", "x": 1}, {"authorization_type": "NONE", "x": 2}),
    # A public principal with a condition that says who.
    ("aws_sns_topic_policy", None, {"policy": policy(statement(Principal="*", Action="sns:Publish", Resource="*", Condition={"StringEquals": {"AWS:SourceOwner": "123456789012"}}))}),
    # Denials more.
    ("aws_s3_bucket_policy", *with_policy(policy(OWN), policy(TLS, OWN))),
    ("aws_s3_bucket_policy", *with_policy(policy(TLS), policy({**TLS, "Condition": {}, "Sid": "Other"}))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "before", "after"), SAFE, ids=[f"{case[0]}-{number}" for number, case in enumerate(SAFE)]
)
def test_what_weakens_nothing_passes(type_: str, before: object, after: object) -> None:
    result = reviewed(changed(type_, before, after))
    assert (result.exit_status, result.findings) == (EXIT_SAFE, ())


@pytest.mark.parametrize("condition", [
    {"Bool": {"aws:SecureTransport": "true"}},
    {"StringNotEquals": {"aws:SourceAccount": "1"}},
    {"StringEqualsIfExists": {"aws:SourceAccount": "1"}},
    {"StringLike": {"aws:SourceArn": "*"}},
    {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}},
    {"StringEquals": None},
    {"StringLike": {"token:sub": "repo:*"}},
    {"IpAddress": {"aws:SourceIp": "::/0"}},
])  # fmt: skip
def test_a_condition_that_says_nothing_of_who_leaves_anyone_anyone(condition: object) -> None:
    public = policy(statement(Principal="*", Action="s3:GetObject", Resource="*", Condition=condition))
    assert reviewed(changed("aws_s3_bucket_policy", None, {"policy": public})).exit_status == EXIT_GUARDED


def test_without_an_own_account_any_may_be_another() -> None:
    change = changed("aws_s3_bucket_policy", None, {"policy": policy(OTHER)})
    (finding,) = review(plan(STAYS, change)).findings
    assert finding.words == "an account gets access, maybe another one: 999999999999"
    # What is deployed tells of the account too.
    for account, words in (("123456789012", "another account gets access: 999999999999"), ("9" * 12, None)):
        role = resource("aws_iam_role.r", "no-op", before={"arn": f"arn:aws:iam::{account}:role/r"}, after={})
        findings = review(plan(STAYS, role, change)).findings
        assert [finding.words for finding in findings] == ([words] if words else [])


@pytest.mark.parametrize("type_", [
    "aws_cloudwatch_event_target",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
])  # fmt: skip
def test_what_refers_to_another_account_makes_it_no_own(type_: str) -> None:
    there = {"arn": "arn:aws:sns:r:999999999999:t"}
    refers = resource(f"{type_}.it", "no-op", before=there, after=there)
    change = changed("aws_s3_bucket_policy", None, {"policy": policy(OTHER)})
    words = ["an account gets access, maybe another one: 999999999999"]
    assert [finding.words for finding in review(plan(STAYS, refers, change)).findings] == words
    # Nor does any other ARN, when the credentials tell.
    role = resource("aws_iam_role.r", "no-op", before={"arn": "arn:aws:iam::999999999999:role/r"}, after={})
    assert [finding.words for finding in reviewed(role, change).findings] == [
        "another account gets access: 999999999999"
    ]


def test_an_action_that_is_not_known_yet_is_more_than_what_is_allowed_today() -> None:
    today = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": ["r"]}
    more = {**today, "Action": ["s3:GetObject", UNKNOWN]}
    assert list(widenings([today], [today], kind=Kind.RESOURCE, new=False, own=())) == []
    found = widenings([today], [more], kind=Kind.RESOURCE, new=False, own=())
    assert [widening.words for widening in found] == ["anyone may use it"]


def test_what_a_policy_would_allow_is_named() -> None:
    actions = [f"s3:Put{number:02}" for number in range(14)]
    change = changed("aws_iam_policy", None, {"policy": policy(statement(Action=actions, Resource="*"))})
    named = " ".join(f"`{action}`" for action in actions[:12])
    assert f"**on every resource:** {named} and 2 more\n" in reviewed(change).markdown


def test_every_row_says_what_it_means() -> None:
    for group, rows in TABLE.items():
        assert group.sign
        for row in rows:
            assert bool(row.words) != bool(row.weaker.policy)
            assert (row.weaker is DESTROYED) <= (row.attribute == "")
    keys = [(row.type, row.attribute, row.weaker) for rows in TABLE.values() for row in rows]
    assert len(keys) == len(set(keys))


# --- Whole resources that go ------------------------------------------------------------------------------


def gone(type_: str, **before: object) -> Any:  # noqa: ANN401
    return resource(f"{type_}.it", "delete", before=before)


BUCKET = gone("aws_s3_bucket", id="b", bucket="b")


@pytest.mark.parametrize(
    "type_",
    sorted(type_ for type_, paths in BELONGS_TO.items() if "bucket" in paths),
)
def test_what_belongs_to_a_bucket_that_goes_is_lost_with_it(type_: str) -> None:
    part = gone(type_, id="b", bucket="b", policy=policy(TLS))
    allowed = ("aws_s3_bucket.it",)
    assert reviewed(BUCKET, part, allowed=allowed).exit_status == EXIT_SAFE
    other = gone("aws_s3_bucket", id="other", bucket="other")
    if type_ not in ("aws_s3_bucket_acl", "aws_s3_bucket_lifecycle_configuration"):
        assert reviewed(other, part, allowed=allowed).exit_status == EXIT_GUARDED
        # Nor do two parts of one bucket excuse each other.
        assert reviewed(part, gone("aws_s3_bucket_cors_configuration", id="b", bucket="b")).findings


def test_what_watches_or_processes_goes_with_what_it_is_for() -> None:
    logs = gone("aws_cloudwatch_log_group", name="/aws/lambda/f", id="/aws/lambda/f")
    assert reviewed(logs).exit_status == EXIT_GUARDED
    for name, status in (("f", EXIT_SAFE), ("other", EXIT_GUARDED)):
        of = gone("aws_lambda_function", function_name=name)
        assert reviewed(logs, of, allowed=("aws_lambda_function.it",)).exit_status == status
    function = gone("aws_lambda_function", id="f", function_name="f")
    alarm = gone("aws_cloudwatch_metric_alarm", dimensions={"FunctionName": "f"}, id="a")
    math = gone(
        "aws_cloudwatch_metric_alarm",
        metric_query=[{"metric": [{"dimensions": {"FunctionName": "f"}}]}],
        id="a",
    )
    allowed = ("aws_lambda_function.it",)
    for watching in (alarm, math):
        assert reviewed(function, watching, allowed=allowed).exit_status == EXIT_SAFE
    assert reviewed(alarm).exit_status == reviewed(math).exit_status == EXIT_GUARDED
    mapping = gone("aws_lambda_event_source_mapping", event_source_arn="arn:stream", function_name="f")
    assert reviewed(function, mapping).exit_status == EXIT_GUARDED
    table = gone("aws_dynamodb_table", id="t", stream_arn="arn:stream")
    assert reviewed(table, mapping, allowed=("aws_dynamodb_table.it",)).exit_status == EXIT_SAFE


@pytest.mark.parametrize(("owner", "name", "type_", "subject"), [
    ("aws_cloudwatch_event_rule", "name", "aws_cloudwatch_event_target", "rule"),
    ("aws_cloudwatch_log_group", "name", "aws_cloudwatch_log_metric_filter", "log_group_name"),
    ("aws_dynamodb_table", "arn", "aws_dynamodb_resource_policy", "resource_arn"),
    ("aws_ecr_repository", "name", "aws_ecr_repository_policy", "repository"),
    ("aws_iam_group", "name", "aws_iam_group_policy", "group"),
    ("aws_iam_role", "id", "aws_iam_role_policy", "role"),
    ("aws_iam_user", "name", "aws_iam_user_policy", "user"),
    ("aws_kinesis_stream", "arn", "aws_kinesis_resource_policy", "resource_arn"),
    ("aws_kms_key", "key_id", "aws_kms_alias", "target_key_id"),
    ("aws_kms_key", "key_id", "aws_kms_key_policy", "key_id"),
    ("aws_cloudwatch_log_group", "name", "aws_cloudwatch_log_subscription_filter", "log_group_name"),
    ("aws_lambda_function", "function_name", "aws_lambda_function_event_invoke_config", "function_name"),
    ("aws_s3_bucket", "bucket", "aws_s3_bucket_logging", "bucket"),
    ("aws_secretsmanager_secret", "id", "aws_secretsmanager_secret_rotation", "secret_id"),
    ("aws_secretsmanager_secret", "arn", "aws_secretsmanager_secret_policy", "secret_arn"),
    ("aws_sns_topic", "arn", "aws_sns_topic_policy", "arn"),
    ("aws_sqs_queue", "url", "aws_sqs_queue_policy", "queue_url"),
])  # fmt: skip
def test_a_part_goes_with_what_it_belongs_to(owner: str, name: str, type_: str, subject: str) -> None:
    part = gone(type_, **{subject: "it", "policy": policy(TLS)})
    allowed = (f"{owner}.it",)
    assert reviewed(part, gone(owner, **{name: "other"}), allowed=allowed).exit_status == EXIT_GUARDED
    assert reviewed(part, gone(owner, **{name: "it"}), allowed=allowed).exit_status == EXIT_SAFE


@pytest.mark.parametrize(("type_", "before"), [
    ("aws_s3_bucket_public_access_block", {"bucket": "n"}),
    ("aws_cloudwatch_metric_alarm", {"dimensions": {"TableName": "n"}}),
    ("aws_lambda_event_source_mapping", {"event_source_arn": "n"}),
])  # fmt: skip
def test_what_goes_excuses_nothing_that_belongs_to_another_type_of_its_name(
    type_: str, before: dict[str, object]
) -> None:
    part = gone(type_, **before)
    role = gone("aws_iam_role", name="n", id="n", arn="n")
    assert [finding.allow for finding in reviewed(role, part).findings] == [f"{type_}.it"]


def test_an_alarm_goes_with_all_that_it_watches() -> None:
    query = [{"metric": [{"dimensions": {"FunctionName": name}}]} for name in "fg"]
    alarm = gone("aws_cloudwatch_metric_alarm", metric_query=query)
    functions = [
        resource(f"aws_lambda_function.{name}", "delete", before={"function_name": name}) for name in "fg"
    ]
    allowed = ("aws_lambda_function.f", "aws_lambda_function.g")
    assert reviewed(alarm, *functions, allowed=allowed).exit_status == EXIT_SAFE
    assert reviewed(alarm, functions[0], allowed=allowed).exit_status == EXIT_GUARDED
    # A dimension that names no resource is none of it.
    of = {"BucketName": "b", "StorageType": "AllStorageTypes"}
    size = gone("aws_cloudwatch_metric_alarm", dimensions=of)
    assert reviewed(size, BUCKET, allowed=("aws_s3_bucket.it",)).exit_status == EXIT_SAFE


@pytest.mark.parametrize("type_", [
    "aws_cloudwatch_log_resource_policy",
    "aws_ecr_registry_policy",
    "aws_glue_resource_policy",
    "aws_iam_policy",
])  # fmt: skip
def test_a_policy_that_stands_alone_is_missed_for_what_it_denies(type_: str) -> None:
    attribute = "policy_document" if "log" in type_ else "policy"
    denial = gone(type_, **{attribute: policy({**READ, "Effect": "Deny"})})
    assert [finding.words for finding in reviewed(denial).findings] == ["it no longer denies Read"]
    assert reviewed(gone(type_, **{attribute: policy(READ)})).exit_status == EXIT_SAFE


@pytest.mark.parametrize(("dimension", "owner", "name"), [
    ("ApiId", "aws_apigatewayv2_api", "id"),
    ("ApiName", "aws_api_gateway_rest_api", "name"),
    ("AutoScalingGroupName", "aws_autoscaling_group", "name"),
    ("BucketName", "aws_s3_bucket", "bucket"),
    ("CacheClusterId", "aws_elasticache_cluster", "cluster_id"),
    ("ClusterName", "aws_ecs_cluster", "name"),
    ("DBClusterIdentifier", "aws_rds_cluster", "cluster_identifier"),
    ("DBInstanceIdentifier", "aws_db_instance", "identifier"),
    ("DomainName", "aws_opensearch_domain", "domain_name"),
    ("EventBusName", "aws_cloudwatch_event_bus", "name"),
    ("FileSystemId", "aws_efs_file_system", "id"),
    ("FunctionName", "aws_lambda_function", "function_name"),
    ("InstanceId", "aws_instance", "id"),
    ("KeyId", "aws_kms_key", "key_id"),
    ("LoadBalancer", "aws_lb", "arn_suffix"),
    ("LogGroupName", "aws_cloudwatch_log_group", "name"),
    ("QueueName", "aws_sqs_queue", "name"),
    ("RuleName", "aws_cloudwatch_event_rule", "name"),
    ("ServiceName", "aws_ecs_service", "name"),
    ("StateMachineArn", "aws_sfn_state_machine", "arn"),
    ("StreamName", "aws_kinesis_stream", "name"),
    ("TableName", "aws_dynamodb_table", "name"),
    ("TopicName", "aws_sns_topic", "name"),
])  # fmt: skip
def test_an_alarm_goes_with_what_its_dimension_names(dimension: str, owner: str, name: str) -> None:
    alarm = gone("aws_cloudwatch_metric_alarm", dimensions={dimension: "it"})
    allowed = (f"{owner}.it",)
    assert reviewed(alarm, gone(owner, **{name: "it"}), allowed=allowed).exit_status == EXIT_SAFE
    assert reviewed(alarm, gone(owner, **{name: "other"}), allowed=allowed).exit_status == EXIT_GUARDED


def test_an_alarm_that_watches_more_or_what_is_not_known_yet_moves_away_from_nothing() -> None:
    def watching(*names: str) -> list[dict[str, object]]:
        return [{"metric": [{"dimensions": {"FunctionName": name}}]} for name in names]

    def moved(*names: str, **change: object) -> Any:  # noqa: ANN401
        sides = [{**ALARM, "metric_query": watching(*some)} for some in ("f", names)]
        return resource("aws_cloudwatch_metric_alarm.it", "update", before=sides[0], after=sides[1], **change)

    assert reviewed(moved("f", "g")).exit_status == EXIT_SAFE
    assert reviewed(moved("g", "h")).exit_status == EXIT_GUARDED
    unknown = {"metric_query": [{}, {"metric": [{"dimensions": {"FunctionName": True}}]}]}
    assert reviewed(moved("g", "h", after_unknown=unknown)).exit_status == EXIT_SAFE


def test_a_part_that_stays_is_judged_though_its_owner_goes() -> None:
    function = gone("aws_lambda_function", function_name="f")
    alarm = {**ALARM, "dimensions": {"FunctionName": "f"}}
    quiet = changed("aws_cloudwatch_metric_alarm", alarm, {**alarm, "actions_enabled": False})
    assert [
        finding.words for finding in reviewed(function, quiet, allowed=("aws_lambda_function.it",)).findings
    ][-1:] == ["the alarm tells nobody"]


@pytest.mark.parametrize("name", ["", ["it"], None])
def test_what_has_no_name_owns_nothing(name: object) -> None:
    part = gone("aws_cloudwatch_event_target", rule=name)
    owner = gone("aws_cloudwatch_event_rule", name=name)
    assert "aws_cloudwatch_event_target.it" in [item.allow for item in reviewed(part, owner).findings]


def test_only_what_is_destroyed_or_created_takes_its_parts_along() -> None:
    for actions in (("no-op",), ("update",), ("delete", "create")):
        owner = resource("aws_s3_bucket.it", *actions, before={"bucket": "b"}, after={"bucket": "b"})
        part = gone("aws_s3_bucket_versioning", bucket="b")
        allowed = ("aws_s3_bucket.it",)
        assert [item.address for item in reviewed(owner, part, allowed=allowed).findings][-1:] == [
            "aws_s3_bucket_versioning.it"
        ]
        expiry = {"bucket": "b", "rule": [rule(1)]}
        lifecycle = changed("aws_s3_bucket_lifecycle_configuration", None, expiry)
        assert reviewed(owner, lifecycle, allowed=allowed).exit_status == EXIT_GUARDED


def test_a_new_bucket_is_not_opened_to_anyone_either() -> None:
    bucket = changed("aws_s3_bucket", None, {"bucket": "b"})
    opened = changed("aws_s3_bucket_policy", None, {"bucket": "b", "policy": policy(ANYONE_READS)})
    assert reviewed(bucket, opened).exit_status == EXIT_GUARDED


def test_a_denial_goes_with_the_role_or_queue_that_it_is_for() -> None:
    denial = gone("aws_iam_role_policy", role="r", policy=policy({**READ, "Effect": "Deny"}))
    assert reviewed(denial).findings[0].words == "it no longer denies Read"
    assert reviewed(denial, gone("aws_iam_role", id="r", name="r")).exit_status == EXIT_SAFE
    queue = gone("aws_sqs_queue", id="q", policy=policy(TLS))
    assert [finding.words for finding in reviewed(queue).findings] == ["the messages in it are lost"]


def test_what_weakens_is_red_beside_what_does_not() -> None:
    before = {"ttl": [{"enabled": False, "other": "a"}], "read_capacity": 1}
    after = {"ttl": [{"enabled": True, "other": "b"}], "read_capacity": 2}
    assert (
        '```diff\n- ttl[0].enabled: false → true\n! read_capacity:  1 → 2\n! ttl[0].other:   "a" → "b"\n```\n'
    ) in reviewed(changed("aws_dynamodb_table", before, after)).markdown


def test_what_is_allowed_of_several_weakenings_is_said() -> None:
    weaker = {**MAPPING, "enabled": False, "maximum_retry_attempts": 1}
    change = changed("aws_lambda_event_source_mapping", MAPPING, weaker)
    allowed = [finding.allow for finding in reviewed(change).findings]
    assert " – **events are not processed** (allowed) – **gives up on a batch sooner**\n" in (
        reviewed(change, allowed=(allowed[0],)).markdown
    )
    for some in ((), tuple(allowed)):
        assert "(allowed)" not in reviewed(change, allowed=some).markdown


ENVIRONMENT = [
    gone("aws_lambda_function", function_name="f", arn="arn:f"),
    gone("aws_cloudwatch_log_group", name="/aws/lambda/f"),
    resource("aws_cloudwatch_log_group.of_nothing", "delete", before={"name": "/orders"}),
    gone("aws_sns_topic", arn=TOPIC),
    gone("aws_sns_topic_subscription", topic_arn=TOPIC),
    gone("aws_cloudwatch_metric_alarm", dimensions={"FunctionName": "f"}),
    gone("aws_cloudwatch_composite_alarm", alarm_name="a"),
    resource("aws_cloudwatch_metric_alarm.own", "delete", before={"dimensions": {"Orders": "x"}}),
    gone("aws_cloudwatch_event_rule", name="r"),
    gone("aws_cloudwatch_event_target", rule="r"),
    gone("aws_sqs_queue", url="q"),
    resource("aws_iam_role.r", "forget", before={}),
    {**resource("data.aws_iam_policy_document.d", "read", after={}), "mode": "data"},
]


def test_the_end_of_a_whole_environment_weakens_nothing() -> None:
    # What is only read is not deployed.
    read = {"address": "data.aws_region.r", "mode": "data", "type": "aws_region", "values": {}}
    prior = {"values": {"root_module": {"resources": [read]}}}
    for state in ({}, {"prior_state": prior}):
        result = review(plan(TABLE_DESTROYED, *ENVIRONMENT, **state))
        assert [finding.address for finding in result.findings] == ["aws_dynamodb_table.orders"]
    assert review(plan(TABLE_DESTROYED, *ENVIRONMENT), ["aws_dynamodb_table.orders"]).exit_status == EXIT_SAFE


@pytest.mark.parametrize("part", [
    gone("aws_s3_bucket_public_access_block", bucket="elsewhere"),
    gone("aws_s3_bucket_versioning", bucket="elsewhere"),
    gone("aws_cloudwatch_metric_alarm", dimensions={"FunctionName": "elsewhere"}),
    gone("aws_lambda_event_source_mapping", event_source_arn="elsewhere", function_name="f"),
    # Of the account, which stays.
    gone("aws_s3_account_public_access_block"),
    gone("aws_guardduty_detector"),
    gone("aws_cloudtrail", name="t"),
])  # fmt: skip
def test_what_belongs_to_something_else_is_missed_there_though_an_environment_ends(part: Any) -> None:  # noqa: ANN401
    address = part["address"]
    found = review(plan(TABLE_DESTROYED, *ENVIRONMENT, part)).findings
    assert [finding.address for finding in found] == ["aws_dynamodb_table.orders", address]


@pytest.mark.parametrize("part", [
    gone("aws_cloudwatch_composite_alarm", alarm_name="a"),
    gone("aws_cloudwatch_metric_alarm", **ALARM),
    gone("aws_s3_bucket_versioning", bucket="b"),
    gone("aws_s3_bucket_public_access_block", bucket="b"),
    gone("aws_backup_plan", name="b"),
])  # fmt: skip
def test_deletions_alone_are_no_end_of_an_environment(part: Any) -> None:  # noqa: ANN401
    assert review(plan(part)).exit_status == EXIT_GUARDED


def test_what_stays_in_the_state_keeps_an_environment_alive() -> None:
    """A plan of some targets tells of the others in the state alone."""

    def state(*addresses: str) -> dict[str, object]:
        resources = [{"mode": "managed", "address": address} for address in addresses]
        return {"values": {"root_module": {"child_modules": [{"resources": resources}]}}}

    function = gone("aws_lambda_function", function_name="f")
    assert review(plan(function, prior_state=state("aws_lambda_function.it"))).exit_status == EXIT_SAFE
    stays = state("aws_lambda_function.it", "aws_dynamodb_table.t")
    assert review(plan(function, prior_state=stays)).exit_status == EXIT_GUARDED


def test_a_replacement_loses_what_is_in_it() -> None:
    sides = {"before": {"name": "g"}, "after": {"name": "h"}}
    replaced = resource("aws_cloudwatch_log_group.it", "delete", "create", **sides)
    assert [finding.words for finding in reviewed(replaced).findings] == ["the logs in it are lost"]
    kept = resource("aws_cloudwatch_log_group.it", "create", "forget", **sides)
    assert reviewed(kept).exit_status == EXIT_SAFE
    again = resource(
        "aws_cloudwatch_log_group.it", "delete", "create", before={"name": "g"}, after={"name": "g"}
    )
    assert [finding.words for finding in reviewed(again).findings] == ["the logs in it are lost"]
    # Of a topic nothing is lost that was not delivered.
    topic = resource(
        "aws_sns_topic.it",
        "delete",
        "create",
        before={"kms_master_key_id": "k"},
        after={"kms_master_key_id": "k"},
    )
    assert reviewed(topic).exit_status == EXIT_SAFE


def test_a_resource_at_another_address_is_compared_with_the_old_one() -> None:
    old = resource("aws_cloudwatch_metric_alarm.old", "delete", before=ALARM)
    same = resource("aws_cloudwatch_metric_alarm.new", "create", after=ALARM)
    weaker = resource("aws_cloudwatch_metric_alarm.new", "create", after={**ALARM, "alarm_actions": []})
    other = resource("aws_cloudwatch_metric_alarm.new", "create", after={**ALARM, "alarm_name": "other"})
    assert reviewed(old, same).exit_status == EXIT_SAFE
    assert [finding.allow for finding in reviewed(old, weaker).findings] == [
        "aws_cloudwatch_metric_alarm.new.alarm_actions"
    ]
    assert [finding.allow for finding in reviewed(old, other).findings] == ["aws_cloudwatch_metric_alarm.old"]
    there = resource("aws_cloudwatch_metric_alarm.new", "update", before=ALARM, after={**ALARM, "x": 1})
    assert reviewed(old, there).exit_status == EXIT_GUARDED
    part = resource("aws_s3_bucket_versioning.old", "delete", before={"bucket": "b"})
    moved = resource("aws_s3_bucket_versioning.new", "create", after={"bucket": "b"})
    assert reviewed(part, moved).exit_status == EXIT_SAFE


def test_what_is_there_again_at_another_address_takes_no_part_along() -> None:
    function = [
        gone("aws_lambda_function", id="f", arn="arn:f", function_name="f"),
        resource("aws_lambda_function.new", "create", after={"function_name": "f"}),
    ]
    logs = gone("aws_cloudwatch_log_group", name="/aws/lambda/f")
    alarm = gone("aws_cloudwatch_metric_alarm", dimensions={"FunctionName": "f"})
    mapping = gone("aws_lambda_permission", function_name="arn:f")
    found = reviewed(*function, logs, alarm, mapping).findings
    assert [finding.address for finding in found] == [part["address"] for part in (logs, mapping, alarm)]
    renamed = resource("aws_lambda_function.new", "create", after={"function_name": "g"})
    allowed = ("aws_cloudwatch_log_group.it", "aws_lambda_function.it")
    assert reviewed(function[0], renamed, logs, alarm, mapping, allowed=allowed).exit_status == EXIT_SAFE


@pytest.mark.parametrize("kept", ["no-op", "update"])
def test_what_will_belong_to_something_that_is_not_known_yet_leaves_what_stays(kept: str) -> None:
    block = resource(
        "aws_s3_bucket_public_access_block.it",
        *("delete", "create"),
        before={"bucket": "b", "block_public_acls": True},
        after={"block_public_acls": True},
        after_unknown={"bucket": True},
    )
    bucket = resource("aws_s3_bucket.b", kept, before={"id": "b", "x": 1}, after={"id": "b", "x": 2})
    assert [finding.words for finding in reviewed(block, bucket).findings] == [
        "public access is not blocked, as it moves away from b"
    ]
    # Of a bucket that is not in this plan, it may be the same one.
    assert reviewed(block).exit_status == EXIT_SAFE
    replaced = resource("aws_s3_bucket.b", "delete", "create", before={"id": "b"}, after={})
    assert reviewed(block, replaced, allowed=("aws_s3_bucket.b",)).exit_status == EXIT_SAFE


def test_a_policy_that_is_attached_later_is_new_only_beside_somebody_new() -> None:
    made = changed("aws_iam_policy", None, {"policy": policy({**READ, "Action": "dynamodb:*"})})
    assert [finding.words for finding in reviewed(made).findings] == ["it may do everything: dynamodb:*"]
    for type_ in ("aws_iam_role", "aws_iam_user", "aws_iam_group"):
        assert reviewed(made, resource(f"{type_}.r", "create", after={})).exit_status == EXIT_SAFE
        assert reviewed(made, resource(f"{type_}.r", "no-op", before={}, after={})).findings


def test_a_metric_ends_with_any_of_its_dimensions_and_an_alarm_with_all_of_its_metrics() -> None:
    rule_ = gone("aws_cloudwatch_event_rule", name="r")
    allowed = ("aws_cloudwatch_event_rule.it",)
    dimensions = {"EventBusName": "shared", "RuleName": "r"}
    one = gone("aws_cloudwatch_metric_alarm", dimensions=dimensions)
    assert reviewed(rule_, one, allowed=allowed).exit_status == EXIT_SAFE
    metrics = [{"metric": [{"dimensions": some}]} for some in (dimensions, {"FunctionName": "f"})]
    two = gone("aws_cloudwatch_metric_alarm", metric_query=metrics)
    assert reviewed(rule_, two, allowed=allowed).exit_status == EXIT_GUARDED


def test_fewer_are_fewer_whoever_the_rest_will_be() -> None:
    sides: dict[str, Any] = {"before": {"alarm_actions": ["a", "b"]}, "after": {"alarm_actions": [None]}}
    fewer = resource(
        "aws_cloudwatch_metric_alarm.it", "update", **sides, after_unknown={"alarm_actions": [True]}
    )
    assert [finding.words for finding in reviewed(fewer).findings] == ["the alarm tells fewer or nobody"]
    unknown = resource(
        "aws_cloudwatch_metric_alarm.it", "update", **sides, after_unknown={"alarm_actions": True}
    )
    assert reviewed(unknown).exit_status == EXIT_SAFE


def test_what_has_no_name_is_not_known_to_be_the_same() -> None:
    old = resource("aws_guardduty_detector.old", "delete", before={"enable": False})
    new = resource("aws_guardduty_detector.new", "create", after={"enable": False})
    assert [finding.allow for finding in reviewed(old, new).findings] == [
        "aws_guardduty_detector.old",
        "aws_guardduty_detector.new.enable",
    ]


@pytest.mark.parametrize(("type_", "names"), [
    ("aws_cloudwatch_metric_alarm", ("alarm_name",)),
    ("aws_cloudwatch_composite_alarm", ("alarm_name",)),
    ("aws_lambda_event_source_mapping", ("event_source_arn", "function_name")),
    ("aws_sns_topic_subscription", ("topic_arn", "protocol", "endpoint")),
    ("aws_cloudwatch_event_target", ("rule", "arn")),
    ("aws_s3_bucket_versioning", ("bucket",)),
    ("aws_backup_plan", ("name",)),
    ("aws_kms_alias", ("name",)),
    ("aws_lambda_function_event_invoke_config", ("function_name",)),
])  # fmt: skip
def test_a_resource_at_another_address_is_the_same_by_all_that_it_is(
    type_: str, names: tuple[str, ...]
) -> None:
    values = dict.fromkeys(names, "it")
    old = resource(f"{type_}.old", "delete", before=values)
    assert reviewed(old, resource(f"{type_}.new", "create", after=values)).exit_status == EXIT_SAFE
    for name in values:
        other = resource(f"{type_}.new", "create", after={**values, name: "other"})
        assert reviewed(old, other).exit_status == EXIT_GUARDED


@pytest.mark.parametrize(("type_", "values", "other"), [
    ("aws_cloudwatch_log_metric_filter", {"name": "n", "log_group_name": "g"}, {"log_group_name": "h"}),
    ("aws_cloudwatch_log_subscription_filter", {"name": "n", "log_group_name": "g"}, {"log_group_name": "h"}),
    ("aws_cloudwatch_event_rule", {"name": "n", "event_bus_name": "b"}, {"event_bus_name": "default"}),
    ("aws_kms_grant", {"key_id": "k", "grantee_principal": "r"}, {"grantee_principal": "s"}),
    ("aws_lambda_function_event_invoke_config", {"function_name": "f", "qualifier": "dev"}, {"qualifier": "prod"}),
    ("aws_lambda_permission", {"function_name": "f", "principal": "s3.amazonaws.com"}, {"principal": "sns.amazonaws.com"}),
    ("aws_lambda_permission", {"function_name": "f", "source_arn": "arn:a"}, {"source_arn": "arn:b"}),
    ("aws_scheduler_schedule", {"name": "n", "group_name": "g"}, {"group_name": "h"}),
    ("aws_secretsmanager_secret_rotation", {"secret_id": "s"}, {"secret_id": "t"}),
])  # fmt: skip
def test_what_differs_in_more_than_its_name_is_missed(
    type_: str, values: dict[str, str], other: dict[str, str]
) -> None:
    old = resource(f"{type_}.old", "delete", before=values)
    assert reviewed(old, resource(f"{type_}.new", "create", after=values)).exit_status == EXIT_SAFE
    found = reviewed(old, resource(f"{type_}.new", "create", after=values | other)).findings
    assert [finding.allow for finding in found] == [f"{type_}.old"]


@pytest.mark.parametrize(("type_", "values"), [
    ("aws_sns_topic_policy", {"arn": TOPIC, "policy": policy(TLS, OWN)}),
    ("aws_sqs_queue_policy", {"queue_url": "https://q", "policy": policy(TLS, OWN)}),
    ("aws_iam_role_policy_attachment", {"role": "r", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("aws_iam_user_policy_attachment", {"user": "u", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("aws_iam_group_policy_attachment", {"group": "g", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("aws_secretsmanager_secret_policy", {"secret_arn": "arn:s", "policy": policy(TLS, OWN)}),
    ("aws_vpc_security_group_ingress_rule", {"security_group_id": "sg", "cidr_ipv4": "0.0.0.0/0", "ip_protocol": "tcp", "from_port": 443, "to_port": 443}),
    ("aws_security_group_rule", {"security_group_id": "sg", "type": "ingress", "cidr_blocks": ["0.0.0.0/0"], "protocol": "tcp", "from_port": 443, "to_port": 443}),
])  # fmt: skip
def test_the_same_at_another_address_is_nothing_new(type_: str, values: dict[str, object]) -> None:
    old = resource(f"{type_}.it[0]", "delete", before=values)
    assert reviewed(old, resource(f'{type_}.it["a"]', "create", after=values)).exit_status == EXIT_SAFE


@pytest.mark.parametrize("other", [{"from_port": 80, "to_port": 80}, {"protocol": "udp"}, {"cidr_blocks": [], "ipv6_cidr_blocks": ["::/0"]}, {"security_group_id": "other"}])  # fmt: skip
def test_rules_that_get_other_keys_are_each_told_from_the_others(other: dict[str, object]) -> None:
    rule_ = {
        "security_group_id": "g",
        "type": "ingress",
        "cidr_blocks": ["0.0.0.0/0"],
        "protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
    }
    rules = rule_, {**rule_, **other}
    renamed = [
        change
        for number, values in enumerate(rules)
        for change in (
            resource(f"aws_security_group_rule.it[{number}]", "delete", before=values),
            resource(f'aws_security_group_rule.it["{number}"]', "create", after=values),
        )
    ]
    for changes in (renamed, renamed[::-1]):
        assert reviewed(*changes).exit_status == EXIT_SAFE


@pytest.mark.parametrize("type_", [
    "aws_cloudwatch_log_group",
    "aws_cognito_user_pool",
    "aws_ecr_repository",
    "aws_secretsmanager_secret",
    "aws_sqs_queue",
])  # fmt: skip
def test_what_is_in_a_resource_does_not_follow_it_to_another_address(type_: str) -> None:
    old = resource(f"{type_}.old", "delete", before={"name": "n"})
    new = resource(f"{type_}.new", "create", after={"name": "n"})
    assert [finding.allow for finding in reviewed(old, new).findings] == [f"{type_}.old"]
    function = resource("aws_lambda_function.old", "delete", before={"function_name": "f"})
    same = resource("aws_lambda_function.new", "create", after={"function_name": "f"})
    assert reviewed(function, same).exit_status == EXIT_SAFE


def test_a_bucket_at_another_address_is_as_public_as_it_was() -> None:
    sides = {"bucket": "b", "acl": "public-read"}
    old = resource("aws_s3_bucket.old", "delete", before=sides)
    new = resource("aws_s3_bucket.new", "create", after=sides)
    assert [finding.allow for finding in reviewed(old, new).findings] == ["aws_s3_bucket.old"]


def test_logs_that_aws_keeps_are_not_lost() -> None:
    assert reviewed(gone("aws_cloudwatch_log_group", name="g", skip_destroy=True)).exit_status == EXIT_SAFE


# --- What moves from one to another ------------------------------------------------------------------------

VERSIONED: dict[str, object] = {"versioning_configuration": [{"status": "Enabled"}]}
# Type, what stays the same, to what it belongs before and after, and what is said.
Moved = tuple[str, dict[str, object], dict[str, object], dict[str, object], str]
MOVED: list[Moved] = [
    ("aws_s3_bucket_versioning", VERSIONED, {"bucket": "a"}, {"bucket": "b"}, "versioning off: overwritten is lost, as it moves away from a"),
    ("aws_s3_bucket_public_access_block", {"block_public_acls": True}, {"bucket": "a"}, {"bucket": "b"}, "public access is not blocked, as it moves away from a"),
    ("aws_s3_bucket_lifecycle_configuration", {"rule": [rule(1)]}, {"bucket": "a"}, {"bucket": "b"}, "objects expire, or sooner than today"),
    ("aws_s3_bucket_policy", {"policy": policy(TLS)}, {"bucket": "a"}, {"bucket": "b"}, "it no longer denies Tls"),
    ("aws_lambda_event_source_mapping", {"function_name": "f"}, {"event_source_arn": "arn:a"}, {"event_source_arn": "arn:b"}, "events are not processed, as it moves away from arn:a"),
    ("aws_cloudwatch_log_metric_filter", {"name": "n"}, {"log_group_name": "a"}, {"log_group_name": "b"}, "the metric stops, as it moves away from a"),
    ("aws_cloudwatch_metric_alarm", ALARM, {"dimensions": {"FunctionName": "a"}}, {"dimensions": {"FunctionName": "b"}}, "the alarm is gone, as it moves away from a"),
    ("aws_cloudwatch_metric_alarm", ALARM, {"metric_query": [{"metric": [{"dimensions": {"FunctionName": name}}]} for name in "ab"]}, {"dimensions": {"FunctionName": "b"}}, "the alarm is gone, as it moves away from a"),
]  # fmt: skip


@pytest.mark.parametrize("actions", [("update",), ("delete", "create")])
@pytest.mark.parametrize("case", MOVED, ids=[case[0] for case in MOVED])
def test_what_moves_to_another_is_missed_where_it_was(case: Moved, actions: tuple[str, ...]) -> None:
    type_, both, before, after, words = case
    moved = resource(f"{type_}.it", *actions, before=both | before, after=both | after)
    assert [finding.words for finding in reviewed(moved).findings] == [words]
    # Where it goes may be known only after apply.
    unknown = dict.fromkeys(after, True)
    later = resource(f"{type_}.it", *actions, before=both | before, after=both, after_unknown=unknown)
    assert reviewed(later).exit_status == EXIT_SAFE
    nowhere = resource(f"{type_}.it", *actions, before=both | before, after=both)
    assert reviewed(nowhere).exit_status == EXIT_SAFE


@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("update",)])
def test_nothing_is_missed_of_what_goes_or_gets_another_name(actions: tuple[str, ...]) -> None:
    moved = resource(
        "aws_s3_bucket_public_access_block.it",
        "delete",
        "create",
        before={"bucket": "a"},
        after={"bucket": "b"},
    )
    bucket = resource("aws_s3_bucket.it", *actions, before={"bucket": "a"}, after={"bucket": "b"})
    if actions == ("delete",):
        bucket["change"]["after"] = None
    allowed = ("aws_s3_bucket.it",)
    assert reviewed(bucket, moved, allowed=allowed).exit_status == EXIT_SAFE
    bucket["change"]["before"] = {"bucket": "other"}
    assert reviewed(bucket, moved, allowed=allowed).exit_status == EXIT_GUARDED


@pytest.mark.parametrize("actions", [("forget",), ("delete", "create"), ("no-op",)])
def test_what_keeps_its_name_misses_what_moves_away(actions: tuple[str, ...]) -> None:
    type_ = "aws_s3_bucket_public_access_block"
    moved = resource(f"{type_}.it", "delete", "create", before={"bucket": "a"}, after={"bucket": "b"})
    after = None if actions == ("forget",) else {"bucket": "a"}
    bucket = resource("aws_s3_bucket.it", *actions, before={"bucket": "a"}, after=after)
    assert reviewed(bucket, moved, allowed=("aws_s3_bucket.it",)).exit_status == EXIT_GUARDED


def test_a_part_that_takes_the_place_of_another_is_compared_with_it() -> None:
    def block(bucket: str, *, acls: bool = True) -> dict[str, object]:
        return {"bucket": bucket, "block_public_acls": acls}

    type_ = "aws_s3_bucket_public_access_block"
    last = resource(f"{type_}.it[1]", "delete", before=block("b"))
    first = resource(f"{type_}.it[0]", "delete", "create", before=block("a"), after=block("b"))
    bucket = gone("aws_s3_bucket", bucket="a")
    allowed = ("aws_s3_bucket.it",)
    assert [finding.allow for finding in reviewed(first, last).findings] == [f"{type_}.it[0]"]
    assert reviewed(bucket, first, last, allowed=allowed).exit_status == EXIT_SAFE
    # What was off there already is none of it.
    off = resource(f"{type_}.it[0]", "delete", "create", before=block("a"), after=block("b", acls=False))
    last["change"]["before"] = block("b", acls=False)
    assert [finding.allow for finding in reviewed(off, last).findings] == [f"{type_}.it[0]"]
    assert f"{type_}.it[0].block_public_acls" in [finding.allow for finding in reviewed(off).findings]


@pytest.mark.parametrize(("type_", "name", "arn"), [
    ("aws_lambda_function_event_invoke_config", "function_name", "arn:aws:lambda:r:123456789012:function:it"),
    ("aws_kms_alias", "target_key_id", "arn:aws:kms:r:123456789012:key/it"),
])  # fmt: skip
def test_an_arn_names_what_its_name_does(type_: str, name: str, arn: str) -> None:
    for one, other, status in (
        ("it", arn, EXIT_SAFE),
        (arn, "it", EXIT_SAFE),
        (arn, "t", EXIT_GUARDED),
        (arn, f"{arn}s", EXIT_GUARDED),
        ("it", "t", EXIT_GUARDED),
    ):
        change = resource(f"{type_}.it", "update", before={name: one}, after={name: other})
        assert reviewed(change).exit_status == status


def test_a_policy_of_a_role_at_another_address_is_compared_with_the_old_one() -> None:
    denial = policy(READ, {**READ, "Effect": "Deny", "Sid": "No"})
    old = resource("aws_iam_role_policy.old", "delete", before={"role": "r", "policy": denial})
    new = resource("aws_iam_role_policy.new", "create", after={"role": "r", "policy": policy(READ)})
    assert [(item.address, item.words) for item in reviewed(old, new).findings] == [
        ("aws_iam_role_policy.new", "it no longer denies No")
    ]


def test_what_cannot_be_told_apart_is_not_taken_for_the_same() -> None:
    old = resource("aws_flow_log.old", "delete", before={})
    assert reviewed(old, resource("aws_flow_log.new", "create", after={})).exit_status == EXIT_GUARDED
    before = {"topic_arn": TOPIC, "protocol": "email", "endpoint": "a@b.c"}
    old = resource("aws_sns_topic_subscription.old", "delete", before=before)
    after = {"topic_arn": TOPIC, "protocol": "email"}
    new = resource("aws_sns_topic_subscription.new", "create", after=after, after_unknown={"endpoint": True})
    assert reviewed(old, new).exit_status == EXIT_GUARDED
    same = resource("aws_sns_topic_subscription.new", "create", after=before)
    assert reviewed(old, same).exit_status == EXIT_SAFE


def test_a_forgotten_or_deposed_resource_stays_or_was_replaced_already() -> None:
    forgotten = resource("aws_cloudwatch_metric_alarm.it", "forget", before=ALARM)
    deposed = {**gone("aws_cloudwatch_metric_alarm", **ALARM), "deposed": "1a2b3c4d"}
    assert reviewed(forgotten).exit_status == reviewed(deposed).exit_status == EXIT_SAFE


def test_a_policy_for_what_is_there_already_widens_what_it_may() -> None:
    deletes = policy({**READ, "Action": "dynamodb:DeleteTable"})
    change = changed("aws_iam_role_policy", None, {"role": "r", "policy": deletes})
    assert [finding.words for finding in reviewed(change).findings] == [
        "it may destroy: dynamodb:DeleteTable"
    ]
    role = resource("aws_iam_role.r", "create", after={"name": "r"})
    assert reviewed(role, change).exit_status == EXIT_SAFE


def test_a_lifecycle_for_a_new_bucket_lets_nothing_expire() -> None:
    lifecycle = {"bucket": "b", "rule": [rule(1)]}
    new = resource("aws_s3_bucket.b", "create", after={"bucket": "b"})
    change = changed("aws_s3_bucket_lifecycle_configuration", None, lifecycle)
    assert reviewed(new, change).exit_status == EXIT_SAFE
    assert reviewed(change).exit_status == EXIT_GUARDED
    unknown = resource(
        "aws_s3_bucket_lifecycle_configuration.it",
        "create",
        after={"rule": [rule(1)]},
        after_unknown={"bucket": True},
    )
    assert reviewed(unknown).exit_status == EXIT_SAFE


# --- What is known only after apply ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "before", "unknown"),
    [
        ("aws_dynamodb_table", {"deletion_protection_enabled": True}, {"deletion_protection_enabled": True}),
        ("aws_cloudwatch_log_group", {"retention_in_days": 30}, {"retention_in_days": True}),
        ("aws_sns_topic", {"kms_master_key_id": "k"}, {"kms_master_key_id": True}),
        ("aws_kms_key", {"rotation_period_in_days": 90}, {"rotation_period_in_days": True}),
        ("aws_s3_bucket", {"lifecycle_rule": []}, {"lifecycle_rule": [{"expiration": [{"days": True}]}]}),
        ("aws_cloudwatch_metric_alarm", {"alarm_actions": ["a", "b"]}, {"alarm_actions": True}),
        ("aws_s3_bucket_versioning", {"versioning_configuration": [{"status": "Enabled"}]}, {"versioning_configuration": True}),
    ],
)  # fmt: skip
def test_what_is_not_known_yet_is_taken_for_strong(
    type_: str, before: object, unknown: dict[str, object]
) -> None:
    change = resource(f"{type_}.it", "update", before=before, after={}, after_unknown=unknown)
    if "lifecycle_rule" in unknown:
        change["change"]["after"] = {"lifecycle_rule": [rule(expiration=[{}])]}
    result = reviewed(change)
    assert result.exit_status == EXIT_SAFE
    assert "❔" not in result.markdown


def test_a_policy_that_is_not_known_yet_is_said() -> None:
    change = resource(
        "aws_s3_bucket_policy.it",
        "update",
        before={"policy": policy(TLS)},
        after={},
        after_unknown={"policy": True},
    )
    result = reviewed(change)
    assert result.exit_status == EXIT_SAFE
    said = "❔ Known only after apply, so not judged: whom `aws_s3_bucket_policy.it` lets do what."
    assert f"\n\n{said}\n\n" in result.markdown
    created = resource("aws_iam_policy.p", "create", after={}, after_unknown={"policy": True})
    replaced = resource(
        "aws_sqs_queue.q", "delete", "create", before={}, after={}, after_unknown={"policy": True}
    )
    assert "whom `aws_s3_bucket_policy.it`, `aws_iam_policy.p` and `aws_sqs_queue.q` let do what." in (
        reviewed(change, created, replaced).markdown
    )
    # A provider's default that nobody set is not.
    unset = {
        "root_module": {"resources": [{"address": "aws_s3_bucket_policy.it", "expressions": {"bucket": {}}}]}
    }
    assert said not in reviewed(change, configuration=unset).markdown


def test_a_policy_that_is_not_known_yet_hides_no_other() -> None:
    known = {"name": "a", "policy": policy(statement(Action="*", Resource="*"))}
    denying = {"name": "b", "policy": policy({**READ, "Effect": "Deny"})}
    before = {"inline_policy": [denying]}
    unknown = resource(
        "aws_iam_role.r",
        "update",
        before=before,
        after={"inline_policy": [known, {"name": "b"}]},
        after_unknown={"inline_policy": [{}, {"policy": True}]},
    )
    result = reviewed(unknown)
    assert [finding.words for finding in result.findings] == ["it may do everything: *"]
    assert "❔ Known only after apply" in result.markdown
    # What is allowed today is not new.
    unknown["change"]["before"] = {"inline_policy": [known]}
    assert reviewed(unknown).exit_status == EXIT_SAFE
    # An empty one is known.
    empty = changed("aws_iam_role", before, {"inline_policy": [known, {"name": "b", "policy": ""}]})
    assert [finding.words for finding in reviewed(empty).findings] == [
        "it may do everything: *; it no longer denies Read"
    ]


def document(*statements: object, unknown: object = None, **fields: object) -> Any:  # noqa: ANN401
    change = resource(
        "data.aws_iam_policy_document.d",
        "read",
        after={"statement": list(statements)} | fields,
        after_unknown={"json": True, "statement": unknown or []},
    )
    return {**change, "type": "aws_iam_policy_document", "mode": "data"}


def with_document(*statements: object, unknown: object = None, **fields: object) -> Result:
    """The review of a bucket policy that is made of a document, of which Terraform knows a part so far."""
    references = ["data.aws_iam_policy_document.d.json", "data.aws_iam_policy_document.d"]
    configuration = {
        "address": "aws_s3_bucket_policy.it",
        "expressions": {"policy": {"references": references}},
    }
    change = resource(
        "aws_s3_bucket_policy.it",
        "update",
        before={"policy": policy(TLS)},
        after={},
        after_unknown={"policy": True},
    )
    return reviewed(
        change,
        document(*statements, unknown=unknown, **fields),
        configuration={"root_module": {"resources": [configuration]}},
    )


TLS_BLOCK = {
    "sid": "Tls",
    "effect": "Deny",
    "principals": [{"type": "*", "identifiers": ["*"]}],
    "actions": ["s3:*"],
    "resources": [None, None],
    "condition": [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}],
}
TLS_UNKNOWN = {"resources": [True, True]}


def test_a_policy_is_judged_by_the_document_that_it_is_made_of() -> None:
    public = {
        "principals": [{"type": "AWS", "identifiers": ["*"]}],
        "actions": ["s3:GetObject"],
        "resources": [None],
    }
    result = with_document(TLS_BLOCK, public, unknown=[TLS_UNKNOWN, {"resources": [True]}])
    assert [finding.words for finding in result.findings] == ["anyone may read"]
    assert (
        "@@ policy.Statement: added @@\n"
        "+ Allow      s3:GetObject\n"
        "+ Principal  *\n"
        "+ Resource   (known after apply)\n"
    ) in result.markdown
    assert with_document(public, unknown=[{"resources": [True]}]).findings[0].words == (
        "anyone may read; it no longer denies Tls"
    )
    # The same denial of what it denies today, as far as can be told.
    same = with_document(TLS_BLOCK, unknown=[TLS_UNKNOWN])
    assert same.exit_status == EXIT_SAFE
    assert "❔" not in same.markdown


def test_a_policy_that_is_made_anew_and_stays_the_same_has_a_word_for_it() -> None:
    block = {**TLS_BLOCK, "resources": TLS["Resource"]}
    assert "  policy: made anew at apply, the same as today\n" in with_document(block).markdown


def test_a_document_says_what_its_blocks_set_and_no_more() -> None:
    block = {
        "actions": ["a:B"],
        "resources": None,
        "principals": [],
        "condition": [],
        "sid": "",
        "effect": None,
    }
    assert document_policy({"statement": [block], "policy_id": "", "version": None}) == {
        "Statement": [{"Effect": "Allow", "Action": ["a:B"]}],
        "Version": "2012-10-17",
    }


def test_which_of_several_documents_a_policy_is_made_of_is_not_known() -> None:
    references = ["data.aws_iam_policy_document.d.json", "data.aws_iam_policy_document.d"]
    configuration = {"address": "aws_iam_policy.it", "expressions": {"policy": {"references": references}}}
    fields: Any = {"configuration": {"root_module": {"resources": [configuration]}}}
    block = {"actions": ["*"], "resources": ["*"]}
    policies = [
        resource(f'aws_iam_policy.it["{key}"]', "create", after={}, after_unknown={"policy": True})
        for key in "ab"
    ]
    instances = [document(block) | {"address": f'data.aws_iam_policy_document.d["{key}"]'} for key in "ab"]
    assert [item.words for item in reviewed(*policies, instances[0], **fields).findings] == [
        "it may do everything: *"
    ] * 2
    result = reviewed(*policies, *instances, **fields)
    assert result.findings == ()
    assert (
        """❔ Known only after apply, so not judged: whom `aws_iam_policy.it["a"]` and""" in result.markdown
    )


def test_a_policy_that_stays_is_not_what_its_document_will_say() -> None:
    # Such as one whose changes are ignored.
    references = ["data.aws_iam_policy_document.d.json"]
    configuration = {"address": "aws_iam_policy.it", "expressions": {"policy": {"references": references}}}
    change = changed("aws_iam_policy", {"policy": policy(READ), "x": 1}, {"policy": policy(READ), "x": 2})
    result = reviewed(
        change,
        document({"actions": ["*"], "resources": ["*"]}),
        configuration={"root_module": {"resources": [configuration]}},
    )
    assert result.findings == ()


def test_unknown_principals_and_actions_are_said() -> None:
    for name, unknown in (
        ("principals", {"principals": [{"identifiers": [True]}]}),
        ("actions", {"actions": [True]}),
    ):
        block = {
            "principals": [{"type": "AWS", "identifiers": [None]}],
            "actions": ["s3:GetObject"],
            "resources": ["r"],
        }
        block |= {"actions": [None]} if name == "actions" else {}
        assert "❔ Known only after apply" in with_document(block, unknown=[unknown]).markdown
        # Whom it denies something is no danger.
        assert "❔" not in with_document({**block, "effect": "Deny"}, unknown=[unknown]).markdown


@pytest.mark.parametrize(
    ("variable", "value", "is_said"),
    [("x:sub", None, True), ("x:sub", "repo:o/r:*", False), ("x:other", None, False)],
)
def test_a_subject_that_is_not_known_yet_is_said(variable: str, value: str | None, *, is_said: bool) -> None:
    block = {
        "principals": [{"type": "AWS", "identifiers": ["arn:aws:iam::123456789012:role/r"]}],
        "actions": ["s3:GetObject"],
        "resources": ["r"],
        "condition": [{"test": "StringEquals", "variable": variable, "values": [value]}],
    }
    result = with_document(block, unknown=[{"condition": [{"values": [value is None]}]}])
    assert ("❔ Known only after apply" in result.markdown) == is_said


def test_a_log_group_goes_with_its_function_and_with_nothing_else_of_that_name() -> None:
    group = gone("aws_cloudwatch_log_group", name="/aws/lambda/f")
    lost = "the logs in it are lost"
    with_function = reviewed(group, gone("aws_lambda_function", function_name="f"))
    assert lost not in [finding.words for finding in with_function.findings]
    stops = gone("aws_cloudwatch_log_metric_filter", log_group_name="/aws/lambda/f")
    with_group = reviewed(stops, gone("aws_cloudwatch_log_group", name="f"))
    assert "the metric stops" in [finding.words for finding in with_group.findings]
    with_role = reviewed(group, gone("aws_iam_role", name="f"))
    assert lost in [finding.words for finding in with_role.findings]


def test_an_account_that_had_access_is_no_stranger() -> None:
    before = {"endpoint": "arn:aws:sqs:r:999999999999:q", "raw_message_delivery": False}
    change = changed("aws_sns_topic_subscription", before, {**before, "raw_message_delivery": True})
    assert reviewed(change).exit_status == EXIT_SAFE


def test_a_created_alarm_that_names_no_actions_has_none() -> None:
    alarm = {name: value for name, value in ALARM.items() if name != "alarm_actions"}
    created = changed("aws_cloudwatch_metric_alarm", None, alarm)
    assert [finding.allow for finding in reviewed(created).findings] == [
        "aws_cloudwatch_metric_alarm.it.alarm_actions"
    ]


def test_a_rule_of_any_kind_of_enabled_is_switched_off() -> None:
    enabled = {"state": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}
    change = changed("aws_cloudwatch_event_rule", enabled, {"state": "DISABLED"})
    assert [finding.words for finding in reviewed(change).findings] == ["events reach nobody"]
