"""What must hold of the pipeline, whatever else changes: a test per requirement, with its id in the name."""

import json
import re
from pathlib import Path

import cdktf
import pytest

from stacks.order_pipeline import OrderPipelineStack
from tests.template import Template, order_pipeline, settings
from tools.audit.deployment import Deployment

NAME_ATTRIBUTES = {
    "aws_cloudwatch_dashboard": "dashboard_name",
    "aws_cloudwatch_event_rule": "name",
    "aws_cloudwatch_log_group": "name",
    "aws_cloudwatch_log_metric_filter": "name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
    "aws_dynamodb_table": "name",
    "aws_iam_role": "name",
    "aws_iam_role_policy": "name",
    "aws_kms_alias": "name",
    "aws_lambda_function": "function_name",
    "aws_s3_bucket": "bucket",
    "aws_sns_topic": "name",
    "aws_sqs_queue": "name",
}
SOURCE = Path(__file__).parents[2] / "lambda" / "order-processor"
ACCOUNT_ID = "${data.aws_caller_identity.caller.account_id}"
AUDIT_BUCKET = f"order-audit-bucket-dev-{ACCOUNT_ID}"
FAILED_BATCHES_BUCKET = f"order-failed-batches-bucket-dev-{ACCOUNT_ID}"


# General


def test_G1_region_is_ap_southeast_1_by_default(pipeline: Template) -> None:
    assert pipeline.json["provider"]["aws"][0]["region"] == "ap-southeast-1"


def test_G1_region_follows_the_setting() -> None:
    assert order_pipeline(DEPLOY_REGION="eu-west-1").json["provider"]["aws"][0]["region"] == "eu-west-1"


@pytest.mark.parametrize("suffix", ["dev", "prod-2"])
def test_G2_every_physical_name_ends_in_the_suffix(suffix: str) -> None:
    template = order_pipeline(ENVIRONMENT_SUFFIX=suffix)
    names = {}
    for type_, attribute in NAME_ATTRIBUTES.items():
        for resource in template.json["resource"].get(type_, {}).values():
            names[resource[attribute]] = type_
    assert len(names) >= len(NAME_ATTRIBUTES)
    for name in names:
        assert re.fullmatch(rf"[a-z/-]+-{suffix}", name.removesuffix(f"-{ACCOUNT_ID}")), name


def test_G2_every_resource_with_a_name_is_checked(pipeline: Template) -> None:
    named = {type_ for type_, _, body in pipeline.resources() if {"name", "bucket"} & body.keys()}
    references_a_bucket = {type_ for type_ in named if type_.startswith("aws_s3_bucket_")}
    assert named - references_a_bucket <= NAME_ATTRIBUTES.keys()


def test_G2_the_tools_know_the_resources_by_the_same_names(pipeline: Template) -> None:
    deployment = Deployment.of_account(ACCOUNT_ID, settings())
    assert deployment.table == pipeline.only("aws_dynamodb_table")["name"]
    assert deployment.function == pipeline.only("aws_lambda_function")["function_name"]
    assert deployment.failed_batches_queue == pipeline.only("aws_sqs_queue")["name"]
    buckets = {bucket["bucket"] for bucket in pipeline.all("aws_s3_bucket").values()}
    assert {deployment.audit_bucket, deployment.failed_batches_bucket} == buckets


def test_G3_all_data_at_rest_is_encrypted_explicitly(pipeline: Template) -> None:
    assert pipeline.only("aws_dynamodb_table")["server_side_encryption"] == {"enabled": True}
    assert pipeline.only("aws_sqs_queue")["sqs_managed_sse_enabled"] is True
    for name in pipeline.all("aws_s3_bucket"):
        bucket = f"${{aws_s3_bucket.{name}.id}}"
        assert pipeline.only("aws_s3_bucket_server_side_encryption_configuration", bucket=bucket)["rule"]
    for topic in pipeline.all("aws_sns_topic").values():
        assert topic["kms_master_key_id"]
    for group in pipeline.all("aws_cloudwatch_log_group").values():
        assert group["kms_key_id"] == pipeline.ref("aws_kms_key", "arn")
    assert pipeline.json["terraform"]["backend"]["s3"]["encrypt"] is True


def test_G3_logs_may_use_the_key_for_the_functions_group_only(pipeline: Template) -> None:
    statement = pipeline.statement("LogGroupUsesKey")
    assert statement["principals"] == [
        {"identifiers": ["logs.ap-southeast-1.amazonaws.com"], "type": "Service"}
    ]
    assert statement["condition"] == [
        {
            "test": "ArnEquals",
            "variable": "kms:EncryptionContext:aws:logs:arn",
            "values": [
                "arn:${data.aws_partition.partition.partition}:logs:ap-southeast-1:"
                f"{ACCOUNT_ID}:log-group:{pipeline.only('aws_cloudwatch_log_group')['name']}"
            ],
        }
    ]


