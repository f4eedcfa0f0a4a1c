"""Every row of the table of weakenings, one by one: a row that is lost or misspelled guards nothing, in silence."""

# A table reads best with a row a line.
# ruff: noqa: E501

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.review.handmade import plan, resource
from tools.review.danger import weakenings
from tools.review.ownership import BELONGS_TO, OF_ACCOUNT, OWNERS, SAME_AS
from tools.review.plan import understand
from tools.review.weakenings import NEW, TABLE

PUBLIC = json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}})
EXPIRING = [{"expiration": [{"days": 1}]}]
OPEN = [{"cidr_blocks": ["0.0.0.0/0"]}]
ANYONE = [{"principal": "*", "action": "a:B"}]
FOREIGN = "arn:aws:iam::999999999999:root"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

# By group: type, attribute, its values before and after (the words alone: a resource that goes), what it means.
ROWS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "🛡️ protection": (
        ("aws_dynamodb_table", "deletion_protection_enabled", True, False, "it can be deleted"),
        ("aws_dynamodb_table", "point_in_time_recovery.enabled", True, False, "no recovery to a point in time"),
        ("aws_dynamodb_table", "point_in_time_recovery.recovery_period_in_days", 2, 1, "shorter recovery"),
        ("aws_dynamodb_table", "replica.region_name", "it", "other", "a replica is lost"),
        ("aws_dynamodb_table", "replica.point_in_time_recovery", True, False, "no recovery of a replica to a point in time"),
        ("aws_s3_bucket", "force_destroy", False, True, "deleting it deletes all objects in it"),
        ("aws_s3_bucket", "object_lock_enabled", True, False, "objects are not locked"),
        ("aws_s3_bucket", "versioning.enabled", True, False, "versioning off: overwritten is lost"),
        ("aws_s3_bucket_versioning", "versioning off: overwritten is lost"),
        ("aws_s3_bucket_versioning", "versioning_configuration.status", "Enabled", "other", "versioning off: overwritten is lost"),
        ("aws_s3_bucket_versioning", "versioning_configuration.mfa_delete", "Enabled", "other", "versions can be deleted without MFA"),
        ("aws_s3_bucket_object_lock_configuration", "objects are not locked"),
        ("aws_s3_bucket_object_lock_configuration", "rule.default_retention", "it", None, "objects are not locked"),
        ("aws_s3_bucket_object_lock_configuration", "rule.default_retention.mode", "COMPLIANCE", "other", "locks can be lifted"),
        ("aws_s3_bucket_object_lock_configuration", "rule.default_retention", [{"days": 3650}], [{"years": 1}], "shorter locks"),
        ("aws_s3_bucket_replication_configuration", "no copy is kept"),
        ("aws_s3_bucket_replication_configuration", "rule.status", "Enabled", "other", "fewer copies are kept, or none"),
        ("aws_s3_bucket_replication_configuration", "rule.source_selection_criteria.sse_kms_encrypted_objects.status", "Enabled", "other", "what is encrypted is not copied"),
        ("aws_s3_bucket_replication_configuration", "rule.destination.bucket", "it", "other", "copies go elsewhere"),
        ("aws_backup_vault_lock_configuration", "backups can be deleted"),
        ("aws_backup_vault_lock_configuration", "min_retention_days", 2, 1, "backups can be deleted sooner"),
        ("aws_backup_plan", "no backups"),
        ("aws_backup_plan", "rule", ["it"], [], "fewer backups"),
        ("aws_backup_plan", "rule.lifecycle.delete_after", 2, 1, "backups are kept for less long"),
        ("aws_backup_selection", "no backups"),
        ("aws_cloudwatch_log_group", "the logs in it are lost"),
        ("aws_cognito_user_pool", "the users in it are lost"),
        ("aws_db_instance", "what is in it is lost"),
        ("aws_ebs_volume", "what is on it is lost"),
        ("aws_ecr_repository", "the images in it are lost"),
        ("aws_efs_file_system", "the files on it are lost"),
        ("aws_kinesis_stream", "the records in it are lost"),
        ("aws_rds_cluster", "what is in it is lost"),
        ("aws_secretsmanager_secret", "the secret is lost"),
        ("aws_sqs_queue", "the messages in it are lost"),
        ("aws_cognito_user_pool", "deletion_protection", "ACTIVE", "other", "it can be deleted"),
        ("aws_db_instance", "deletion_protection", True, False, "it can be deleted"),
        ("aws_db_instance", "skip_final_snapshot", False, True, "no snapshot when it is deleted"),
        ("aws_db_instance", "backup_retention_period", 1, 0, "fewer backups"),
        ("aws_rds_cluster", "deletion_protection", True, False, "it can be deleted"),
        ("aws_rds_cluster", "skip_final_snapshot", False, True, "no snapshot when it is deleted"),
        ("aws_rds_cluster", "backup_retention_period", 1, 0, "fewer backups"),
        ("aws_ecr_repository", "force_delete", False, True, "deleting it deletes all images in it"),
        ("aws_ecr_repository", "image_tag_mutability", "IMMUTABLE", "other", "images can be replaced"),
        ("aws_instance", "disable_api_termination", True, False, "it can be terminated"),
        ("aws_lb", "enable_deletion_protection", True, False, "it can be deleted"),
    ),
    "⏳ retention": (
        ("aws_cloudwatch_log_group", "retention_in_days", 2, 1, "logs are kept for less long"),
        ("aws_cloudwatch_log_group", "skip_destroy", True, False, "destroying it destroys the logs"),
        ("aws_dynamodb_table", "ttl.enabled", False, True, "items expire"),
        ("aws_dynamodb_table", "ttl.attribute_name", "it", "other", "items expire by another attribute"),
        ("aws_s3_bucket", "lifecycle_rule", [], EXPIRING, "objects expire, or sooner than today"),
        ("aws_s3_bucket_lifecycle_configuration", "rule", [], EXPIRING, "objects expire, or sooner than today"),
        ("aws_kms_key", "deletion_window_in_days", 2, 1, "less time to undo a deletion of the key"),
        ("aws_kinesis_stream", "retention_period", 2, 1, "records are kept for less long"),
        ("aws_secretsmanager_secret", "recovery_window_in_days", 2, 1, "less time to undo a deletion"),
        ("aws_sqs_queue", "message_retention_seconds", 2, 1, "messages are kept for less long"),
    ),
    "🔑 encryption": (
        ("aws_kms_key", "enable_key_rotation", True, False, "the key is not rotated"),
        ("aws_kms_key", "rotation_period_in_days", 1, 2, "the key is rotated less often"),
        ("aws_kms_key", "is_enabled", True, False, "what is encrypted with the key cannot be read"),
        ("aws_kms_alias", "who uses the key by this name no longer can"),
        ("aws_db_instance", "storage_encrypted", True, False, "not encrypted"),
        ("aws_dynamodb_table", "server_side_encryption.enabled", True, False, "not encrypted with a KMS key"),
        ("aws_ebs_volume", "encrypted", True, False, "not encrypted"),
        ("aws_efs_file_system", "encrypted", True, False, "not encrypted"),
        ("aws_kinesis_stream", "encryption_type", "KMS", "other", "not encrypted"),
        ("aws_lambda_function", "code_signing_config_arn", "it", None, "its code need not be signed"),
        ("aws_rds_cluster", "storage_encrypted", True, False, "not encrypted"),
        ("aws_s3_bucket_server_side_encryption_configuration", "the default encryption only"),
        ("aws_s3_bucket_server_side_encryption_configuration", "rule.apply_server_side_encryption_by_default.sse_algorithm", "aws:kms", "other", "not encrypted with a KMS key"),
        ("aws_secretsmanager_secret_rotation", "the secret is not rotated"),
        ("aws_sns_topic", "kms_master_key_id", "it", None, "not encrypted"),
        ("aws_sqs_queue", "sqs_managed_sse_enabled", True, False, "not encrypted by SQS"),
        ("aws_cloudtrail", "kms_key_id", "it", None, "no encryption key of its own"),
        ("aws_cloudtrail", "kms_key_id", "it", "alias/aws/it", "encrypted with a key of AWS"),
        ("aws_cloudtrail", "kms_key_id", "x", FOREIGN, "encrypted with the key of another account: 999999999999"),
        ("aws_cloudwatch_log_group", "kms_key_id", "it", None, "no encryption key of its own"),
        ("aws_cloudwatch_log_group", "kms_key_id", "it", "alias/aws/it", "encrypted with a key of AWS"),
        ("aws_cloudwatch_log_group", "kms_key_id", "x", FOREIGN, "encrypted with the key of another account: 999999999999"),
        ("aws_dynamodb_table", "server_side_encryption.kms_key_arn", "it", None, "no encryption key of its own"),
        ("aws_dynamodb_table", "server_side_encryption.kms_key_arn", "it", "alias/aws/it", "encrypted with a key of AWS"),
        ("aws_dynamodb_table", "server_side_encryption.kms_key_arn", "x", FOREIGN, "encrypted with the key of another account: 999999999999"),
        ("aws_lambda_function", "kms_key_arn", "it", None, "no encryption key of its own"),
        ("aws_lambda_function", "kms_key_arn", "it", "alias/aws/it", "encrypted with a key of AWS"),
        ("aws_lambda_function", "kms_key_arn", "x", FOREIGN, "encrypted with the key of another account: 999999999999"),
        ("aws_s3_bucket_server_side_encryption_configuration", "rule.apply_server_side_encryption_by_default.kms_master_key_id", "it", None, "no encryption key of its own"),
        ("aws_s3_bucket_server_side_encryption_configuration", "rule.apply_server_side_encryption_by_default.kms_master_key_id", "it", "alias/aws/it", "encrypted with a key of AWS"),
        ("aws_s3_bucket_server_side_encryption_configuration", "rule.apply_server_side_encryption_by_default.kms_master_key_id", "x", FOREIGN, "encrypted with the key of another account: 999999999999"),
        ("aws_secretsmanager_secret", "kms_key_id", "it", None, "no encryption key of its own"),
        ("aws_secretsmanager_secret", "kms_key_id", "it", "alias/aws/it", "encrypted with a key of AWS"),
        ("aws_secretsmanager_secret", "kms_key_id", "x", FOREIGN, "encrypted with the key of another account: 999999999999"),
        ("aws_sns_topic", "kms_master_key_id", "it", "alias/aws/it", "encrypted with a key of AWS"),
        ("aws_sns_topic", "kms_master_key_id", "x", FOREIGN, "encrypted with the key of another account: 999999999999"),
        ("aws_sqs_queue", "kms_master_key_id", "it", None, "no encryption key of its own"),
        ("aws_sqs_queue", "kms_master_key_id", "it", "alias/aws/it", "encrypted with a key of AWS"),
        ("aws_sqs_queue", "kms_master_key_id", "x", FOREIGN, "encrypted with the key of another account: 999999999999"),
        ("aws_kms_grant", "who has the grant can no longer use the key"),
    ),
    "🔓 access": (
        ("aws_s3_bucket_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_s3_bucket", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_s3_access_point", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_s3control_access_point_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_sns_topic_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_sns_topic", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_sqs_queue_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_sqs_queue", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_kms_key", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_kms_key_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_api_gateway_rest_api", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_api_gateway_rest_api_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_backup_vault_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_cloudwatch_event_bus_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_cloudwatch_log_destination_policy", "access_policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_cloudwatch_log_resource_policy", "policy_document", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_dynamodb_resource_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_ecr_registry_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_ecr_repository_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_efs_file_system_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_glue_resource_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_kinesis_resource_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_opensearch_domain", "access_policies", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_opensearch_domain_policy", "access_policies", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_secretsmanager_secret", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_secretsmanager_secret_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_iam_role", "assume_role_policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_iam_role", "inline_policy.policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_iam_role", "managed_policy_arns", "x", ADMINISTRATOR, "it may do everything, or all of a service"),
        ("aws_iam_role", "permissions_boundary", "it", None, "no permissions boundary"),
        ("aws_iam_role", "permissions_boundary", "it", "other", "another permissions boundary"),
        ("aws_iam_user", "permissions_boundary", "it", None, "no permissions boundary"),
        ("aws_iam_user", "permissions_boundary", "it", "other", "another permissions boundary"),
        ("aws_iam_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_iam_role_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_iam_user_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_iam_group_policy", "policy", None, PUBLIC, "anyone may use it; it may do everything: *"),
        ("aws_iam_role_policy_attachment", "policy_arn", "x", ADMINISTRATOR, "it may do everything, or all of a service"),
        ("aws_iam_policy_attachment", "policy_arn", "x", ADMINISTRATOR, "it may do everything, or all of a service"),
        ("aws_iam_user_policy_attachment", "policy_arn", "x", ADMINISTRATOR, "it may do everything, or all of a service"),
        ("aws_iam_group_policy_attachment", "policy_arn", "x", ADMINISTRATOR, "it may do everything, or all of a service"),
        ("aws_s3_bucket_public_access_block", "block_public_acls", True, False, "public access is not blocked"),
        ("aws_s3_bucket_public_access_block", "block_public_policy", True, False, "public access is not blocked"),
        ("aws_s3_bucket_public_access_block", "ignore_public_acls", True, False, "public access is not blocked"),
        ("aws_s3_bucket_public_access_block", "restrict_public_buckets", True, False, "public access is not blocked"),
        ("aws_s3_account_public_access_block", "block_public_acls", True, False, "public access is not blocked"),
        ("aws_s3_account_public_access_block", "block_public_policy", True, False, "public access is not blocked"),
        ("aws_s3_account_public_access_block", "ignore_public_acls", True, False, "public access is not blocked"),
        ("aws_s3_account_public_access_block", "restrict_public_buckets", True, False, "public access is not blocked"),
        ("aws_s3_bucket_public_access_block", "public access is not blocked"),
        ("aws_s3_account_public_access_block", "public access is not blocked"),
        ("aws_s3_bucket_ownership_controls", "rule.object_ownership", "BucketOwnerEnforced", "other", "access by ACLs"),
        ("aws_s3_bucket_ownership_controls", "access by ACLs"),
        ("aws_s3_bucket", "acl", "private", "public-read", "anyone may read"),
        ("aws_s3_bucket_acl", "acl", "private", "public-read", "anyone may read"),
        ("aws_s3_bucket", "acl", "private", "public-read-write", "anyone may read and write"),
        ("aws_s3_bucket_acl", "acl", "private", "public-read-write", "anyone may read and write"),
        ("aws_s3_bucket", "grant.uri", "", "x/AllUsers", "anyone has access"),
        ("aws_s3_bucket_acl", "access_control_policy.grant.grantee.uri", "", "x/AllUsers", "anyone has access"),
        ("aws_security_group", "ingress", [], OPEN, "open to the internet"),
        ("aws_default_security_group", "ingress", [], OPEN, "open to the internet"),
        ("aws_security_group_rule", "", [], OPEN, "open to the internet"),
        ("aws_vpc_security_group_ingress_rule", "", [], OPEN, "open to the internet"),
        ("aws_lambda_function_url", "authorization_type", "x", "NONE", "anyone may call it"),
        ("aws_lambda_function_url", "cors.allow_origins", ["x"], ["*"], "any web page may call it"),
        ("aws_cloudwatch_event_permission", "", None, ANYONE, "anyone may use it"),
        ("aws_lambda_layer_version_permission", "", None, ANYONE, "anyone may use it"),
        ("aws_lambda_permission", "", None, ANYONE, "anyone may use it"),
        ("aws_ami_launch_permission", "account_id", "x", FOREIGN, "another account may start machines of it: 999999999999"),
        ("aws_cloudwatch_event_target", "arn", "x", FOREIGN, "events go to another account: 999999999999"),
        ("aws_cloudwatch_log_subscription_filter", "destination_arn", "x", FOREIGN, "logs go to another account: 999999999999"),
        ("aws_kms_grant", "grantee_principal", "x", FOREIGN, "another account may use the key: 999999999999"),
        ("aws_kms_grant", "retiring_principal", "x", FOREIGN, "another account may end the grant: 999999999999"),
        ("aws_ram_principal_association", "principal", "x", FOREIGN, "shared with another account: 999999999999"),
        ("aws_s3_bucket_notification", "lambda_function.lambda_function_arn", "x", FOREIGN, "events go to another account: 999999999999"),
        ("aws_s3_bucket_notification", "queue.queue_arn", "x", FOREIGN, "events go to another account: 999999999999"),
        ("aws_s3_bucket_notification", "topic.topic_arn", "x", FOREIGN, "events go to another account: 999999999999"),
        ("aws_s3_bucket_replication_configuration", "rule.destination.bucket", "x", FOREIGN, "copied to another account: 999999999999"),
        ("aws_s3_bucket_replication_configuration", "rule.destination.account", "x", FOREIGN, "copied to another account: 999999999999"),
        ("aws_snapshot_create_volume_permission", "account_id", "x", FOREIGN, "another account may read the snapshot: 999999999999"),
        ("aws_sns_topic_subscription", "endpoint", "x", FOREIGN, "messages go to another account: 999999999999"),
        ("aws_sns_topic_subscription", "redrive_policy.deadLetterTargetArn", "x", FOREIGN, "messages go to another account: 999999999999"),
        ("aws_sqs_queue", "redrive_policy.deadLetterTargetArn", "x", FOREIGN, "messages go to another account: 999999999999"),
        ("aws_vpc_endpoint_service_allowed_principal", "principal_arn", "x", FOREIGN, "another account may reach it: 999999999999"),
        ("aws_kms_grant", "constraints", "it", None, "it is for all that is encrypted with the key"),
        ("aws_kms_grant", "operations", ["Decrypt"], ["CreateGrant"], "it may let others use the key"),
        ("aws_s3_access_point", "public_access_block_configuration.block_public_acls", True, False, "public access is not blocked"),
        ("aws_s3_access_point", "public_access_block_configuration.block_public_policy", True, False, "public access is not blocked"),
        ("aws_s3_access_point", "public_access_block_configuration.ignore_public_acls", True, False, "public access is not blocked"),
        ("aws_s3_access_point", "public_access_block_configuration.restrict_public_buckets", True, False, "public access is not blocked"),
        ("aws_s3_access_point", "vpc_configuration", "it", None, "reached from outside of its VPC"),
        ("aws_db_instance", "publicly_accessible", False, True, "reached from the internet"),
        ("aws_redshift_cluster", "publicly_accessible", False, True, "reached from the internet"),
    ),
    "⏸️ processing": (
        ("aws_dynamodb_table", "stream_enabled", True, False, "its changes reach nobody"),
        ("aws_dynamodb_table", "stream_view_type", "NEW_IMAGE", "other", "its stream tells less"),
        ("aws_dynamodb_table", "stream_view_type", "OLD_IMAGE", "other", "its stream tells less"),
        ("aws_lambda_event_source_mapping", "events are not processed"),
        ("aws_lambda_event_source_mapping", "enabled", True, False, "events are not processed"),
        ("aws_lambda_event_source_mapping", "destination_config.on_failure.destination_arn", "it", None, "failed batches are lost"),
        ("aws_lambda_event_source_mapping", "destination_config.on_failure.destination_arn", "it", "other", "failed batches go elsewhere"),
        ("aws_lambda_event_source_mapping", "maximum_retry_attempts", 2, 1, "gives up on a batch sooner"),
        ("aws_lambda_event_source_mapping", "maximum_record_age_in_seconds", 2, 1, "gives up on a record sooner"),
        ("aws_lambda_event_source_mapping", "bisect_batch_on_function_error", True, False, "one bad record fails its whole batch"),
        ("aws_lambda_event_source_mapping", "function_response_types", ["it"], [], "failures are not told apart"),
        ("aws_lambda_event_source_mapping", "filter_criteria.filter.pattern", None, '{"a": ["b"]}', "some events are not processed"),
        ("aws_lambda_function", "reserved_concurrent_executions", 1, 0, "it does not run"),
        ("aws_lambda_function", "nothing does what it does"),
        ("aws_lambda_function", "dead_letter_config.target_arn", "it", None, "failed events are lost"),
        ("aws_lambda_function", "dead_letter_config.target_arn", "it", "other", "failed events go elsewhere"),
        ("aws_lambda_permission", "what calls the function no longer may"),
        ("aws_lambda_function_event_invoke_config", "failed events are lost"),
        ("aws_lambda_function_event_invoke_config", "destination_config.on_failure.destination", "it", None, "failed events are lost"),
        ("aws_lambda_function_event_invoke_config", "destination_config.on_failure.destination", "it", "other", "failed events go elsewhere"),
        ("aws_lambda_function_event_invoke_config", "maximum_retry_attempts", 2, 1, "gives up sooner"),
        ("aws_lambda_function_event_invoke_config", "maximum_event_age_in_seconds", 2, 1, "gives up sooner"),
        ("aws_s3_bucket_notification", "its events reach nobody"),
        ("aws_s3_bucket_notification", "lambda_function", [{"events": ["it"]}], [], "some events reach nobody, or others"),
        ("aws_s3_bucket_notification", "queue", [{"events": ["it"]}], [], "some events reach nobody, or others"),
        ("aws_s3_bucket_notification", "topic", [{"events": ["it"]}], [], "some events reach nobody, or others"),
        ("aws_s3_bucket_notification", "eventbridge", True, False, "events do not reach EventBridge"),
        ("aws_sns_topic", "what is sent to it reaches nobody"),
        ("aws_sns_topic_subscription", "who subscribed hears nothing"),
        ("aws_sns_topic_subscription", "endpoint", "it", "other", "who subscribed hears nothing"),
        ("aws_sns_topic_subscription", "filter_policy", None, '{"a": ["b"]}', "some messages are not delivered"),
        ("aws_sns_topic_subscription", "redrive_policy.deadLetterTargetArn", "it", "other", "undelivered messages go elsewhere"),
        ("aws_sns_topic_subscription", "redrive_policy", "it", None, "undelivered messages are lost"),
        ("aws_sqs_queue", "redrive_policy", "it", None, "failed messages are lost"),
        ("aws_sqs_queue", "redrive_policy.deadLetterTargetArn", "it", "other", "failed messages go elsewhere"),
        ("aws_cloudwatch_event_rule", "events reach nobody"),
        ("aws_cloudwatch_event_rule", "state", "ENABLED", "other", "events reach nobody"),
        ("aws_cloudwatch_event_rule", "is_enabled", True, False, "events reach nobody"),
        ("aws_cloudwatch_event_rule", "event_pattern", '{"a": ["b", "c"]}', '{"a": ["b"]}', "some events reach nobody"),
        ("aws_cloudwatch_event_target", "events reach nobody"),
        ("aws_cloudwatch_event_target", "arn", "it", "other", "events go elsewhere"),
        ("aws_cloudwatch_event_target", "dead_letter_config.arn", "it", None, "failed events are lost"),
        ("aws_cloudwatch_event_target", "dead_letter_config.arn", "it", "other", "failed events go elsewhere"),
        ("aws_cloudwatch_event_target", "retry_policy.maximum_retry_attempts", 2, 1, "gives up sooner"),
        ("aws_cloudwatch_event_target", "retry_policy.maximum_event_age_in_seconds", 2, 1, "gives up sooner"),
        ("aws_scheduler_schedule", "it does not run"),
        ("aws_scheduler_schedule", "state", "ENABLED", "other", "it does not run"),
    ),
    "🔕 watching": (
        ("aws_cloudwatch_metric_alarm", "the alarm is gone"),
        ("aws_cloudwatch_metric_alarm", "treat_missing_data", "breaching", "other", "silence is no alarm"),
        ("aws_cloudwatch_composite_alarm", "the alarm is gone"),
        ("aws_cloudwatch_composite_alarm", "alarm_rule", "ALARM(it)", "FALSE", "the alarm never goes off"),
        ("aws_cloudwatch_composite_alarm", "actions_suppressor", [], ["it"], "another alarm can silence it"),
        ("aws_cloudwatch_metric_alarm", "actions_enabled", True, False, "the alarm tells nobody"),
        ("aws_cloudwatch_metric_alarm", "alarm_actions", ["it"], [], "the alarm tells fewer or nobody"),
        ("aws_cloudwatch_metric_alarm", "alarm_actions", ["it"], ["other"], "the alarm tells others than today"),
        ("aws_cloudwatch_metric_alarm", "insufficient_data_actions", ["it"], [], "missing data tells fewer or nobody"),
        ("aws_cloudwatch_composite_alarm", "actions_enabled", True, False, "the alarm tells nobody"),
        ("aws_cloudwatch_composite_alarm", "alarm_actions", ["it"], [], "the alarm tells fewer or nobody"),
        ("aws_cloudwatch_composite_alarm", "alarm_actions", ["it"], ["other"], "the alarm tells others than today"),
        ("aws_cloudwatch_composite_alarm", "insufficient_data_actions", ["it"], [], "missing data tells fewer or nobody"),
        ("aws_cloudwatch_log_metric_filter", "the metric stops"),
        ("aws_cloudwatch_log_subscription_filter", "logs reach nobody"),
        ("aws_cloudwatch_log_subscription_filter", "destination_arn", "it", "other", "logs go elsewhere"),
        ("aws_cloudtrail", "calls are not recorded"),
        ("aws_cloudtrail", "enable_logging", True, False, "calls are not recorded"),
        ("aws_cloudtrail", "s3_bucket_name", "it", "other", "calls are recorded elsewhere"),
        ("aws_cloudtrail", "enable_log_file_validation", True, False, "records can be forged"),
        ("aws_cloudtrail", "is_multi_region_trail", True, False, "calls elsewhere are not recorded"),
        ("aws_cloudtrail", "include_global_service_events", True, False, "calls of global services are not recorded"),
        ("aws_cloudtrail", "event_selector", "it", None, "calls about data are not recorded"),
        ("aws_cloudtrail", "cloud_watch_logs_group_arn", "it", None, "records reach no log group"),
        ("aws_config_configuration_recorder_status", "changes are not recorded"),
        ("aws_config_configuration_recorder_status", "is_enabled", True, False, "changes are not recorded"),
        ("aws_flow_log", "traffic is not recorded"),
        ("aws_guardduty_detector", "threats are not detected"),
        ("aws_guardduty_detector", "enable", True, False, "threats are not detected"),
        ("aws_s3_bucket_logging", "access is not logged"),
        ("aws_s3_bucket_logging", "target_bucket", "it", "other", "access is logged elsewhere"),
        ("aws_securityhub_account", "findings are not collected"),
    ),
}  # fmt: skip

