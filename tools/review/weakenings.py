"""The table of what weakens a stack: protection, retention, encryption, access, processing and watching.

A row is one attribute of one or more resource types, when a change of it is a weakening, and what that means in
words. To guard more, add a row. The attribute is a path through blocks (`rule.object_ownership`, whatever the
number of a block); without one the row is about the resource as a whole. `judges.py` says what each judgement is.

A created resource is judged by a row that has NEW, as if it had been strong before; by one that has SUBJECT too
unless what it belongs to is created with it: a lifecycle for a bucket full of objects lets them expire, one for
a new bucket does not. A destroyed one is judged by a row without attribute. What belongs to what, and what goes
with it, is in `ownership.py` and `fates.py`.

Not in a plan, and so not here: `prevent_destroy`, which Terraform keeps out of a plan's JSON. Not a weakening:
what is tuned, such as an alarm's threshold. Policies are judged by `policies.py`.
"""

from dataclasses import dataclass
from enum import Enum, auto

from tools.review.judges import (
    APPEARS,
    DESTROYED,
    EXPIRES,
    FEWER,
    FILTERED_OUT,
    FOREIGN,
    GONE,
    GRANTS_EVERYONE,
    HIGHER,
    IDENTITY_POLICY,
    LOST,
    MISSING,
    NOT_ON,
    NOTIFIED_OF_LESS,
    OF_AWS,
    OFF,
    ON,
    OPENS_INGRESS,
    OTHERS,
    PERMISSION,
    RESOURCE_POLICY,
    SHORTER_LOCK,
    TRUST_POLICY,
    Judgement,
    becomes,
    leaves,
    lower,
    matches,
)


class Created(Enum):
    """Whether a created resource is judged: never, always, or unless what it belongs to is created too."""

    NEVER = auto()
    NEW = auto()
    SUBJECT = auto()


NEVER, NEW, SUBJECT = Created


@dataclass(frozen=True)
class Row:
    """`created` says whether a created resource is judged; `unless` is an attribute that makes up for this one."""

    type: str
    attribute: str
    weaker: Judgement
    words: str
    created: Created = NEVER
    unless: str = ""


@dataclass(frozen=True)
class Group:
    """How the rows about one subject are shown: their sign, and what is weakened."""

    sign: str
    subject: str


# The most dangerous first.
ACCESS = Group("🔓", "access")
PROTECTION = Group("🛡️", "protection")
EXPIRY = Group("⏳", "retention")
ENCRYPTION = Group("🔑", "encryption")
PROCESSING = Group("⏸️", "processing")
WATCHING = Group("🔕", "watching")
GROUPS = (ACCESS, PROTECTION, EXPIRY, ENCRYPTION, PROCESSING, WATCHING)

_FLAGS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
_ADMINISTRATOR = r"arn:[^:]*:iam::aws:policy/(.*/)?(\w*FullAccess\w*|\w*Administrator(Access[\w-]*)?|\w*PowerUser(Access)?|SecretsManagerReadWrite)"
_PUBLIC_ACL = "public-read|authenticated-read"