def test_G4_everything_is_destroyable_by_default(pipeline: Template) -> None:
    assert len(pipeline.all("aws_s3_bucket")) == 2
    for bucket in pipeline.all("aws_s3_bucket").values():
        assert bucket["force_destroy"] is True
    assert pipeline.only("aws_dynamodb_table")["deletion_protection_enabled"] is False
    for type_, name, body in pipeline.resources():
        assert not body.get("lifecycle", {}).get("prevent_destroy"), f"{type_}.{name}"
        assert not body.get("skip_destroy"), f"{type_}.{name}"


def test_G4_one_switch_protects_table_and_audit_bucket(protected_pipeline: Template) -> None:
    assert protected_pipeline.only("aws_dynamodb_table")["deletion_protection_enabled"] is True
    for bucket in protected_pipeline.all("aws_s3_bucket").values():
        assert bucket["force_destroy"] is False
    protected = {
        body.get("name") or body.get("bucket")
        for _, _, body in protected_pipeline.resources()
        if body.get("lifecycle", {}).get("prevent_destroy")
    }
    assert protected == {"orders-table-dev", AUDIT_BUCKET}


def test_G4_a_key_that_is_destroyed_goes_as_soon_as_kms_allows(pipeline: Template) -> None:
    assert pipeline.only("aws_kms_key")["deletion_window_in_days"] == 7


def test_G5_default_tags_reach_every_resource(pipeline: Template) -> None:
    assert pipeline.json["provider"]["aws"][0]["default_tags"] == [
        {"tags": {"Environment": "dev", "Purpose": "Order audit pipeline"}}
    ]
    for type_, name, body in pipeline.resources():
        assert "provider" not in body, f"{type_}.{name} escapes the default tags"


@pytest.mark.parametrize(
    "type_", ["aws_dynamodb_table", "aws_s3_bucket", "aws_sns_topic", "aws_sqs_queue", "aws_lambda_function"]
)
def test_G5_state_a_purpose_of_their_own(pipeline: Template, type_: str) -> None:
    purposes = [resource["tags"]["Purpose"] for resource in pipeline.all(type_).values()]
    assert len(set(purposes)) == len(purposes)
    assert "Order audit pipeline" not in purposes


# Statements that say more than one exact action or resource; each has its reason beside it in the code.
SEVERAL_ACTIONS = {
    "AccountAdministersKey": {"kms:*"},
    "AlarmsUseKey": {"kms:GenerateDataKey*"},
    "DenyWithoutTls": {"s3:*", "sqs:*"},
    "LogGroupUsesKey": {"kms:GenerateDataKey*", "kms:ReEncrypt*"},
}
EVERY_RESOURCE = {"ListStreams"}


def test_G6_statements_name_exact_actions(pipeline: Template) -> None:
    several: dict[str, set[str]] = {}
    for statement in pipeline.statements():
        assert statement.get("effect") == "Deny" or "not_actions" not in statement
        for action in statement["actions"]:
            if re.search(r"[*?]", action):
                several.setdefault(statement["sid"], set()).add(action)
    assert several == SEVERAL_ACTIONS


def test_G6_statements_name_exact_resources(pipeline: Template) -> None:
    # In a key's policy `*` is the key.
    of_key = pipeline.document(pipeline.only("aws_kms_key")["policy"])["statement"]
    others = [statement for statement in pipeline.statements() if statement not in of_key]
    assert len(others) > len(of_key)
    reaching = set()
    for statement in others:
        assert "not_resources" not in statement
        if any(reaches_others(resource) for resource in statement.get("resources", [])):
            reaching.add(statement["sid"])
    assert reaching == EVERY_RESOURCE


def reaches_others(resource: str) -> bool:
    """Whether it is anything but one resource of this stack, or what is in it, all or below one prefix."""
    inside = r"/([\w-]+/)*([\w-]+|\*)"
    return not re.fullmatch(rf"\$\{{aws_\w+\.[\w-]+\.(arn|stream_arn)\}}({inside})?", resource)


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        "?*",
        "arn:*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::orders",
        "${aws_s3_bucket.a.arn}*",
        "${aws_s3_bucket.a.arn}?/x",
    ],
)
def test_a_resource_that_reaches_others_is_found(resource: str) -> None:
    assert reaches_others(resource)


# DynamoDB table


def test_D1_keys(pipeline: Template) -> None:
    table = pipeline.only("aws_dynamodb_table")
    assert (table["hash_key"], table["range_key"]) == ("orderId", "timestamp")


def test_D2_exactly_three_attribute_definitions(pipeline: Template) -> None:
    assert pipeline.only("aws_dynamodb_table")["attribute"] == [
        {"name": "orderId", "type": "S"},
        {"name": "timestamp", "type": "N"},
        {"name": "status", "type": "S"},
    ]


def test_D3_one_index_by_status_and_time(pipeline: Template) -> None:
    assert pipeline.only("aws_dynamodb_table")["global_secondary_index"] == [
        {
            "name": "status-timestamp-index",
            "hash_key": "status",
            "range_key": "timestamp",
            "projection_type": "ALL",
        }
    ]