# What is judged of a created resource as well, besides policies: what no plain deployment has.
CREATED: dict[str, tuple[str, ...]] = {
    "aws_ami_launch_permission": ("account_id",),
    "aws_cloudtrail": ("kms_key_id", "enable_logging"),
    "aws_cloudwatch_composite_alarm": ("alarm_rule", "actions_enabled", "alarm_actions"),
    "aws_cloudwatch_event_permission": ("",),
    "aws_cloudwatch_event_rule": ("state", "is_enabled"),
    "aws_cloudwatch_event_target": ("arn",),
    "aws_cloudwatch_log_group": ("retention_in_days", "kms_key_id"),
    "aws_cloudwatch_log_subscription_filter": ("destination_arn",),
    "aws_cloudwatch_metric_alarm": ("actions_enabled", "alarm_actions"),
    "aws_config_configuration_recorder_status": ("is_enabled",),
    "aws_db_instance": ("backup_retention_period", "storage_encrypted", "publicly_accessible"),
    "aws_default_security_group": ("ingress",),
    "aws_dynamodb_table": ("server_side_encryption.kms_key_arn",),
    "aws_ebs_volume": ("encrypted",),
    "aws_efs_file_system": ("encrypted",),
    "aws_guardduty_detector": ("enable",),
    "aws_iam_group_policy_attachment": ("policy_arn",),
    "aws_iam_policy_attachment": ("policy_arn",),
    "aws_iam_role": ("managed_policy_arns",),
    "aws_iam_role_policy_attachment": ("policy_arn",),
    "aws_iam_user_policy_attachment": ("policy_arn",),
    "aws_kinesis_stream": ("encryption_type",),
    "aws_kms_grant": ("grantee_principal", "retiring_principal", "operations"),
    "aws_kms_key": ("enable_key_rotation", "is_enabled"),
    "aws_lambda_event_source_mapping": ("enabled",),
    "aws_lambda_function": ("kms_key_arn", "reserved_concurrent_executions"),
    "aws_lambda_function_url": ("authorization_type", "cors.allow_origins"),
    "aws_lambda_layer_version_permission": ("",),
    "aws_lambda_permission": ("",),
    "aws_ram_principal_association": ("principal",),
    "aws_rds_cluster": ("backup_retention_period", "storage_encrypted"),
    "aws_redshift_cluster": ("publicly_accessible",),
    "aws_s3_access_point": ("public_access_block_configuration.block_public_acls", "public_access_block_configuration.block_public_policy", "public_access_block_configuration.ignore_public_acls", "public_access_block_configuration.restrict_public_buckets"),
    "aws_s3_account_public_access_block": ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"),
    "aws_s3_bucket": ("acl", "grant.uri"),
    "aws_s3_bucket_acl": ("acl", "access_control_policy.grant.grantee.uri"),
    "aws_s3_bucket_lifecycle_configuration": ("rule",),
    "aws_s3_bucket_notification": ("lambda_function.lambda_function_arn", "queue.queue_arn", "topic.topic_arn"),
    "aws_s3_bucket_ownership_controls": ("rule.object_ownership",),
    "aws_s3_bucket_public_access_block": ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"),
    "aws_s3_bucket_replication_configuration": ("rule.status", "rule.destination.bucket", "rule.destination.account"),
    "aws_s3_bucket_server_side_encryption_configuration": ("rule.apply_server_side_encryption_by_default.kms_master_key_id",),
    "aws_s3_bucket_versioning": ("versioning_configuration.status",),
    "aws_scheduler_schedule": ("state",),
    "aws_secretsmanager_secret": ("recovery_window_in_days", "kms_key_id"),
    "aws_security_group": ("ingress",),
    "aws_security_group_rule": ("",),
    "aws_snapshot_create_volume_permission": ("account_id",),
    "aws_sns_topic": ("kms_master_key_id",),
    "aws_sns_topic_subscription": ("endpoint", "redrive_policy.deadLetterTargetArn"),
    "aws_sqs_queue": ("message_retention_seconds", "kms_master_key_id", "redrive_policy.deadLetterTargetArn"),
    "aws_vpc_endpoint_service_allowed_principal": ("principal_arn",),
    "aws_vpc_security_group_ingress_rule": ("",),
}  # fmt: skip


