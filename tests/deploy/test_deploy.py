"""Every answer to the questions of a deployment, and Ctrl-C at every moment.

Terraform and AWS are stand-ins here; tests/local has the real Terraform.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import Terminal
from tools.deploy.commands import DONE_BY
from tools.local.cloud import UNSET, wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TERRAFORM = Path(__file__).with_name("fake_terraform.sh")
# Without the synth, whose stack these plans would not be of.
DEPLOY = (
    sys.executable,
    "-c",
    "import sys; from tools.deploy import commands as deploy;"
    "deploy.synthesize = lambda *_, log: log.parent; sys.exit(deploy.main())",
)
ACCOUNT = "123456789012"
IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""
NO_TERMINAL = "asks before it changes anything, and here is no terminal to ask in: ARGS=--auto-approve"


def resource(address: str, *actions: str) -> dict[str, Any]:
    change = {"actions": list(actions), "before": {}, "after": {}}
    return {"address": address, "mode": "managed", "type": address.partition(".")[0], "change": change}


CREATION = [resource("aws_dynamodb_table.orders", "create"), resource("aws_sns_topic.alerts", "create")]
REPLACEMENT = [
    resource("aws_sns_topic.alerts", "update"),
    resource("aws_dynamodb_table.orders", "delete", "create"),
]


class Aws(BaseHTTPRequestHandler):
    """STS, and S3 with a state bucket that everybody may read, of this account or of another."""

    asked = threading.Event()
    answers = threading.Event()
    url = ""
    # None: there is no such bucket.
    bucket_owner: str | None = ACCOUNT
    identity = IDENTITY

    def do_POST(self) -> None:
        self.asked.set()
        self.answers.wait(60)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.identity.encode())

    def do_HEAD(self) -> None:
        expected = self.headers.get("x-amz-expected-bucket-owner")
        refused = expected is not None and expected != self.bucket_owner
        self.send_response(404 if self.bucket_owner is None else 403 if refused else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def aws() -> Iterator[type[Aws]]:
    class Fresh(Aws):
        asked = threading.Event()
        answers = threading.Event()

    Fresh.answers.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Fresh.url = f"http://127.0.0.1:{server.server_port}"
    yield Fresh
    Fresh.answers.set()
    server.shutdown()
    server.server_close()


class Setting:
    """A folder with the stand-in for Terraform, and the environment of a deployment."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        (folder / "bin").mkdir()
        (folder / "out").mkdir()
        (folder / "bin/terraform").symlink_to(TERRAFORM)
        self._calls = folder / "calls"
        self._calls.touch()
        self._plan = folder / "plan.json"
        self.plan(CREATION)
        inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
        self.environment = inherited | {
            "PATH": f"{folder}/bin{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(self._calls),
            "PLAN_JSON": str(self._plan),
            "CDKTF_OUTDIR": str(folder / "out"),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "STATE_BUCKET": "team-state",
            "ENVIRONMENT_SUFFIX": "dev",
            "REPOSITORY_SUBJECT": "repo:acme/orders",
        }

    def plan(self, changes: list[dict[str, Any]]) -> None:
        self._plan.write_text(json.dumps({"format_version": "1.2", "resource_changes": changes}))

    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()

    def applied(self) -> bool:
        return any(call.startswith("apply") for call in self.calls())

    def without_terminal(self, *arguments: str, piped: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*DEPLOY, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            input=piped,
        )

    def at_terminal(self, *arguments: str, **environment: str) -> Terminal:
        return Terminal(*DEPLOY, *arguments, cwd=ROOT, env=self.environment | environment)


@pytest.fixture
def setting(tmp_path: Path, aws: type[Aws]) -> Setting:
    return Setting(tmp_path, aws.url)


@pytest.mark.parametrize(
    ("command", "changes", "answer"),
    [
        ("deploy", CREATION, "yes"),
        ("deploy", CREATION, " yes "),
        ("deploy", REPLACEMENT, "dev"),
        ("destroy", CREATION, "dev"),
        ("bootstrap", CREATION, "yes"),
        ("deploy-roles", CREATION, "yes"),
    ],
)
def test_the_whole_word_is_a_yes(
    command: str, changes: list[dict[str, Any]], answer: str, setting: Setting
) -> None:
    setting.plan(changes)
    terminal = setting.at_terminal(command)
    terminal.expect("to leave all as it is: ")
    assert not setting.applied()
    terminal.type(answer + "\n")
    assert terminal.wait() == 0, terminal.output
    assert setting.calls()[-2 if command != "destroy" else -1] == "apply -json -input=false deploy.tfplan"


