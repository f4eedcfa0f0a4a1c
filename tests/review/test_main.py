"""The command: its arguments, what it reads beside the plan, what it writes and how it ends."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.review.handmade import PLANS, TABLE_DESTROYED, plan, resource
from tools.review import __main__ as command
from tools.review.context import Context
from tools.review.plan import read_plan
from tools.review.review import EXIT_GUARDED, EXIT_SAFE, EXIT_UNUSABLE, review

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs the command as a process of its own would, without the time that a process takes."""

    def start(*arguments: object) -> subprocess.CompletedProcess[bytes]:
        monkeypatch.setattr(sys, "argv", ["review", *map(str, arguments)])
        try:
            status = command.main()
        except SystemExit as end:
            status = int(end.code or 0)
        return subprocess.CompletedProcess([], status, *capsysbinary.readouterr())

    return start


def test_it_is_a_process_that_writes_unicode_whatever_the_terminal_says() -> None:
    path = PLANS / "create_before_destroy.json"
    words = [sys.executable, "-m", "tools.review", str(path)]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(words, capture_output=True, check=False, env=ascii_only)
    assert (result.returncode, result.stdout.decode()) == (EXIT_GUARDED, review(read_plan(path)).markdown)


def test_a_file_with_any_name_is_reviewed(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(b"X \xff.json"))
    path.write_text(json.dumps(plan(TABLE_DESTROYED)))
    result = run(path)
    assert result.returncode == EXIT_GUARDED
    assert result.stderr.startswith(
        rb"review: X \udcff.json: aws_dynamodb_table.orders: would be destroyed, "
    )


def test_help_says_what_there_is(
    run: Run, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    result = run("--help")
    assert result.returncode == 0
    assert result.stdout.decode() == snapshot


def test_what_allows_a_change_can_be_copied(tmp_path: Path, run: Run) -> None:
    bucket = resource(
        'aws_s3_bucket.b["a|b"]', "update", before={"force_destroy": False}, after={"force_destroy": True}
    )
    context = Context(names={"aws_s3_bucket.b": "audit/bucket"})
    stopped = review(plan(bucket, TABLE_DESTROYED), ["aws_dynamodb_table.orders"], context=context).markdown
    assert (
        "<details><summary>To allow it, in <code>.github/allowed-losses</code></summary>\n\n```\n"
        '# audit/bucket["a|b"]: deleting it deletes all objects in it\n'
        '--allow=aws_s3_bucket.b["a|b"].force_destroy\n```\n\n</details>\n'
    ) in stopped
    assert '| `audit/bucket["a\\|b"]` | `aws_s3_bucket.b["a\\|b"]` |\n' in stopped
    (tmp_path / "plan.json").write_text(json.dumps(plan(bucket)))
    copied = re.search(r"```\n(# .*?)```", stopped, re.DOTALL)
    assert copied
    (tmp_path / "allowed").write_text(copied[1])
    assert run(tmp_path / "plan.json", f"@{tmp_path / 'allowed'}").returncode == EXIT_SAFE


def test_the_command_writes_the_review_and_exits_with_its_status(run: Run) -> None:
    path = PLANS / "create_before_destroy.json"
    stopped = run(path)
    assert stopped.returncode == EXIT_GUARDED
    assert stopped.stdout.decode() == review(read_plan(path)).markdown
    assert b"aws_dynamodb_table.orders: would be replaced" in stopped.stderr
    allowed = run(path, "--allow", "aws_dynamodb_table.orders", "--allow", "a.b")
    assert allowed.returncode == EXIT_SAFE
    assert allowed.stderr.splitlines() == [
        f"review: {path}: --allow=a.b: nothing there would be lost or weakened.".encode()
    ]


def test_the_command_takes_names_from_the_template_and_facts_from_options(tmp_path: Path, run: Run) -> None:
    metadata = {"metadata": {"path": "order-pipeline-dev/orders/table"}}
    template = {
        "//": {"metadata": {"stackName": "order-pipeline-dev"}},
        "resource": {"aws_dynamodb_table": {"orders": {"//": metadata}}},
    }
    (tmp_path / "cdk.tf.json").write_text(json.dumps(template))
    (tmp_path / "plan.json").write_text(json.dumps(plan(TABLE_DESTROYED)))
    warning = {"severity": "warning", "summary": "Deprecated", "address": "a.b", "detail": "Use c."}
    log = [json.dumps({"diagnostic": warning}), "", "no JSON", '{"diagnostic": {"severity": "error"}}', "[]"]
    (tmp_path / "log").write_text("\n".join(log))
    options = (
        *("--commit=3f9c2ab4", "--base=", "--serial=41", f"--log={tmp_path / 'log'}"),
        *("--valid-until=2026-12-01", "--run-url=https://e.com/a/b/runs/1?x=y"),
    )
    markdown = run(tmp_path / "plan.json", *options).stdout.decode()
    assert markdown.startswith("### 🛑 `order-pipeline-dev` would lose `orders/table`\n")
    assert "<sub>Made from `3f9c2ab`, state serial 41. Valid until " in markdown
    assert ", at most until 2026-12-01. [Full plan](https://e.com/a/b/runs/1?x=y)</sub>" in markdown
    assert "⚠️ Terraform warns: `Deprecated: a.b: Use c.`\n" in markdown
    assert markdown.count("Terraform warns") == 1
    for broken in (b"", b"[]", b'{"//": 1, "resource": {"a": [], "b": {"c": 1}}}'):
        (tmp_path / "cdk.tf.json").write_bytes(broken)
        assert run(tmp_path / "plan.json").returncode == EXIT_GUARDED


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--commit", "main", "'main': a commit is 7 to 64 hexadecimal digits"),
        ("--base", "x`y", "'x`y': a commit is 7 to 64 hexadecimal digits"),
        ("--serial", "one", "argument --serial: invalid int value: 'one'"),
        ("--valid-until", "1 December", "'1 December': a date is YYYY-MM-DD"),
        ("--run-url", "javascript:x", "'javascript:x': a URL begins with https://"),
        ("--run-url", "https://e.com/) x", "'https://e.com/) x': a URL begins with https://"),
        ("--log", "missing", "error: missing cannot be read: No such file or directory"),
    ],
)
def test_wrong_options_are_refused_in_a_line(option: str, value: str, reason: str, run: Run) -> None:
    result = run(PLANS / "drift.json", option, value)
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().splitlines()[-1].endswith(reason)


def test_allowances_come_from_a_file_too(tmp_path: Path, run: Run) -> None:
    path = PLANS / "create_before_destroy.json"
    allowed = tmp_path / "allowed"
    allowed.write_text("# reviewed\n\n--allow=aws_dynamodb_table.orders  \n  # indented\n")
    assert run(path, f"@{allowed}").returncode == EXIT_SAFE
    allowed.write_text("# aws_dynamodb_table.orders\n")
    assert run(path, f"@{allowed}").returncode == EXIT_GUARDED
    assert run(path, f"@{tmp_path}/missing").returncode == 2


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5_000, b"{}"])
def test_the_command_refuses_files_that_are_no_plan(tmp_path: Path, content: bytes | None, run: Run) -> None:
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_bytes(content)
    result = run(path)
    assert result.returncode == EXIT_UNUSABLE
    assert result.stdout.startswith("### ❌ No review: this is not a usable plan\n".encode())
    assert len(result.stderr.splitlines()) == 1


def test_wrong_usage_is_status_2(run: Run) -> None:
    assert run().returncode == run("x", "--allow").returncode == 2