def test_D4_point_in_time_recovery(pipeline: Template) -> None:
    assert pipeline.only("aws_dynamodb_table")["point_in_time_recovery"] == {"enabled": True}


def test_D5_on_demand_billing(pipeline: Template) -> None:
    assert pipeline.only("aws_dynamodb_table")["billing_mode"] == "PAY_PER_REQUEST"


def test_D6_stream_of_both_images(pipeline: Template) -> None:
    table = pipeline.only("aws_dynamodb_table")
    assert (table["stream_enabled"], table["stream_view_type"]) == (True, "NEW_AND_OLD_IMAGES")


def test_D7_encrypted_and_tagged(pipeline: Template) -> None:
    table = pipeline.only("aws_dynamodb_table")
    assert table["server_side_encryption"]["enabled"] is True
    assert table["tags"]["Purpose"]


# Audit bucket


@pytest.mark.parametrize("name", [AUDIT_BUCKET, FAILED_BATCHES_BUCKET])
def test_S1_S7_versioning(pipeline: Template, name: str) -> None:
    bucket = pipeline.ref("aws_s3_bucket", "id", bucket=name)
    versioning = pipeline.only("aws_s3_bucket_versioning", bucket=bucket)
    assert versioning["versioning_configuration"] == {"status": "Enabled"}


@pytest.mark.parametrize("name", [AUDIT_BUCKET, FAILED_BATCHES_BUCKET])
def test_S2_S7_aes256(pipeline: Template, name: str) -> None:
    bucket = pipeline.ref("aws_s3_bucket", "id", bucket=name)
    encryption = pipeline.only("aws_s3_bucket_server_side_encryption_configuration", bucket=bucket)
    assert encryption["rule"] == [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}]


def test_S3_all_versions_go_to_glacier_without_a_size_filter(pipeline: Template) -> None:
    bucket = pipeline.ref("aws_s3_bucket", "id", bucket=AUDIT_BUCKET)
    assert pipeline.only("aws_s3_bucket_lifecycle_configuration", bucket=bucket)["rule"] == [
        {
            "id": "TransitionToGlacier",
            "status": "Enabled",
            "filter": [{}],
            "transition": [{"days": 90, "storage_class": "GLACIER"}],
            "noncurrent_version_transition": [{"noncurrent_days": 90, "storage_class": "GLACIER"}],
        }
    ]


@pytest.mark.parametrize("stack", ["pipeline", "bootstrap"])
def test_S4_S7_T3_private(stack: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(stack)
    for name in template.all("aws_s3_bucket"):
        bucket = f"${{aws_s3_bucket.{name}.id}}"
        assert template.only("aws_s3_bucket_public_access_block", bucket=bucket) == {
            "bucket": bucket,
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        }
        assert template.only("aws_s3_bucket_ownership_controls", bucket=bucket)["rule"] == {
            "object_ownership": "BucketOwnerEnforced"
        }


@pytest.mark.parametrize("stack", ["pipeline", "bootstrap"])
def test_S4_S7_T3_tls_only(stack: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(stack)
    for name in template.all("aws_s3_bucket"):
        bucket, arn = (f"${{aws_s3_bucket.{name}.{attribute}}}" for attribute in ("id", "arn"))
        policy = template.only("aws_s3_bucket_policy", bucket=bucket)
        block = template.address("aws_s3_bucket_public_access_block", bucket=bucket)
        assert policy["depends_on"] == [block]
        assert template.document(policy["policy"])["statement"] == [
            {
                "sid": "DenyWithoutTls",
                "effect": "Deny",
                "principals": [{"type": "*", "identifiers": ["*"]}],
                "actions": ["s3:*"],
                "resources": [arn, f"{arn}/*"],
                "condition": [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}],
            }
        ]


def test_S5_name_holds_the_account_id(pipeline: Template) -> None:
    assert pipeline.only("aws_s3_bucket", bucket=AUDIT_BUCKET)["tags"]["Purpose"]


def test_S6_no_lock_by_default(pipeline: Template) -> None:
    assert pipeline.all("aws_s3_bucket")
    assert "aws_s3_bucket_object_lock_configuration" not in pipeline.json["resource"]


@pytest.mark.parametrize("mode", ["governance", "compliance"])
def test_S6_records_are_locked_for_their_retention(mode: str) -> None:
    template = order_pipeline(AUDIT_LOCK=f"{mode}:365", PROTECT_DATA="true")
    bucket = template.ref("aws_s3_bucket", "id", bucket=AUDIT_BUCKET)
    lock = template.only("aws_s3_bucket_object_lock_configuration")
    assert lock["bucket"] == bucket
    assert lock["rule"] == {"default_retention": {"days": 365, "mode": mode.upper()}}
    assert lock["depends_on"] == [template.address("aws_s3_bucket_versioning", bucket=bucket)]
    # It would replace the bucket of a deployed environment.
    assert "object_lock_enabled" not in template.only("aws_s3_bucket", bucket=AUDIT_BUCKET)


def test_S7_replayed_batches_expire_and_none_is_archived(pipeline: Template) -> None:
    bucket = pipeline.ref("aws_s3_bucket", "id", bucket=FAILED_BATCHES_BUCKET)
    (rule,) = pipeline.only("aws_s3_bucket_lifecycle_configuration", bucket=bucket)["rule"]
    assert rule["status"] == "Enabled"
    assert rule["filter"] == [{}]
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 90}]
    # Of current objects, which wait for redrive, nothing but a marker without any version goes.
    assert rule["expiration"] == [{"expired_object_delete_marker": True}]
    assert not [name for name in rule if "transition" in name]