@pytest.mark.parametrize(
    ("command", "changes", "answer"),
    [
        ("deploy", CREATION, "no\n"),
        ("deploy", REPLACEMENT, "yes\n"),
        ("destroy", CREATION, "yes\n"),
        ("destroy", CREATION, "\n"),
        ("bootstrap", CREATION, "\x04"),
        ("deploy-roles", CREATION, "dev\n"),
        ("deploy-roles", CREATION, "\n"),
        ("deploy-roles", CREATION, "\x04"),
    ],
)
def test_anything_else_is_a_no(
    command: str, changes: list[dict[str, Any]], answer: str, setting: Setting
) -> None:
    setting.plan(changes)
    terminal = setting.at_terminal(command)
    terminal.expect("to leave all as it is: ")
    terminal.type(answer)
    assert terminal.wait() == 1
    assert terminal.output.endswith("error: nothing was changed\n")
    assert not setting.applied()


def test_keys_pressed_before_the_question_are_no_answer(setting: Setting) -> None:
    terminal = setting.at_terminal("deploy")
    terminal.expect("Account")
    terminal.type("yes\n")
    terminal.expect("to leave all as it is: ")
    terminal.type("no\n")
    assert terminal.wait() == 1
    assert not setting.applied()


def test_the_plan_is_shown_dangerous_changes_first(setting: Setting) -> None:
    setting.plan(REPLACEMENT)
    terminal = setting.at_terminal("deploy")
    terminal.expect("Type dev to lose this data, anything else to leave all as it is: ")
    terminal.type("no\n")
    terminal.wait()
    assert (
        f"Account {ACCOUNT}, region ap-southeast-1, environment dev, state in team-state\n" in terminal.output
    )
    assert "This plan would lose aws_dynamodb_table.orders. Plan: 1 to" in terminal.output
    assert (
        "  -/+ aws_dynamodb_table.orders  DynamoDB table, guarded\n  ~   aws_sns_topic.alerts\n"
        in terminal.output
    )


@pytest.mark.parametrize("command", DONE_BY)
@pytest.mark.parametrize("piped", ["", "yes\ndev\n"])
def test_without_terminal_nothing_is_begun(command: str, piped: str, setting: Setting) -> None:
    answer = setting.without_terminal(command, piped=piped)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert NO_TERMINAL in answer.stderr
    assert setting.calls() == []


@pytest.mark.parametrize("command", DONE_BY)
def test_stdin_that_is_not_there(command: str, setting: Setting) -> None:
    answer = subprocess.run(
        ["bash", "-c", '"$@" <&-', "bash", *DEPLOY, command],
        cwd=ROOT,
        env=setting.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, NO_TERMINAL in answer.stderr, setting.calls()) == (2, True, [])


@pytest.mark.parametrize("command", DONE_BY)
def test_auto_approve_applies_without_terminal(command: str, setting: Setting) -> None:
    answer = setting.without_terminal(command, "--auto-approve")
    assert answer.returncode == 0, answer.stderr
    assert setting.applied()


def test_what_to_run_next_can_be_pasted(setting: Setting) -> None:
    lines = [
        "gh variable set PLAN_ROLE_ARN_DEV --body a",
        "gh variable set APPLY_ROLE_ARN --env dev --body b",
    ]
    setting.environment["OUTPUTS"] = json.dumps(
        {"plan_role": {"value": "arn:plan"}, "run_next": {"value": "\n".join(lines)}}
    )
    answer = setting.without_terminal("deploy-roles", "--auto-approve")
    assert answer.stdout.endswith("\nplan_role = arn:plan\n\nrun next:\n" + "\n".join(lines) + "\n")


def test_auto_approve_alone_does_not_lose_data(setting: Setting) -> None:
    setting.plan(REPLACEMENT)
    answer = setting.without_terminal("deploy", "--auto-approve")
    assert answer.returncode == 3
    assert "aws_dynamodb_table.orders" in answer.stdout
    assert not setting.applied()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("deploy", "No changes."),
        ("deploy-roles", "No changes."),
        ("diff", "No changes."),
        ("destroy", "There is nothing to destroy."),
    ],
)
def test_an_empty_plan_is_not_asked_about(command: str, said: str, setting: Setting) -> None:
    terminal = setting.at_terminal(command, PLAN_STATUS="0")
    assert terminal.wait() == 0
    assert said in terminal.output
    assert not setting.applied()


@pytest.mark.parametrize("moment", ["init", "plan", "apply"])
@pytest.mark.parametrize("command", ["deploy", "deploy-roles", "destroy"])
def test_interrupted_terraform_releases_its_lock(command: str, moment: str, setting: Setting) -> None:
    terminal = setting.at_terminal(command, HANG=moment)
    if moment == "apply":
        terminal.expect("to leave all as it is: ")
        terminal.type("dev\n" if command == "destroy" else "yes\n")
    assert wait_until(lambda: f"{moment} hangs" in setting.calls(), seconds=120)
    terminal.interrupt()
    # The second is too much for Terraform, which would leave the lock.
    terminal.interrupt()
    assert terminal.wait() == 130
    assert setting.calls()[-2:] == [f"{moment} interrupted", f"{moment} released the lock"]
    left = "make diff shows what is left to change" if moment == "apply" else "nothing was changed"
    assert terminal.output.endswith(f"interrupted: {left}\n")
    assert "Traceback" not in terminal.output


