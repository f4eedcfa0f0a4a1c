"""Tables of which resources belong to which others, and of what makes two of them the same."""

# By attribute, the types that it may name one of.
Owners = dict[str, tuple[str, ...]]

_BUCKET: Owners = {"bucket": ("aws_s3_bucket",)}
_FUNCTION: Owners = {"function_name": ("aws_lambda_function",)}
_LOG_GROUP: Owners = {"log_group_name": ("aws_cloudwatch_log_group", "aws_lambda_function")}
_KEY: Owners = {"key_id": ("aws_kms_key",)}
# What an alarm watches, by the dimension of its metric.
DIMENSIONS = {
    "ApiId": "aws_apigatewayv2_api",
    "ApiName": "aws_api_gateway_rest_api",
    "AutoScalingGroupName": "aws_autoscaling_group",
    "BucketName": "aws_s3_bucket",
    "CacheClusterId": "aws_elasticache_cluster",
    "ClusterName": "aws_ecs_cluster",
    "DBClusterIdentifier": "aws_rds_cluster",
    "DBInstanceIdentifier": "aws_db_instance",
    "DomainName": "aws_opensearch_domain",
    "EventBusName": "aws_cloudwatch_event_bus",
    "FileSystemId": "aws_efs_file_system",
    "FunctionName": "aws_lambda_function",
    "InstanceId": "aws_instance",
    "KeyId": "aws_kms_key",
    "LoadBalancer": "aws_lb",
    "LogGroupName": "aws_cloudwatch_log_group",
    "QueueName": "aws_sqs_queue",
    "RuleName": "aws_cloudwatch_event_rule",
    "ServiceName": "aws_ecs_service",
    "StateMachineArn": "aws_sfn_state_machine",
    "StreamName": "aws_kinesis_stream",
    "TableName": "aws_dynamodb_table",
    "TopicName": "aws_sns_topic",
}
# What belongs to others: by which attributes, and to which types. Policies that belong to none stand alone.
BELONGS_TO: dict[str, Owners] = {
    "aws_api_gateway_rest_api_policy": {"rest_api_id": ("aws_api_gateway_rest_api",)},
    "aws_backup_vault_lock_configuration": {"backup_vault_name": ("aws_backup_vault",)},
    "aws_backup_vault_policy": {"backup_vault_name": ("aws_backup_vault",)},
    "aws_cloudwatch_event_bus_policy": {"event_bus_name": ("aws_cloudwatch_event_bus",)},
    "aws_cloudwatch_event_target": {"rule": ("aws_cloudwatch_event_rule",)},
    "aws_cloudwatch_log_destination_policy": {"destination_name": ("aws_cloudwatch_log_destination",)},
    "aws_cloudwatch_log_group": {"name": ("aws_lambda_function",)},
    "aws_cloudwatch_log_metric_filter": _LOG_GROUP,
    "aws_cloudwatch_log_resource_policy": {},
    "aws_cloudwatch_log_subscription_filter": _LOG_GROUP,
    "aws_cloudwatch_metric_alarm": {
        "dimensions": tuple(DIMENSIONS.values()),
        "metric_query.metric.dimensions": tuple(DIMENSIONS.values()),
    },
    "aws_dynamodb_resource_policy": {"resource_arn": ("aws_dynamodb_table",)},
    "aws_ecr_registry_policy": {},
    "aws_ecr_repository_policy": {"repository": ("aws_ecr_repository",)},
    "aws_efs_file_system_policy": {"file_system_id": ("aws_efs_file_system",)},
    "aws_glue_resource_policy": {},
    "aws_iam_group_policy": {"group": ("aws_iam_group",)},
    "aws_iam_policy": {},
    "aws_iam_role_policy": {"role": ("aws_iam_role",)},
    "aws_iam_user_policy": {"user": ("aws_iam_user",)},
    "aws_kinesis_resource_policy": {"resource_arn": ("aws_kinesis_stream",)},
    "aws_kms_alias": {"target_key_id": ("aws_kms_key",)},
    "aws_kms_grant": _KEY,
    "aws_kms_key_policy": _KEY,
    "aws_lambda_event_source_mapping": {
        "event_source_arn": ("aws_dynamodb_table", "aws_kinesis_stream", "aws_sqs_queue"),
    },
    "aws_lambda_function_event_invoke_config": _FUNCTION,
    "aws_lambda_permission": _FUNCTION,
    "aws_opensearch_domain_policy": {"domain_name": ("aws_opensearch_domain",)},
    "aws_s3_bucket_acl": _BUCKET,
    "aws_s3_bucket_lifecycle_configuration": _BUCKET,
    "aws_s3_bucket_logging": _BUCKET,
    "aws_s3_bucket_notification": _BUCKET,
    "aws_s3_bucket_object_lock_configuration": _BUCKET,
    "aws_s3_bucket_ownership_controls": _BUCKET,
    "aws_s3_bucket_policy": _BUCKET,
    "aws_s3_bucket_public_access_block": _BUCKET,
    "aws_s3_bucket_replication_configuration": _BUCKET,
    "aws_s3_bucket_server_side_encryption_configuration": _BUCKET,
    "aws_s3_bucket_versioning": _BUCKET,
    "aws_s3control_access_point_policy": {"access_point_arn": ("aws_s3_access_point",)},
    "aws_secretsmanager_secret_policy": {"secret_arn": ("aws_secretsmanager_secret",)},
    "aws_secretsmanager_secret_rotation": {"secret_id": ("aws_secretsmanager_secret",)},
    "aws_sns_topic_policy": {"arn": ("aws_sns_topic",)},
    "aws_sns_topic_subscription": {"topic_arn": ("aws_sns_topic",)},
    "aws_sqs_queue_policy": {"queue_url": ("aws_sqs_queue",)},
}
OWNERS = frozenset(type_ for owners in BELONGS_TO.values() for types in owners.values() for type_ in types)
# Policies that belong to nobody until they are attached: to whom that may be.
STANDALONE = {"aws_iam_policy": frozenset(("aws_iam_group", "aws_iam_role", "aws_iam_user"))}
# What belongs to the account, which stays when an environment goes.
OF_ACCOUNT = (
    "aws_cloudtrail",
    "aws_config_configuration_recorder_status",
    "aws_ecr_registry_policy",
    "aws_glue_resource_policy",
    "aws_guardduty_detector",
    "aws_s3_account_public_access_block",
    "aws_securityhub_account",
)