# Lambda function


def test_L1_runtime_timeout_and_memory(pipeline: Template) -> None:
    function = pipeline.only("aws_lambda_function")
    assert (function["runtime"], function["timeout"], function["memory_size"]) == ("nodejs20.x", 60, 256)


@pytest.mark.parametrize("runtime", ["nodejs22.x", "nodejs24.x"])
def test_L1_runtime_follows_the_setting(runtime: str) -> None:
    assert order_pipeline(LAMBDA_RUNTIME=runtime).only("aws_lambda_function")["runtime"] == runtime


def test_L2_triggered_by_the_stream(pipeline: Template) -> None:
    mapping = pipeline.only("aws_lambda_event_source_mapping")
    assert mapping["event_source_arn"] == pipeline.ref("aws_dynamodb_table", "stream_arn")
    assert mapping["function_name"] == pipeline.ref("aws_lambda_function", "arn")
    assert mapping["starting_position"] == "TRIM_HORIZON"
    assert mapping["batch_size"] == 100
    assert mapping["parallelization_factor"] == 10
    assert mapping["bisect_batch_on_function_error"] is True
    assert mapping["maximum_retry_attempts"] == -1
    assert mapping["maximum_record_age_in_seconds"] == 12 * 60 * 60


def test_L4_environment_variables(pipeline: Template) -> None:
    assert pipeline.only("aws_lambda_function")["environment"]["variables"] == {
        "AUDIT_BUCKET": pipeline.ref("aws_s3_bucket", "bucket", bucket=AUDIT_BUCKET),
        "ALERTS_TOPIC_ARN": pipeline.ref("aws_sns_topic", "arn", name="order-alerts-topic-dev"),
        "ORDERS_TABLE": pipeline.ref("aws_dynamodb_table", "name"),
        "STATUS_INDEX": pipeline.only("aws_dynamodb_table")["global_secondary_index"][0]["name"],
        "FAILURE_STATUSES": "FAILED",
    }


def test_L4_failure_statuses_follow_the_setting() -> None:
    template = order_pipeline(FAILURE_STATUSES="FAILED,PAYMENT_FAILED")
    variables = template.only("aws_lambda_function")["environment"]["variables"]
    assert variables["FAILURE_STATUSES"] == "FAILED,PAYMENT_FAILED"


def test_L5_log_group_is_made_by_the_stack_before_the_function(pipeline: Template) -> None:
    group = pipeline.only("aws_cloudwatch_log_group")
    assert (group["name"], group["retention_in_days"]) == ("/aws/lambda/order-processor-dev", 30)
    function = pipeline.only("aws_lambda_function")
    assert function["logging_config"]["log_group"] == pipeline.ref("aws_cloudwatch_log_group", "name")
    address = pipeline.address("aws_cloudwatch_log_group")
    assert address in function["depends_on"]


def test_L6_tagged_and_packaged_from_its_asset(pipeline: Template) -> None:
    function = pipeline.only("aws_lambda_function")
    assert function["tags"]["Purpose"]
    assert function["filename"].endswith("/order-processor.zip")
    assert function["source_code_hash"] == f'${{filebase64sha256("{function["filename"]}")}}'


# SNS


def test_N1_alerts_topic_is_encrypted_with_the_aws_managed_key(pipeline: Template) -> None:
    topic = pipeline.only("aws_sns_topic", name="order-alerts-topic-dev")
    assert topic["kms_master_key_id"] == "alias/aws/sns"


def test_N2_emails_subscribe_to_both_topics() -> None:
    template = order_pipeline(ALERT_EMAILS="a@example.com,b@example.com")
    subscriptions = template.all("aws_sns_topic_subscription").values()
    topics = [
        template.ref("aws_sns_topic", "arn", name=f"order-{kind}-topic-dev") for kind in ("alerts", "alarms")
    ]
    assert sorted(
        (each["topic_arn"], each["protocol"], each["endpoint"]) for each in subscriptions
    ) == sorted((topic, "email", email) for topic in topics for email in ("a@example.com", "b@example.com"))


def test_N2_nobody_is_subscribed_by_default(pipeline: Template) -> None:
    assert pipeline.all("aws_sns_topic")
    assert "aws_sns_topic_subscription" not in pipeline.json["resource"]


def test_N3_topics_are_tagged(pipeline: Template) -> None:
    assert all(topic["tags"]["Purpose"] for topic in pipeline.all("aws_sns_topic").values())