# A table reads best with a row a line.
# ruff: noqa: E501
# fmt: off
TABLE: dict[Group, tuple[Row, ...]] = {
    PROTECTION: (
        Row("aws_dynamodb_table", "deletion_protection_enabled", OFF, "it can be deleted"),
        Row("aws_dynamodb_table", "point_in_time_recovery.enabled", OFF, "no recovery to a point in time"),
        Row("aws_dynamodb_table", "point_in_time_recovery.recovery_period_in_days", lower(), "shorter recovery"),
        Row("aws_dynamodb_table", "replica.region_name", MISSING, "a replica is lost"),
        Row("aws_dynamodb_table", "replica.point_in_time_recovery", OFF, "no recovery of a replica to a point in time"),
        Row("aws_s3_bucket", "force_destroy", ON, "deleting it deletes all objects in it"),
        Row("aws_s3_bucket", "object_lock_enabled", OFF, "objects are not locked"),
        Row("aws_s3_bucket", "versioning.enabled", OFF, "versioning off: overwritten is lost"),
        Row("aws_s3_bucket_versioning", "", DESTROYED, "versioning off: overwritten is lost"),
        Row("aws_s3_bucket_versioning", "versioning_configuration.status", leaves("Enabled"),
            "versioning off: overwritten is lost", created=SUBJECT),
        Row("aws_s3_bucket_versioning", "versioning_configuration.mfa_delete", leaves("Enabled"),
            "versions can be deleted without MFA"),
        Row("aws_s3_bucket_object_lock_configuration", "", DESTROYED, "objects are not locked"),
        Row("aws_s3_bucket_object_lock_configuration", "rule.default_retention", GONE, "objects are not locked"),
        Row("aws_s3_bucket_object_lock_configuration", "rule.default_retention.mode", leaves("COMPLIANCE"),
            "locks can be lifted"),
        Row("aws_s3_bucket_object_lock_configuration", "rule.default_retention", SHORTER_LOCK, "shorter locks"),
        Row("aws_s3_bucket_replication_configuration", "", DESTROYED, "no copy is kept"),
        Row("aws_s3_bucket_replication_configuration", "rule.status", leaves("Enabled"),
            "fewer copies are kept, or none", created=NEW),
        Row("aws_s3_bucket_replication_configuration",
            "rule.source_selection_criteria.sse_kms_encrypted_objects.status", leaves("Enabled"),
            "what is encrypted is not copied"),
        Row("aws_s3_bucket_replication_configuration", "rule.destination.bucket", OTHERS, "copies go elsewhere"),
        Row("aws_backup_vault_lock_configuration", "", DESTROYED, "backups can be deleted"),
        Row("aws_backup_vault_lock_configuration", "min_retention_days", lower(), "backups can be deleted sooner"),
        Row("aws_backup_plan", "", DESTROYED, "no backups"),
        Row("aws_backup_plan", "rule", FEWER, "fewer backups"),
        Row("aws_backup_plan", "rule.lifecycle.delete_after", lower(forever=0), "backups are kept for less long"),
        Row("aws_backup_selection", "", DESTROYED, "no backups"),
        *(Row(type_, "", LOST, words) for type_, words in (
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
        )),
        Row("aws_cognito_user_pool", "deletion_protection", leaves("ACTIVE"), "it can be deleted"),
        Row("aws_db_instance", "deletion_protection", OFF, "it can be deleted"),
        Row("aws_db_instance", "skip_final_snapshot", ON, "no snapshot when it is deleted"),
        Row("aws_db_instance", "backup_retention_period", lower(strong=1), "fewer backups", created=NEW),
        Row("aws_rds_cluster", "deletion_protection", OFF, "it can be deleted"),
        Row("aws_rds_cluster", "skip_final_snapshot", ON, "no snapshot when it is deleted"),
        Row("aws_rds_cluster", "backup_retention_period", lower(strong=1), "fewer backups", created=NEW),
        Row("aws_ecr_repository", "force_delete", ON, "deleting it deletes all images in it"),
        Row("aws_ecr_repository", "image_tag_mutability", leaves("IMMUTABLE"), "images can be replaced"),
        Row("aws_instance", "disable_api_termination", OFF, "it can be terminated"),
        Row("aws_lb", "enable_deletion_protection", OFF, "it can be deleted"),
    ),
    EXPIRY: (
        Row("aws_cloudwatch_log_group", "retention_in_days", lower(forever=0, strong=7),
            "logs are kept for less long", created=NEW),
        Row("aws_cloudwatch_log_group", "skip_destroy", OFF, "destroying it destroys the logs"),
        Row("aws_dynamodb_table", "ttl.enabled", ON, "items expire"),
        Row("aws_dynamodb_table", "ttl.attribute_name", OTHERS, "items expire by another attribute"),
        Row("aws_s3_bucket", "lifecycle_rule", EXPIRES, "objects expire, or sooner than today"),
        Row("aws_s3_bucket_lifecycle_configuration", "rule", EXPIRES, "objects expire, or sooner than today",
            created=SUBJECT),
        Row("aws_kms_key", "deletion_window_in_days", lower(default=30), "less time to undo a deletion of the key"),
        Row("aws_kinesis_stream", "retention_period", lower(), "records are kept for less long"),
        Row("aws_secretsmanager_secret", "recovery_window_in_days", lower(strong=7), "less time to undo a deletion",
            created=NEW),
        Row("aws_sqs_queue", "message_retention_seconds", lower(strong=86_400),
            "messages are kept for less long", created=NEW),
    ),
    ENCRYPTION: (
        Row("aws_kms_key", "enable_key_rotation", OFF, "the key is not rotated", created=NEW),
        Row("aws_kms_key", "rotation_period_in_days", HIGHER, "the key is rotated less often"),
        Row("aws_kms_key", "is_enabled", OFF, "what is encrypted with the key cannot be read", created=NEW),
        Row("aws_kms_alias", "", DESTROYED, "who uses the key by this name no longer can"),
        Row("aws_db_instance", "storage_encrypted", NOT_ON, "not encrypted", created=NEW),
        Row("aws_dynamodb_table", "server_side_encryption.enabled", OFF, "not encrypted with a KMS key"),
        Row("aws_ebs_volume", "encrypted", OFF, "not encrypted", created=NEW),
        Row("aws_efs_file_system", "encrypted", OFF, "not encrypted", created=NEW),
        Row("aws_kinesis_stream", "encryption_type", leaves("KMS"), "not encrypted", created=NEW),
        Row("aws_lambda_function", "code_signing_config_arn", GONE, "its code need not be signed"),
        Row("aws_rds_cluster", "storage_encrypted", OFF, "not encrypted", created=NEW),
        Row("aws_s3_bucket_server_side_encryption_configuration", "", DESTROYED, "the default encryption only"),
        Row("aws_s3_bucket_server_side_encryption_configuration",
            "rule.apply_server_side_encryption_by_default.sse_algorithm", leaves("aws:kms", "aws:kms:dsse"),
            "not encrypted with a KMS key"),
        Row("aws_secretsmanager_secret_rotation", "", DESTROYED, "the secret is not rotated"),
        Row("aws_sns_topic", "kms_master_key_id", GONE, "not encrypted", created=NEW),
        Row("aws_sqs_queue", "sqs_managed_sse_enabled", OFF, "not encrypted by SQS", unless="kms_master_key_id"),
        *(row
          for type_, attribute in (
              ("aws_cloudtrail", "kms_key_id"),
              ("aws_cloudwatch_log_group", "kms_key_id"),
              ("aws_dynamodb_table", "server_side_encryption.kms_key_arn"),
              ("aws_lambda_function", "kms_key_arn"),
              ("aws_s3_bucket_server_side_encryption_configuration",
               "rule.apply_server_side_encryption_by_default.kms_master_key_id"),
              ("aws_secretsmanager_secret", "kms_key_id"),
              ("aws_sns_topic", "kms_master_key_id"),
              ("aws_sqs_queue", "kms_master_key_id"),
          )
          for row in (
              *([Row(type_, attribute, GONE, "no encryption key of its own")] if type_ != "aws_sns_topic" else []),
              Row(type_, attribute, OF_AWS, "encrypted with a key of AWS"),
              Row(type_, attribute, FOREIGN, "encrypted with the key of another account:", created=NEW),
          )),
        Row("aws_kms_grant", "", DESTROYED, "who has the grant can no longer use the key"),
    ),
    ACCESS: (
        *(Row(type_, attribute, RESOURCE_POLICY, "", created=NEW) for type_, attribute in (
            ("aws_s3_bucket_policy", "policy"),
            ("aws_s3_bucket", "policy"),
            ("aws_s3_access_point", "policy"),
            ("aws_s3control_access_point_policy", "policy"),
            ("aws_sns_topic_policy", "policy"),
            ("aws_sns_topic", "policy"),
            ("aws_sqs_queue_policy", "policy"),
            ("aws_sqs_queue", "policy"),
            ("aws_kms_key", "policy"),
            ("aws_kms_key_policy", "policy"),
            ("aws_api_gateway_rest_api", "policy"),
            ("aws_api_gateway_rest_api_policy", "policy"),
            ("aws_backup_vault_policy", "policy"),
            ("aws_cloudwatch_event_bus_policy", "policy"),
            ("aws_cloudwatch_log_destination_policy", "access_policy"),
            ("aws_cloudwatch_log_resource_policy", "policy_document"),
            ("aws_dynamodb_resource_policy", "policy"),
            ("aws_ecr_registry_policy", "policy"),
            ("aws_ecr_repository_policy", "policy"),
            ("aws_efs_file_system_policy", "policy"),
            ("aws_glue_resource_policy", "policy"),
            ("aws_kinesis_resource_policy", "policy"),
            ("aws_opensearch_domain", "access_policies"),
            ("aws_opensearch_domain_policy", "access_policies"),
            ("aws_secretsmanager_secret", "policy"),
            ("aws_secretsmanager_secret_policy", "policy"),
        )),
        Row("aws_iam_role", "assume_role_policy", TRUST_POLICY, "", created=NEW),
        Row("aws_iam_role", "inline_policy.policy", IDENTITY_POLICY, "", created=NEW),
        Row("aws_iam_role", "managed_policy_arns", matches(_ADMINISTRATOR), "it may do everything, or all of a service", created=NEW),
        Row("aws_iam_role", "permissions_boundary", GONE, "no permissions boundary"),
        Row("aws_iam_role", "permissions_boundary", OTHERS, "another permissions boundary"),
        Row("aws_iam_user", "permissions_boundary", GONE, "no permissions boundary"),
        Row("aws_iam_user", "permissions_boundary", OTHERS, "another permissions boundary"),
        Row("aws_iam_policy", "policy", IDENTITY_POLICY, "", created=NEW),
        Row("aws_iam_role_policy", "policy", IDENTITY_POLICY, "", created=NEW),
        Row("aws_iam_user_policy", "policy", IDENTITY_POLICY, "", created=NEW),
        Row("aws_iam_group_policy", "policy", IDENTITY_POLICY, "", created=NEW),
        Row("aws_iam_role_policy_attachment", "policy_arn", matches(_ADMINISTRATOR), "it may do everything, or all of a service",
            created=NEW),
        Row("aws_iam_policy_attachment", "policy_arn", matches(_ADMINISTRATOR), "it may do everything, or all of a service", created=NEW),
        Row("aws_iam_user_policy_attachment", "policy_arn", matches(_ADMINISTRATOR), "it may do everything, or all of a service",
            created=NEW),
        Row("aws_iam_group_policy_attachment", "policy_arn", matches(_ADMINISTRATOR), "it may do everything, or all of a service",
            created=NEW),
        *(Row(type_, flag, OFF, "public access is not blocked", created=NEW)
          for type_ in ("aws_s3_bucket_public_access_block", "aws_s3_account_public_access_block")
          for flag in _FLAGS),
        Row("aws_s3_bucket_public_access_block", "", DESTROYED, "public access is not blocked"),
        Row("aws_s3_account_public_access_block", "", DESTROYED, "public access is not blocked"),
        Row("aws_s3_bucket_ownership_controls", "rule.object_ownership", leaves("BucketOwnerEnforced"),
            "access by ACLs", created=NEW),
        Row("aws_s3_bucket_ownership_controls", "", DESTROYED, "access by ACLs"),
        Row("aws_s3_bucket", "acl", matches(_PUBLIC_ACL), "anyone may read", created=NEW),
        Row("aws_s3_bucket_acl", "acl", matches(_PUBLIC_ACL), "anyone may read", created=NEW),
        Row("aws_s3_bucket", "acl", becomes("public-read-write"), "anyone may read and write", created=NEW),
        Row("aws_s3_bucket_acl", "acl", becomes("public-read-write"), "anyone may read and write", created=NEW),
        Row("aws_s3_bucket", "grant.uri", GRANTS_EVERYONE, "anyone has access", created=NEW),
        Row("aws_s3_bucket_acl", "access_control_policy.grant.grantee.uri", GRANTS_EVERYONE, "anyone has access",
            created=NEW),
        Row("aws_security_group", "ingress", OPENS_INGRESS, "open to the internet", created=NEW),
        Row("aws_default_security_group", "ingress", OPENS_INGRESS, "open to the internet", created=NEW),
        Row("aws_security_group_rule", "", OPENS_INGRESS, "open to the internet", created=NEW),
        Row("aws_vpc_security_group_ingress_rule", "", OPENS_INGRESS, "open to the internet", created=NEW),
        Row("aws_lambda_function_url", "authorization_type", becomes("NONE"), "anyone may call it", created=NEW),
        Row("aws_lambda_function_url", "cors.allow_origins", becomes("*"), "any web page may call it", created=NEW),
        *(Row(type_, "", PERMISSION, "", created=NEW) for type_ in (
            "aws_cloudwatch_event_permission",
            "aws_lambda_layer_version_permission",
            "aws_lambda_permission",
        )),
        *(Row(type_, attribute, FOREIGN, words, created=NEW) for type_, attribute, words in (
            ("aws_ami_launch_permission", "account_id", "another account may start machines of it:"),
            ("aws_cloudwatch_event_target", "arn", "events go to another account:"),
            ("aws_cloudwatch_log_subscription_filter", "destination_arn", "logs go to another account:"),
            ("aws_kms_grant", "grantee_principal", "another account may use the key:"),
            ("aws_kms_grant", "retiring_principal", "another account may end the grant:"),
            ("aws_ram_principal_association", "principal", "shared with another account:"),
            ("aws_s3_bucket_notification", "lambda_function.lambda_function_arn", "events go to another account:"),
            ("aws_s3_bucket_notification", "queue.queue_arn", "events go to another account:"),
            ("aws_s3_bucket_notification", "topic.topic_arn", "events go to another account:"),
            ("aws_s3_bucket_replication_configuration", "rule.destination.bucket", "copied to another account:"),
            ("aws_s3_bucket_replication_configuration", "rule.destination.account", "copied to another account:"),
            ("aws_snapshot_create_volume_permission", "account_id", "another account may read the snapshot:"),
            ("aws_sns_topic_subscription", "endpoint", "messages go to another account:"),
            ("aws_sns_topic_subscription", "redrive_policy.deadLetterTargetArn", "messages go to another account:"),
            ("aws_sqs_queue", "redrive_policy.deadLetterTargetArn", "messages go to another account:"),
            ("aws_vpc_endpoint_service_allowed_principal", "principal_arn", "another account may reach it:"),
        )),
        Row("aws_kms_grant", "constraints", GONE, "it is for all that is encrypted with the key"),
        Row("aws_kms_grant", "operations", becomes("CreateGrant"), "it may let others use the key", created=NEW),
        *(Row("aws_s3_access_point", f"public_access_block_configuration.{flag}", OFF,
              "public access is not blocked", created=NEW) for flag in _FLAGS),
        Row("aws_s3_access_point", "vpc_configuration", GONE, "reached from outside of its VPC"),
        Row("aws_db_instance", "publicly_accessible", ON, "reached from the internet", created=NEW),
        Row("aws_redshift_cluster", "publicly_accessible", ON, "reached from the internet", created=NEW),
    ),
    PROCESSING: (
        Row("aws_dynamodb_table", "stream_enabled", OFF, "its changes reach nobody"),
        *(Row("aws_dynamodb_table", "stream_view_type", leaves("NEW_AND_OLD_IMAGES", image), "its stream tells less")
          for image in ("NEW_IMAGE", "OLD_IMAGE")),
        Row("aws_lambda_event_source_mapping", "", DESTROYED, "events are not processed"),
        Row("aws_lambda_event_source_mapping", "enabled", OFF, "events are not processed", created=NEW),
        Row("aws_lambda_event_source_mapping", "destination_config.on_failure.destination_arn", GONE,
            "failed batches are lost"),
        Row("aws_lambda_event_source_mapping", "destination_config.on_failure.destination_arn", OTHERS,
            "failed batches go elsewhere"),
        Row("aws_lambda_event_source_mapping", "maximum_retry_attempts", lower(forever=-1),
            "gives up on a batch sooner"),
        Row("aws_lambda_event_source_mapping", "maximum_record_age_in_seconds", lower(forever=-1),
            "gives up on a record sooner"),
        Row("aws_lambda_event_source_mapping", "bisect_batch_on_function_error", OFF,
            "one bad record fails its whole batch"),
        Row("aws_lambda_event_source_mapping", "function_response_types", FEWER, "failures are not told apart"),
        Row("aws_lambda_event_source_mapping", "filter_criteria.filter.pattern", FILTERED_OUT,
            "some events are not processed"),
        Row("aws_lambda_function", "reserved_concurrent_executions", becomes(0), "it does not run", created=NEW),
        Row("aws_lambda_function", "", DESTROYED, "nothing does what it does"),
        Row("aws_lambda_function", "dead_letter_config.target_arn", GONE, "failed events are lost"),
        Row("aws_lambda_function", "dead_letter_config.target_arn", OTHERS, "failed events go elsewhere"),
        Row("aws_lambda_permission", "", DESTROYED, "what calls the function no longer may"),
        Row("aws_lambda_function_event_invoke_config", "", DESTROYED, "failed events are lost"),
        Row("aws_lambda_function_event_invoke_config", "destination_config.on_failure.destination", GONE,
            "failed events are lost"),
        Row("aws_lambda_function_event_invoke_config", "destination_config.on_failure.destination", OTHERS,
            "failed events go elsewhere"),
        Row("aws_lambda_function_event_invoke_config", "maximum_retry_attempts", lower(default=2), "gives up sooner"),
        Row("aws_lambda_function_event_invoke_config", "maximum_event_age_in_seconds", lower(default=21_600),
            "gives up sooner"),
        Row("aws_s3_bucket_notification", "", DESTROYED, "its events reach nobody"),
        *(Row("aws_s3_bucket_notification", target, NOTIFIED_OF_LESS, "some events reach nobody, or others")
          for target in ("lambda_function", "queue", "topic")),
        Row("aws_s3_bucket_notification", "eventbridge", OFF, "events do not reach EventBridge"),
        Row("aws_sns_topic", "", DESTROYED, "what is sent to it reaches nobody"),
        Row("aws_sns_topic_subscription", "", DESTROYED, "who subscribed hears nothing"),
        Row("aws_sns_topic_subscription", "endpoint", OTHERS, "who subscribed hears nothing"),
        Row("aws_sns_topic_subscription", "filter_policy", FILTERED_OUT, "some messages are not delivered"),
        Row("aws_sns_topic_subscription", "redrive_policy.deadLetterTargetArn", OTHERS, "undelivered messages go elsewhere"),
        Row("aws_sns_topic_subscription", "redrive_policy", GONE, "undelivered messages are lost"),
        Row("aws_sqs_queue", "redrive_policy", GONE, "failed messages are lost"),
        Row("aws_sqs_queue", "redrive_policy.deadLetterTargetArn", OTHERS, "failed messages go elsewhere"),
        Row("aws_cloudwatch_event_rule", "", DESTROYED, "events reach nobody"),
        Row("aws_cloudwatch_event_rule", "state",
            leaves("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), "events reach nobody", created=NEW),
        Row("aws_cloudwatch_event_rule", "is_enabled", OFF, "events reach nobody", created=NEW),
        Row("aws_cloudwatch_event_rule", "event_pattern", FILTERED_OUT, "some events reach nobody"),
        Row("aws_cloudwatch_event_target", "", DESTROYED, "events reach nobody"),
        Row("aws_cloudwatch_event_target", "arn", OTHERS, "events go elsewhere"),
        Row("aws_cloudwatch_event_target", "dead_letter_config.arn", GONE, "failed events are lost"),
        Row("aws_cloudwatch_event_target", "dead_letter_config.arn", OTHERS, "failed events go elsewhere"),
        Row("aws_cloudwatch_event_target", "retry_policy.maximum_retry_attempts", lower(default=185), "gives up sooner"),
        Row("aws_cloudwatch_event_target", "retry_policy.maximum_event_age_in_seconds", lower(default=86_400),
            "gives up sooner"),
        Row("aws_scheduler_schedule", "", DESTROYED, "it does not run"),
        Row("aws_scheduler_schedule", "state", leaves("ENABLED"), "it does not run", created=NEW),
    ),
    WATCHING: (
        Row("aws_cloudwatch_metric_alarm", "", DESTROYED, "the alarm is gone"),
        Row("aws_cloudwatch_metric_alarm", "treat_missing_data", leaves("breaching"), "silence is no alarm"),
        Row("aws_cloudwatch_composite_alarm", "", DESTROYED, "the alarm is gone"),
        Row("aws_cloudwatch_composite_alarm", "alarm_rule", matches(r"(?is)(.*\W)?false(\W.*)?"), "the alarm never goes off", created=NEW),
        Row("aws_cloudwatch_composite_alarm", "actions_suppressor", APPEARS, "another alarm can silence it"),
        *(row
          for type_ in ("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm")
          for row in (
              Row(type_, "actions_enabled", OFF, "the alarm tells nobody", created=NEW),
              Row(type_, "alarm_actions", FEWER, "the alarm tells fewer or nobody", created=NEW),
              Row(type_, "alarm_actions", OTHERS, "the alarm tells others than today"),
              Row(type_, "insufficient_data_actions", FEWER, "missing data tells fewer or nobody"),
          )),
        Row("aws_cloudwatch_log_metric_filter", "", DESTROYED, "the metric stops"),
        Row("aws_cloudwatch_log_subscription_filter", "", DESTROYED, "logs reach nobody"),
        Row("aws_cloudwatch_log_subscription_filter", "destination_arn", OTHERS, "logs go elsewhere"),
        Row("aws_cloudtrail", "", DESTROYED, "calls are not recorded"),
        Row("aws_cloudtrail", "enable_logging", OFF, "calls are not recorded", created=NEW),
        Row("aws_cloudtrail", "s3_bucket_name", OTHERS, "calls are recorded elsewhere"),
        Row("aws_cloudtrail", "enable_log_file_validation", OFF, "records can be forged"),
        Row("aws_cloudtrail", "is_multi_region_trail", OFF, "calls elsewhere are not recorded"),
        Row("aws_cloudtrail", "include_global_service_events", OFF, "calls of global services are not recorded"),
        Row("aws_cloudtrail", "event_selector", GONE, "calls about data are not recorded", unless="advanced_event_selector"),
        Row("aws_cloudtrail", "cloud_watch_logs_group_arn", GONE, "records reach no log group"),
        Row("aws_config_configuration_recorder_status", "", DESTROYED, "changes are not recorded"),
        Row("aws_config_configuration_recorder_status", "is_enabled", OFF, "changes are not recorded", created=NEW),
        Row("aws_flow_log", "", DESTROYED, "traffic is not recorded"),
        Row("aws_guardduty_detector", "", DESTROYED, "threats are not detected"),
        Row("aws_guardduty_detector", "enable", OFF, "threats are not detected", created=NEW),
        Row("aws_s3_bucket_logging", "", DESTROYED, "access is not logged"),
        Row("aws_s3_bucket_logging", "target_bucket", OTHERS, "access is logged elsewhere"),
        Row("aws_securityhub_account", "", DESTROYED, "findings are not collected"),
    ),
}
# fmt: on

ROWS_OF: dict[str, list[tuple[Group, Row]]] = {}
for _group, _rows in TABLE.items():
    for _row in _rows:
        ROWS_OF.setdefault(_row.type, []).append((_group, _row))