def at(attribute: str, value: object) -> dict[str, Any]:
    """A resource with the value at a path through blocks."""
    name, _, rest = attribute.partition(".")
    return {name: [at(rest, value)] if rest else value}


def change(address: str, row: tuple[Any, ...]) -> Any:  # noqa: ANN401
    type_, attribute, *values = row[:-1] if len(row) > 2 else (row[0], "")
    if not values:
        return resource(address, "delete", before={})
    if not attribute:
        # Such a row is about the block that the resource as a whole is.
        before, after = ({}, values[1][0])
    else:
        before, after = (at(attribute, value) for value in values)
    return {**resource(address, "update", before=before, after=after), "type": type_}


def test_every_row_of_the_table_guards_what_it_says() -> None:
    rows = [(group, *row) for group, some in ROWS.items() for row in some]
    assert [(row[1], row[2] if len(row) > 3 else "") for row in rows] == [
        (row.type, row.attribute) for some in TABLE.values() for row in some
    ]
    changes = [change(f"{row[1]}.number_{number}", row[1:]) for number, row in enumerate(rows)]
    stays = resource("aws_vpc.stays", "no-op", before={}, after={})
    found: dict[str, set[tuple[str, str]]] = {}
    for decision in weakenings(understand(plan(stays, *changes))):
        assert decision.group
        words = "; ".join(" ".join((reason.words, *reason.names)) for reason in decision.reasons)
        said = (f"{decision.group.sign} {decision.group.subject}", words)
        assert decision.allow == decision.change.address + (decision.attribute and f".{decision.attribute}")
        found.setdefault(f"{decision.change.address}.{decision.attribute}", set()).add(said)
    for number, (group, type_, *rest) in enumerate(rows):
        attribute = rest[0] if len(rest) > 1 else ""
        key = f"{type_}.number_{number}.{attribute}"
        assert (group, rest[-1]) in found.get(key, ()), key