# CloudWatch alarm


def test_A1_error_rate_of_the_function_itself(pipeline: Template) -> None:
    alarm = pipeline.only("aws_cloudwatch_metric_alarm", alarm_name="order-processor-error-rate-alarm-dev")
    queries = {query["id"]: query for query in alarm["metric_query"]}
    returned = [query for query in queries.values() if query.get("return_data")]
    assert [query["expression"] for query in returned] == ["(errors / invocations) * 100"]
    for id_, metric_name in {"errors": "Errors", "invocations": "Invocations"}.items():
        assert queries[id_]["metric"] == {
            "namespace": "AWS/Lambda",
            "metric_name": metric_name,
            "dimensions": {"FunctionName": pipeline.ref("aws_lambda_function", "function_name")},
            "period": 300,
            "stat": "Sum",
        }


def test_A2_over_5_percent_in_one_period_of_5_minutes(pipeline: Template) -> None:
    alarm = pipeline.only("aws_cloudwatch_metric_alarm", alarm_name="order-processor-error-rate-alarm-dev")
    assert alarm["comparison_operator"] == "GreaterThanThreshold"
    assert (alarm["threshold"], alarm["evaluation_periods"]) == (5, 1)
    assert "error rate exceeds 5% over 5 minutes" in alarm["alarm_description"]


def test_A3_no_invocations_is_no_alarm(pipeline: Template) -> None:
    alarm = pipeline.only("aws_cloudwatch_metric_alarm", alarm_name="order-processor-error-rate-alarm-dev")
    assert alarm["treat_missing_data"] == "notBreaching"


def test_A4_alarms_have_a_topic_with_a_key_that_cloudwatch_may_use(pipeline: Template) -> None:
    key = pipeline.only("aws_kms_key")
    assert key["enable_key_rotation"] is True
    topic = pipeline.only("aws_sns_topic", name="order-alarms-topic-dev")
    assert topic["kms_master_key_id"] == pipeline.ref("aws_kms_key", "arn")
    (document,) = (name for name in pipeline.documents() if "key-policy" in name)
    assert key["policy"] == f"${{data.aws_iam_policy_document.{document}.json}}"
    assert pipeline.statement("AlarmsUseKey") == {
        "sid": "AlarmsUseKey",
        "principals": [{"type": "Service", "identifiers": ["cloudwatch.amazonaws.com"]}],
        "actions": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "resources": ["*"],
        "condition": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": [ACCOUNT_ID]}],
    }


def test_A4_only_alarms_of_this_account_may_publish(pipeline: Template) -> None:
    topic = pipeline.ref("aws_sns_topic", "arn", name="order-alarms-topic-dev")
    assert pipeline.only("aws_sns_topic_policy")["arn"] == topic
    assert pipeline.statement("AlarmsPublish") == {
        "sid": "AlarmsPublish",
        "principals": [{"type": "Service", "identifiers": ["cloudwatch.amazonaws.com"]}],
        "actions": ["sns:Publish"],
        "resources": [topic],
        "condition": [
            {"test": "StringEquals", "variable": "aws:SourceAccount", "values": [ACCOUNT_ID]},
            {
                "test": "ArnLike",
                "variable": "aws:SourceArn",
                "values": [
                    "arn:${data.aws_partition.partition.partition}:cloudwatch:ap-southeast-1:"
                    f"{ACCOUNT_ID}:alarm:*"
                ],
            },
        ],
    }


def test_A4_nobody_but_cloudwatch_publishes_or_uses_the_key_for_it(pipeline: Template) -> None:
    policy = pipeline.document(pipeline.only("aws_sns_topic_policy")["policy"])
    assert [statement["sid"] for statement in policy["statement"]] == ["AlarmsPublish"]
    key = pipeline.document(pipeline.only("aws_kms_key")["policy"])
    assert [statement["sid"] for statement in key["statement"]] == [
        "AccountAdministersKey",
        "AlarmsUseKey",
        "LogGroupUsesKey",
    ]


def test_A6_failed_batches_are_counted_in_a_queue_and_mailed_to_nobody(pipeline: Template) -> None:
    bucket = pipeline.ref("aws_s3_bucket", "id", bucket=FAILED_BATCHES_BUCKET)
    notification = pipeline.only("aws_s3_bucket_notification")
    assert (notification["bucket"], notification["eventbridge"]) == (bucket, True)
    assert not notification.keys() & {"topic", "queue", "lambda_function"}
    rule = pipeline.only("aws_cloudwatch_event_rule")
    assert json.loads(rule["event_pattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [pipeline.ref("aws_s3_bucket", "bucket", bucket=FAILED_BATCHES_BUCKET)]},
            "object": {"key": [{"prefix": "aws/lambda/"}]},
        },
    }
    target = pipeline.only("aws_cloudwatch_event_target")
    assert target["rule"] == pipeline.ref("aws_cloudwatch_event_rule", "name")
    assert target["arn"] == pipeline.ref("aws_sqs_queue", "arn")
    assert notification["depends_on"] == [pipeline.address("aws_cloudwatch_event_target")]


