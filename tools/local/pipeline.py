"""The pipeline in a local cloud: deploy it, run sample orders through it, read what came of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3

from names import RECORDS_PREFIX
from tools.console.steps import Steps
from tools.deploy.terraform import Terraform, synthesize
from tools.local import sample_orders
from tools.local.cloud import LocalCloud, wait_until

ARRIVAL_SECONDS = 60


class PipelineError(Exception):
    """What should have come of the sample orders did not; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the pipeline made of the sample orders: audit records by object, the alert, the alarms."""

    histories: dict[str, list[dict[str, Any]]]
    alert: dict[str, Any]
    alarms: list[dict[str, Any]]


def deploy(cloud: LocalCloud, steps: Steps) -> dict[str, str]:
    """Create the state bucket and deploy the pipeline in this process's environment; returns its outputs.

    Raises TerraformError.
    """
    apply("State bucket", "bootstrap.py", cloud, steps)
    return apply("Pipeline", "main.py", cloud, steps).outputs()


def apply(name: str, entry_point: str, cloud: LocalCloud, steps: Steps) -> Terraform:
    """Synthesize an app and have Terraform make it so, without a question: all of it is on this machine."""
    log = cloud.log(name.lower().replace(" ", "-"))
    with steps.step(name) as step:
        step.show("synthesizing")
        terraform = Terraform(synthesize(entry_point, log=log), log=log)
        step.show("initializing Terraform")
        terraform.init()
        step.show("planning")
        terraform.apply(show=step.show)
    return terraform


def run_sample_orders(outputs: dict[str, str], *, show: Callable[[str], None] = lambda _: None) -> Observed:
    """Write the sample orders and wait for all that has to come of them; `show` is told how far that is.

    Raises PipelineError when something has not arrived after ARRIVAL_SECONDS.
    """
    queue_url = subscribe(outputs["alerts_topic"])
    timestamp = sample_orders.write(outputs["orders_table"])
    changes = sum(map(len, sample_orders.SAMPLE_ORDERS.values()))
    recorded: dict[str, list[dict[str, Any]]] = {}
    alerts: list[dict[str, Any]] = []

    def all_recorded() -> bool:
        recorded.update(histories(outputs["audit_bucket"], timestamp))
        # A retry records a change once more.
        events = {record["eventId"] for records in recorded.values() for record in records}
        show(f"{len(events)}/{changes}  waiting for audit records")
        return len(events) == changes

    def alerted() -> bool:
        alerts.extend(alert for alert in receive(queue_url) if str(timestamp) in alert["Message"])
        return bool(alerts)

    if not wait_until(all_recorded, seconds=ARRIVAL_SECONDS):
        found = sum(map(len, recorded.values()))
        raise PipelineError(
            f"after {ARRIVAL_SECONDS} s there are {found} audit records of {changes} changes of the orders"
        )
    show("waiting for the alert")
    if not wait_until(alerted, seconds=ARRIVAL_SECONDS):
        raise PipelineError(f"after {ARRIVAL_SECONDS} s no subscriber has received the alert")
    alarms = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return Observed(histories=recorded, alert=alerts[0], alarms=[dict(alarm) for alarm in alarms])


def subscribe(topic_arn: str) -> str:
    """Subscribe a queue of its own to a topic; returns the queue's URL."""
    sqs = boto3.client("sqs")
    queue_url = sqs.create_queue(QueueName=f"{topic_arn.rsplit(':', maxsplit=1)[-1]}-subscriber")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    boto3.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=attributes["QueueArn"])
    return queue_url


def histories(bucket: str, timestamp: int) -> dict[str, list[dict[str, Any]]]:
    """The audit records of the orders written at `timestamp`, by object, in stream order."""
    s3 = boto3.client("s3")
    histories: dict[str, list[dict[str, Any]]] = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=RECORDS_PREFIX):
        for version in page.get("Versions", []):
            key = version["Key"]
            if key.endswith(f"/{timestamp}.json"):
                body = s3.get_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])["Body"]
                histories.setdefault(key, []).append(json.load(body))
    for records in histories.values():
        records.sort(key=lambda record: int(record["sequenceNumber"]))
    return histories


def receive(queue_url: str) -> list[dict[str, Any]]:
    """What has arrived in a subscribed queue, as SNS wraps it, each once."""
    answer = boto3.client("sqs").receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
    )
    messages = answer.get("Messages", [])
    for message in messages:
        boto3.client("sqs").delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]