@pytest.mark.parametrize("command", ["deploy-roles", "destroy"])
def test_interrupted_at_the_question(command: str, setting: Setting) -> None:
    terminal = setting.at_terminal(command)
    terminal.expect("to leave all as it is: ")
    terminal.interrupt()
    assert terminal.wait() == 130
    assert not setting.applied()
    assert terminal.output.endswith("interrupted: nothing was changed\n")
    assert "Traceback" not in terminal.output


def test_interrupted_while_aws_does_not_answer(setting: Setting, aws: type[Aws]) -> None:
    aws.answers.clear()
    terminal = setting.at_terminal("deploy")
    assert aws.asked.wait(60)
    terminal.interrupt()
    assert terminal.wait() == 130
    assert setting.calls() == []
    assert "Traceback" not in terminal.output


def test_a_reader_who_leaves_is_no_error(setting: Setting) -> None:
    command = '"$@" | true; exit "${PIPESTATUS[0]}"'
    answer = subprocess.run(
        ["bash", "-c", command, "bash", *DEPLOY, "diff"],
        cwd=ROOT,
        env=setting.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (1, "")


def test_warnings_are_those_of_what_is_deployed(setting: Setting) -> None:
    setting.environment["LAMBDA_RUNTIME"] = "nodejs20.x"
    assert "LAMBDA_RUNTIME" in setting.without_terminal("deploy", "--auto-approve").stderr
    assert "LAMBDA_RUNTIME" not in setting.without_terminal("bootstrap", "--auto-approve").stderr


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        *((command, "STATE_BUCKET") for command in ("deploy", "diff", "destroy", "bootstrap", "check")),
        ("deploy-roles", "STATE_BUCKET"),
        ("deploy-roles", "REPOSITORY_SUBJECT"),
    ],
)
def test_a_setting_that_is_missing_is_one_line(command: str, missing: str, setting: Setting) -> None:
    del setting.environment[missing]
    options = [] if command in ("diff", "check") else ["--auto-approve"]
    answer = setting.without_terminal(command, *options)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"error: {missing} is not set: allowed is ")
    assert answer.stderr.count("\n") == 1
    assert setting.calls() == []


@pytest.mark.parametrize("command", [*DONE_BY, "diff", "check"])
def test_credentials_that_are_missing_are_one_line(command: str, setting: Setting) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del setting.environment[name]
    options = [] if command in ("diff", "check") else ["--auto-approve"]
    answer = setting.without_terminal(command, *options)
    assert answer.returncode == 1
    lines = [line for line in answer.stderr.splitlines() if not line.startswith("warning: ")]
    assert lines == [
        "error: no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ]
    assert setting.calls() == []


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        (None, "there is no bucket team-state: make bootstrap creates it"),
        ("210987654321", f"STATE_BUCKET team-state belongs to another account than {ACCOUNT}, or"),
    ],
)
@pytest.mark.parametrize("command", ["deploy-roles", "check"])
def test_a_state_bucket_that_is_not_there_or_not_ours(
    command: str, owner: str | None, said: str, setting: Setting, aws: type[Aws]
) -> None:
    aws.bucket_owner = owner
    options = [] if command == "check" else ["--auto-approve"]
    answer = setting.without_terminal(command, *options)
    assert (answer.returncode, answer.stdout, setting.calls()) == (1, "", [])
    [line] = answer.stderr.splitlines()
    assert line.startswith(f"error: {said}")


def test_aws_that_cannot_be_reached(setting: Setting) -> None:
    setting.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    answer = setting.without_terminal("check")
    assert (answer.returncode, answer.stderr.startswith("error: AWS cannot be reached: ")) == (1, True)
    setting.environment["LOCAL_CLOUD"] = "somewhere"
    assert "the local cloud at http://127.0.0.1:9 has ended" in setting.without_terminal("check").stderr


@pytest.mark.parametrize("identity", ["<html></html>", "no XML"])
def test_what_answers_is_not_aws(identity: str, setting: Setting, aws: type[Aws]) -> None:
    aws.identity = identity
    answer = setting.without_terminal("check")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "error: STS names no account: what answers in its place is not AWS\n"


def test_an_error_of_terraform_is_one_line(setting: Setting) -> None:
    detail = "already exists\n\nwith a second paragraph"
    diagnostic = {"severity": "error", "summary": "creating table", "detail": detail}
    setting.environment |= {
        "APPLY_MESSAGE": json.dumps({"type": "diagnostic", "diagnostic": diagnostic}),
        "APPLY_STATUS": "1",
    }
    answer = setting.without_terminal("deploy", "--auto-approve")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith("error: creating table: already exists; the log is ")
    log = Path(setting.environment["CDKTF_OUTDIR"]) / "deploy.log"
    assert "second paragraph" in log.read_text()