def test_A6_only_the_rule_sends_to_the_queue(pipeline: Template) -> None:
    queue = pipeline.ref("aws_sqs_queue", "arn")
    policy = pipeline.only("aws_sqs_queue_policy")
    assert policy["queue_url"] == pipeline.ref("aws_sqs_queue", "id")
    send, deny = pipeline.document(policy["policy"])["statement"]
    rule = pipeline.ref("aws_cloudwatch_event_rule", "arn")
    assert send == {
        "sid": "RuleSendsMessages",
        "principals": [{"type": "Service", "identifiers": ["events.amazonaws.com"]}],
        "actions": ["sqs:SendMessage"],
        "resources": [queue],
        "condition": [{"test": "ArnEquals", "variable": "aws:SourceArn", "values": [rule]}],
    }
    assert (deny["effect"], deny["actions"], deny["resources"]) == ("Deny", ["sqs:*"], [queue])
    assert pipeline.only("aws_cloudwatch_event_target")["depends_on"] == [
        pipeline.address("aws_sqs_queue_policy")
    ]


def test_A6_a_batch_that_waits_is_counted_as_long_as_sqs_can(pipeline: Template) -> None:
    assert pipeline.only("aws_sqs_queue")["message_retention_seconds"] == 14 * 24 * 60 * 60
    name = "order-failed-batches-alarm-dev"
    alarm = pipeline.only("aws_cloudwatch_metric_alarm", alarm_name=name)
    # And no longer, though batches may still wait.
    assert "The alarm is on while SQS counts one that waits, 14 days at most." in alarm["alarm_description"]


def test_A5_every_alarm_says_what_it_means_and_what_to_do_first(pipeline: Template) -> None:
    for alarm in pipeline.all("aws_cloudwatch_metric_alarm").values():
        meaning, _, action = alarm["alarm_description"].partition(" First: ")
        assert meaning, alarm["alarm_name"]
        assert action, alarm["alarm_name"]


@pytest.mark.parametrize(
    ("name", "metric", "statistic", "resources"),
    [
        ("order-processor-lag", "IteratorAge", "Maximum", "function"),
        ("order-processor-throttles", "Throttles", "Sum", "function"),
        ("order-processor-lost-records", "DestinationDeliveryFailures", "Sum", "function"),
        ("order-failed-batches", "ApproximateNumberOfMessagesVisible", "Maximum", "queue"),
        ("orders-table-throttled-writers", "WriteThrottleEvents", "Sum", "table"),
        ("orders-table-throttled-index", "WriteThrottleEvents", "Sum", "index"),
        ("order-alerts-undelivered", "NumberOfNotificationsFailed", "Sum", "topic"),
    ],
)
def test_A5_alarms_watch_the_pipelines_own_resources(
    pipeline: Template, name: str, metric: str, statistic: str, resources: str
) -> None:
    table = pipeline.ref("aws_dynamodb_table", "name")
    watched: dict[str, tuple[str, dict[str, str]]] = {
        "function": (
            "AWS/Lambda",
            {"FunctionName": pipeline.ref("aws_lambda_function", "function_name")},
        ),
        "queue": ("AWS/SQS", {"QueueName": pipeline.ref("aws_sqs_queue", "name")}),
        "table": ("AWS/DynamoDB", {"TableName": table}),
        "index": (
            "AWS/DynamoDB",
            {"TableName": table, "GlobalSecondaryIndexName": "status-timestamp-index"},
        ),
        "topic": (
            "AWS/SNS",
            {"TopicName": pipeline.ref("aws_sns_topic", "name", name="order-alerts-topic-dev")},
        ),
    }
    alarm = pipeline.only("aws_cloudwatch_metric_alarm", alarm_name=f"{name}-alarm-dev")
    assert (alarm["metric_name"], alarm["statistic"]) == (metric, statistic)
    assert (alarm["namespace"], alarm["dimensions"]) == watched[resources]
    assert (alarm["comparison_operator"], alarm["treat_missing_data"]) == (
        "GreaterThanThreshold",
        "notBreaching",
    )


def test_A5_alarms_go_off_at(pipeline: Template) -> None:
    thresholds = {
        alarm["alarm_name"]: (alarm["threshold"], alarm.get("period"), alarm["evaluation_periods"])
        for alarm in pipeline.all("aws_cloudwatch_metric_alarm").values()
    }
    assert thresholds == {
        "order-processor-error-rate-alarm-dev": (5, None, 1),
        "order-processor-lag-alarm-dev": (15 * 60 * 1000, 300, 1),
        "order-processor-stalled-alarm-dev": (0, None, 3),
        "order-processor-throttles-alarm-dev": (0, 300, 1),
        "order-processor-lost-records-alarm-dev": (0, 300, 1),
        "order-failed-batches-alarm-dev": (0, 300, 1),
        "orders-table-throttled-writers-alarm-dev": (0, 300, 1),
        "orders-table-throttled-index-alarm-dev": (0, 300, 1),
        "order-alerts-undelivered-alarm-dev": (0, 300, 1),
    }