def test_these_rows_are_about_created_resources_too() -> None:
    rows = [row[:-1] for some in ROWS.values() for row in some if len(row) > 2 and row[3] != PUBLIC]
    created = []
    for type_, attribute, *_, after in rows:
        values = at(attribute, after) if attribute else after[0]
        created.append({**resource(f"{type_}.{attribute}", "create", after=values), "type": type_})
    found = {
        decision.allow
        for change in created
        for decision in weakenings(understand(plan(change)))
        if change["address"] == f"{change['type']}.{decision.attribute}"
    }
    wanted = {
        f"{type_}.{attribute}" + (attribute and f".{attribute}")
        for type_, attributes in CREATED.items()
        for attribute in attributes
    }
    assert found == wanted
    assert all(row.created is NEW for some in TABLE.values() for row in some if row.weaker.policy)


def test_types_and_attributes_are_those_of_the_provider() -> None:
    """Of what others belong to too, which no row shows."""
    named: dict[str, set[str]] = {type_: set() for type_ in (*OWNERS, *OF_ACCOUNT)}
    paths = [
        (row.type, path) for some in TABLE.values() for row in some for path in (row.attribute, row.unless)
    ]
    paths += [
        (type_, path) for table in (BELONGS_TO, SAME_AS) for type_, some in table.items() for path in some
    ]
    # What is in a value that the provider does not look into.
    beyond = {"deadLetterTargetArn"}
    for type_, path in paths:
        named.setdefault(type_, set()).update(set(path.split(".")) - beyond - {""})
    spec = find_spec("cdktf_cdktf_provider_aws")
    assert spec
    assert spec.origin
    modules = {folder.name.replace("_", ""): folder for folder in Path(spec.origin).parent.iterdir()}
    for type_, names in named.items():
        bindings = (modules[type_.removeprefix("aws_").replace("_", "")] / "__init__.py").read_text()
        # As the links in them to the provider's documentation have it.
        assert f" {type_}}}" in bindings
        assert [name for name in names if f"#{name} " not in bindings] == [], type_


@pytest.mark.parametrize(
    ("type_", "attribute", "least"),
    [
        ("aws_db_instance", "backup_retention_period", 1),
        ("aws_rds_cluster", "backup_retention_period", 1),
        ("aws_secretsmanager_secret", "recovery_window_in_days", 7),
        ("aws_sqs_queue", "message_retention_seconds", 86_400),
    ],
)
def test_a_created_resource_is_weak_below_its_least(type_: str, attribute: str, least: int) -> None:
    for value, is_weak in ((least, False), (least - 1, True)):
        created = resource(f"{type_}.it", "create", after={attribute: value})
        found = [decision.attribute for decision in weakenings(understand(plan(created)))]
        assert (attribute in found) == is_weak
