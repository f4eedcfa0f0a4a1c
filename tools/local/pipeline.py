"""The pipeline on this machine: deploy it to a local cloud, run sample orders through it, show the outcome.

All that is shown is read back from the cloud.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tools.local import sample_orders
from tools.local.cloud import ROOT, LocalCloud, LocalCloudError, wait_until
from tools.local.prerequisites import PrerequisiteError

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ARRIVAL_SECONDS = 60


class PipelineError(Exception):
    """A step did not do what it should; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the pipeline made of the sample orders: audit records by object, the alert, the alarm."""

    histories: dict[str, list[dict[str, Any]]]
    alert: dict[str, Any]
    alarm: dict[str, Any]


def up(cloud: LocalCloud) -> None:
    """Start, deploy, run the sample orders through, print the summary, and leave everything running."""
    step("Starting the local cloud")
    cloud.start()
    # From here on every client and every tool talks to it.
    environment = cloud.environment()
    os.environ.clear()
    os.environ.update(environment)

    step("Creating the state bucket")
    run("cdktf", "deploy", "--auto-approve", "--app", "python bootstrap.py")
    step("Deploying the pipeline: about a minute, most of it until S3 reports the lifecycle rule as settled")
    run("cdktf", "deploy", "--auto-approve")
    outputs = stack_outputs(cloud)

    step("Writing sample orders and waiting for their audit records and the alert")
    print_summary(cloud, outputs, run_sample_orders(outputs))


def step(text: str) -> None:
    print(f"\n==> {text}", flush=True)


def run(*command: str) -> None:
    """Run a command with its output shown; raises PipelineError when it fails."""
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise PipelineError(f"{' '.join(command)} failed, see above")


def stack_outputs(cloud: LocalCloud) -> dict[str, str]:
    """The deployed stack's outputs, as Terraform reads them from the state bucket."""
    folder = cloud.stack_folder()
    answer = subprocess.run(
        ["terraform", f"-chdir={folder}", "output", "-json"], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise PipelineError(f"terraform output failed: {answer.stderr}")
    return {name: output["value"] for name, output in json.loads(answer.stdout).items()}


def run_sample_orders(outputs: dict[str, str]) -> Observed:
    """Write the sample orders and wait for all that has to come of them.

    Raises PipelineError when something has not arrived after ARRIVAL_SECONDS.
    """
    queue_url = subscribe(outputs["alerts_topic"])
    timestamp = sample_orders.write(outputs["orders_table"])
    recorded: dict[str, list[dict[str, Any]]] = {}
    alerts: list[dict[str, Any]] = []

    def all_recorded() -> bool:
        recorded.update(histories(outputs["audit_bucket"], timestamp))
        # A retry records a change once more.
        events = {record["eventId"] for records in recorded.values() for record in records}
        return len(events) == sum(map(len, sample_orders.SAMPLE_ORDERS.values()))

    def alerted() -> bool:
        alerts.extend(alert for alert in receive(queue_url) if str(timestamp) in alert["Message"])
        return bool(alerts)

    if not wait_until(all_recorded, seconds=ARRIVAL_SECONDS):
        raise PipelineError(f"after {ARRIVAL_SECONDS} s the audit records are incomplete: {recorded}")
    if not wait_until(alerted, seconds=ARRIVAL_SECONDS):
        raise PipelineError(f"after {ARRIVAL_SECONDS} s no subscriber has received the alert")
    alarm = boto3.client("cloudwatch").describe_alarms(AlarmNames=[outputs["error_rate_alarm"]])
    return Observed(histories=recorded, alert=alerts[0], alarm=dict(alarm["MetricAlarms"][0]))


def print_summary(cloud: LocalCloud, outputs: dict[str, str], observed: Observed) -> None:
    bucket = outputs["audit_bucket"]
    print(f"\nAudit records in {bucket}, one object per order, one version per change")
    for key, records in sorted(observed.histories.items()):
        print(f"  {key}: {len(records)} version{'s' if len(records) > 1 else ''}")
        for record in records:
            status = (record["newImage"] or {}).get("status", {}).get("S", "(gone)")
            print(f"    {record['sequenceNumber']:>22}  {record['eventName']:6}  {status}")

    print(f"\nAlert, as a subscriber of {outputs['alerts_topic']} received it")
    print(f"  {observed.alert['Subject']}")
    for name, value in json.loads(observed.alert["Message"]).items():
        print(f"    {name}: {value}")

    alarm = observed.alarm
    print(f"\nAlarm {alarm['AlarmName']}: {alarm['StateValue']}")
    print(f"  {alarm['AlarmDescription']}")
    formula = next(query["Expression"] for query in alarm["Metrics"] if "Expression" in query)
    print(f"  {formula} {alarm['ComparisonOperator']} {alarm['Threshold']}")

    show_history(cloud)
    folder = cloud.folder.relative_to(ROOT)
    print(
        f"""
Look further, in this folder
  source {folder}/env
  cdktf diff
  terraform -chdir={cloud.stack_folder().relative_to(ROOT)} state list
  aws s3api list-object-versions --bucket {bucket} --prefix orders/
  aws dynamodb scan --table-name {outputs["orders_table"]}
  make history ARGS='--status FAILED --last 2h'
Stop
  make local-down"""
    )


def show_history(cloud: LocalCloud) -> None:
    """Show the history of one order as an operator sees it, with its page; its chain must hold."""
    order_id = sample_orders.SHOWN_ORDER
    page = cloud.folder.relative_to(ROOT) / f"{order_id}.html"
    print(f"\nmake history ORDER={order_id} ARGS='--html {page}'", flush=True)
    run(sys.executable, "-m", "tools.audit", "history", order_id, "--html", str(page))


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
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="orders/"):
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


def main() -> int:
    """Exit status 0 when done, 1 when a step failed, 130 when interrupted (then nothing is left behind)."""
    parser = argparse.ArgumentParser(prog="python -m tools.local.pipeline", description=__doc__)
    parser.add_argument("command", choices=["up", "down"], help="up: deploy and show; down: stop and remove")
    command = parser.parse_args().command

    cloud = LocalCloud()
    if command == "down":
        cloud.stop()
        return 0
    # An end by `kill` is to leave as little behind as one by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        up(cloud)
    except KeyboardInterrupt:
        cloud.stop()
        print("\ninterrupted: the local cloud is stopped and removed", file=sys.stderr)
        return 130
    except (PrerequisiteError, LocalCloudError, PipelineError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        if cloud.is_running():
            print(f"logs are in {cloud.folder}; make local-down stops the local cloud", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