# By which a resource that is destroyed at one address and created at another is the same one, if not by what
# it belongs to and its name.
SAME_AS = {
    "aws_cloudwatch_composite_alarm": ("alarm_name",),
    "aws_cloudwatch_event_rule": ("name", "event_bus_name"),
    "aws_cloudwatch_event_target": ("rule", "event_bus_name", "arn"),
    "aws_cloudwatch_metric_alarm": ("alarm_name",),
    "aws_iam_group_policy_attachment": ("group", "policy_arn"),
    "aws_iam_role_policy_attachment": ("role", "policy_arn"),
    "aws_iam_user_policy_attachment": ("user", "policy_arn"),
    "aws_kms_alias": ("name",),
    "aws_kms_grant": ("key_id", "grantee_principal"),
    "aws_lambda_event_source_mapping": ("event_source_arn", "function_name"),
    "aws_lambda_function_event_invoke_config": ("function_name", "qualifier"),
    "aws_lambda_function_url": ("function_name", "qualifier"),
    "aws_lambda_permission": (
        *("function_name", "qualifier", "action", "principal", "principal_org_id"),
        *("source_arn", "source_account", "function_url_auth_type"),
    ),
    "aws_scheduler_schedule": ("name", "group_name"),
    "aws_security_group_rule": (
        *("security_group_id", "type", "protocol", "from_port", "to_port"),
        *("cidr_blocks", "ipv6_cidr_blocks"),
    ),
    "aws_sns_topic_subscription": ("topic_arn", "protocol", "endpoint"),
    "aws_vpc_security_group_ingress_rule": (
        *("security_group_id", "ip_protocol", "from_port", "to_port", "cidr_ipv4", "cidr_ipv6"),
    ),
}
