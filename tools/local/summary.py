"""What came of the sample orders, for people. All of it was read back from the local cloud."""

import json
import subprocess
import sys
from typing import Any

from tools.local import sample_orders
from tools.local.cloud import ROOT, LocalCloud
from tools.local.pipeline import Observed, PipelineError


def print_summary(cloud: LocalCloud, outputs: dict[str, str], observed: Observed) -> None:
    """Raises PipelineError when the history of the order that is shown does not hold."""
    sections = [
        audit_records(outputs["audit_bucket"], observed.histories),
        alert(outputs["alerts_topic"], observed.alert),
        alarms(observed.alarms, outputs["error_rate_alarm"]),
        history(cloud),
        look_further(cloud),
    ]
    for title, lines in sections:
        print("\n".join(["", title, *(f"  {line}".rstrip() for line in lines)]))


def audit_records(bucket: str, histories: dict[str, list[dict[str, Any]]]) -> tuple[str, list[str]]:
    """A line for each order, with the statuses that its changes left."""
    lines = []
    for key, records in sorted(histories.items()):
        # A change that was retried has two records.
        changes = list({record["eventId"]: record for record in records}.values())
        began = f"{changes[0].get('changedAt', changes[0]['recordedAt'])[11:19]}Z"
        statuses = " -> ".join(status(change["newImage"]) or "(removed)" for change in changes)
        versions = f"{len(records)} version{'s' if len(records) > 1 else ''}"
        lines.append(f"{key.split('/')[1]:12}{began}  {versions:12}{statuses}")
    return f"Audit trail in {bucket}: an object for each order, a version for each change", lines


def alert(topic: str, received: dict[str, Any]) -> tuple[str, list[str]]:
    message = json.loads(received["Message"])
    audit_object = message["auditObject"]
    return f"Alert, as a subscriber of {topic.rsplit(':', maxsplit=1)[-1]} received it", [
        received["Subject"],
        f"from {message['oldStatus']} to {message['newStatus']}, "
        f"{message['ordersInStatusLastHour']} with that status in the last hour",
        f"recorded in s3://{audit_object['bucket']}/{audit_object['key']}",
    ]


def alarms(found: list[dict[str, Any]], error_rate_alarm: str) -> tuple[str, list[str]]:
    error_rate = next(alarm for alarm in found if alarm["AlarmName"] == error_rate_alarm)
    formula = next(query["Expression"] for query in error_rate["Metrics"] if "Expression" in query)
    ringing = [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]
    return (
        f"Alarms: {len(found)}, {len(ringing) or 'none'} in alarm (the local cloud does not evaluate them)",
        [
            f"{error_rate_alarm} goes off when {formula} exceeds {error_rate['Threshold']:g}",
            *ringing,
        ],
    )


def history(cloud: LocalCloud) -> tuple[str, list[str]]:
    """One order as an operator sees it, with its page; its chain must hold."""
    order_id = sample_orders.SHOWN_ORDER
    page = str(cloud.folder.relative_to(ROOT) / f"{order_id}.html")
    answer = subprocess.run(
        [sys.executable, "-m", "tools.audit", "history", order_id, "--html", page],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise PipelineError(f"the history of {order_id} does not hold: {answer.stdout}{answer.stderr}")
    title = f"In make shell: make history ORDER={order_id} ARGS='--html {page}'"
    return title, answer.stdout.strip("\n").splitlines()


def look_further(cloud: LocalCloud) -> tuple[str, list[str]]:
    stack = cloud.stack_folder().relative_to(ROOT)
    commands = {
        "make shell": "a shell that talks to this cloud, for these commands:",
        "  make diff": "what a deployment would change now",
        "  make reconcile": "prove that every order has its audit record",
        "  make history ARGS='--status FAILED --last 2h'": "",
        f"  terraform -chdir={stack} state list": "",
        "make local-down": "stop it and remove what it left",
    }
    return "Look further", [f"{command:18}  {meaning}".rstrip() for command, meaning in commands.items()]


def status(image: dict[str, Any] | None) -> str | None:
    return None if image is None else str(image["status"]["S"])