def test_A5_stalled_alarm_compares_writes_of_any_kind_with_invocations(pipeline: Template) -> None:
    alarm = pipeline.only("aws_cloudwatch_metric_alarm", alarm_name="order-processor-stalled-alarm-dev")
    watched = {
        query["id"]: (query["metric"]["metric_name"], query["metric"]["stat"], query["metric"]["dimensions"])
        for query in alarm["metric_query"]
        if "metric" in query
    }
    assert watched == {
        "invocations": (
            "Invocations",
            "Sum",
            {"FunctionName": pipeline.ref("aws_lambda_function", "function_name")},
        ),
        "writes": (
            "ConsumedWriteCapacityUnits",
            "Sum",
            {"TableName": pipeline.ref("aws_dynamodb_table", "name")},
        ),
    }
    (expression,) = (query["expression"] for query in alarm["metric_query"] if "expression" in query)
    assert expression == "IF(FILL(writes, 0) > 0 AND FILL(invocations, 0) == 0, 1, 0)"


def test_metric_filter_counts_what_the_function_logs(pipeline: Template) -> None:
    metric = pipeline.only("aws_cloudwatch_log_metric_filter")
    assert metric["log_group_name"] == pipeline.ref("aws_cloudwatch_log_group", "name")
    assert pipeline.only("aws_lambda_function")["logging_config"]["log_format"] == "JSON"
    (line,) = re.findall(r"console\.log\(\{(.*?)\}\);", (SOURCE / "index.mjs").read_text(), re.DOTALL)
    (event,) = re.findall(r'message\.event = ("[^"]+")', metric["pattern"])
    assert f"event: {event}," in line
    fields = re.findall(r"message\.(\w+)", metric["pattern"] + metric["metric_transformation"]["value"])
    assert len(fields) == 4
    for field in fields:
        assert f"{field}:" in line


def test_resources_wait_for_those_that_aws_checks(pipeline: Template) -> None:
    def waits_for(type_: str, **attributes: object) -> set[str]:
        return {address.split(".")[0] for address in pipeline.only(type_, **attributes)["depends_on"]}

    for lifecycle in pipeline.all("aws_s3_bucket_lifecycle_configuration").values():
        versioning = pipeline.address("aws_s3_bucket_versioning", bucket=lifecycle["bucket"])
        assert lifecycle["depends_on"] == [versioning]
    assert waits_for("aws_lambda_function") == {"aws_cloudwatch_log_group", "aws_iam_role_policy_attachment"}
    # On destroy the right to make log groups goes first.
    assert waits_for("aws_iam_role_policy_attachment") == {"aws_cloudwatch_log_group"}


def test_dashboard_shows_every_alarm_and_overlaps_nothing(pipeline: Template) -> None:
    dashboard = pipeline.only("aws_cloudwatch_dashboard")
    assert dashboard["dashboard_name"] == "order-pipeline-dev"
    widgets = json.loads(dashboard["dashboard_body"])["widgets"]
    (states,) = (widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm")
    alarms = pipeline.all("aws_cloudwatch_metric_alarm")
    assert set(states) == {f"${{aws_cloudwatch_metric_alarm.{name}.arn}}" for name in alarms}
    cells = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_A4_every_alarm_notifies_the_alarms_topic(pipeline: Template) -> None:
    topic = pipeline.ref("aws_sns_topic", "arn", name="order-alarms-topic-dev")
    for alarm in pipeline.all("aws_cloudwatch_metric_alarm").values():
        assert alarm["alarm_actions"] == [topic]
        assert alarm["ok_actions"] == [topic]
        assert alarm.get("actions_enabled", True)


# IAM


def test_I1_basic_execution_role(pipeline: Template) -> None:
    attachment = pipeline.only("aws_iam_role_policy_attachment")
    assert attachment["role"] == pipeline.ref("aws_iam_role", "name")
    assert attachment["policy_arn"].endswith(":iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    assert pipeline.only("aws_lambda_function")["role"] == pipeline.ref("aws_iam_role", "arn")


def test_I2_stream_read(pipeline: Template) -> None:
    statement = pipeline.statement("ReadStream")
    assert statement["actions"] == [
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ]
    assert statement["resources"] == [pipeline.ref("aws_dynamodb_table", "stream_arn")]
    everywhere = pipeline.statement("ListStreams")
    assert (everywhere["actions"], everywhere["resources"]) == (["dynamodb:ListStreams"], ["*"])


def test_I3_query_on_the_index_alone(pipeline: Template) -> None:
    statement = pipeline.statement("CountOrdersByStatus")
    table = pipeline.ref("aws_dynamodb_table", "arn")
    assert statement["actions"] == ["dynamodb:Query"]
    assert statement["resources"] == [f"{table}/index/status-timestamp-index"]


def test_I4_write_records_and_all_of_the_failed_batches_bucket(pipeline: Template) -> None:
    audit = pipeline.ref("aws_s3_bucket", "arn", bucket=AUDIT_BUCKET)
    failed = pipeline.ref("aws_s3_bucket", "arn", bucket=FAILED_BATCHES_BUCKET)
    rights = {
        sid: (pipeline.statement(sid)["actions"], pipeline.statement(sid)["resources"])
        for sid in ("WriteRecords", "WriteFailedBatches", "ListFailedBatches")
    }
    assert rights == {
        "WriteRecords": (["s3:PutObject"], [f"{audit}/orders/*"]),
        "WriteFailedBatches": (["s3:PutObject"], [f"{failed}/*"]),
        "ListFailedBatches": (["s3:ListBucket"], [failed]),
    }


def test_I5_publish_on_the_alerts_topic_alone(pipeline: Template) -> None:
    (document,) = (name for name in pipeline.documents() if "data-access" in name)
    publish = [
        statement
        for statement in pipeline.documents()[document]["statement"]
        if any(action.startswith("sns:") for action in statement["actions"])
    ]
    topic = pipeline.ref("aws_sns_topic", "arn", name="order-alerts-topic-dev")
    assert publish == [{"sid": "PublishAlerts", "actions": ["sns:Publish"], "resources": [topic]}]


def test_I1_to_I5_the_role_has_these_rights_and_no_others(pipeline: Template) -> None:
    (document,) = (name for name in pipeline.documents() if "data-access" in name)
    policy = pipeline.only("aws_iam_role_policy")
    assert policy["policy"] == f"${{data.aws_iam_policy_document.{document}.json}}"
    assert policy["role"] == pipeline.ref("aws_iam_role", "id")
    assert {statement["sid"] for statement in pipeline.documents()[document]["statement"]} == {
        "ReadStream",
        "ListStreams",
        "CountOrdersByStatus",
        "WriteRecords",
        "WriteFailedBatches",
        "ListFailedBatches",
        "PublishAlerts",
    }
    address = pipeline.address("aws_iam_role_policy")
    assert pipeline.only("aws_lambda_event_source_mapping")["depends_on"] == [address]


# State


def test_T1_state_in_s3_encrypted_and_locked() -> None:
    assert order_pipeline(STATE_BUCKET="team-state").json["terraform"]["backend"] == {
        "s3": {
            "bucket": "team-state",
            "key": "order-pipeline/dev/terraform.tfstate",
            "region": "ap-southeast-1",
            "encrypt": True,
            "use_lockfile": True,
        }
    }


@pytest.mark.parametrize("stack", ["pipeline", "bootstrap"])
def test_T2_versions(stack: str, request: pytest.FixtureRequest) -> None:
    terraform = request.getfixturevalue(stack).json["terraform"]
    assert terraform["required_version"] == ">= 1.11.0"
    assert terraform["required_providers"] == {"aws": {"source": "aws", "version": ">= 5.100.0, < 7.0.0"}}


def test_T3_state_bucket_is_versioned_encrypted_and_stays(bootstrap: Template) -> None:
    bucket = bootstrap.only("aws_s3_bucket")
    assert bucket["bucket"] == "team-state"
    assert bucket["lifecycle"]["prevent_destroy"] is True
    assert bucket["force_destroy"] is False
    id_ = bootstrap.ref("aws_s3_bucket", "id")
    versioning = bootstrap.only("aws_s3_bucket_versioning", bucket=id_)
    assert versioning["versioning_configuration"] == {"status": "Enabled"}
    encryption = bootstrap.only("aws_s3_bucket_server_side_encryption_configuration", bucket=id_)
    assert encryption["rule"] == [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}]


def test_T3_state_bucket_is_never_taken_over(bootstrap: Template) -> None:
    assert "import" not in bootstrap.json
    assert not bootstrap.json.get("data", {}).get("aws_s3_bucket")


def test_T4_the_stack_is_named_after_the_environment() -> None:
    stacks = [
        OrderPipelineStack(cdktf.Testing.app(), settings=settings(ENVIRONMENT_SUFFIX=suffix))
        for suffix in ("dev", "prod")
    ]
    assert [stack.node.id for stack in stacks] == ["order-pipeline-dev", "order-pipeline-prod"]


def test_T4_addresses_do_not_hold_the_suffix(pipeline: Template) -> None:
    other = order_pipeline(ENVIRONMENT_SUFFIX="prod")
    assert [(type_, name) for type_, name, _ in other.resources()] == [
        (type_, name) for type_, name, _ in pipeline.resources()
    ]


# Record handling


def test_R4_failures_are_not_reported_per_record(pipeline: Template) -> None:
    assert "function_response_types" not in pipeline.only("aws_lambda_event_source_mapping")


def test_R5_failed_batches_go_to_their_bucket(pipeline: Template) -> None:
    bucket = pipeline.ref("aws_s3_bucket", "arn", bucket=FAILED_BATCHES_BUCKET)
    assert pipeline.only("aws_lambda_event_source_mapping")["destination_config"] == {
        "on_failure": {"destination_arn": bucket}
    }
