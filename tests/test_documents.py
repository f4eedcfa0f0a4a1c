"""Whoever adds a setting, an alarm or a tool is told which document has to name it."""

import ast
import re
from pathlib import Path

import pytest

from settings import Settings
from tests.template import Template

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "lean_cdktf" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
MAKEFILE = (ROOT / "Makefile").read_text()


def text(*names: str) -> str:
    return "\n".join((ROOT / name).read_text() for name in names)


@pytest.mark.parametrize("setting", Settings.rules())
def test_every_setting_has_a_row_in_the_readme(setting: str) -> None:
    assert f"\n| `{setting}` |" in text("README.md"), f"add {setting} to the table of settings"


def test_every_setting_in_the_readme_exists() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", text("README.md"), re.MULTILINE)
    assert set(rows) == set(Settings.rules())


def test_every_alarm_has_a_row_in_the_runbook(pipeline: Template) -> None:
    rows = set(re.findall(r"^\| `([a-z-]+-alarm)` \|", text("docs/operations.md"), re.MULTILINE))
    alarms = pipeline.all("aws_cloudwatch_metric_alarm").values()
    assert rows == {alarm["alarm_name"].removesuffix("-dev") for alarm in alarms}


def test_every_command_of_make_help_is_in_a_document() -> None:
    documents = "\n".join(document.read_text() for document in DOCUMENTS)
    targets = [
        target
        for line in re.findall(r"^([a-z][a-z -]*):[^=\n]*## ", MAKEFILE, re.MULTILINE)
        for target in line.split()
    ]
    assert "local" in targets
    unnamed = {target for target in targets if not re.search(rf"\bmake {target}\b", documents)}
    assert unnamed == set(), "say in a document what these are for"


def test_every_tool_is_reached_by_make_or_named_in_a_document() -> None:
    automatic = [file for file in (ROOT / ".github").rglob("*") if file.is_file()]
    named = MAKEFILE + "\n".join(file.read_text() for file in [*DOCUMENTS, *automatic])
    tools = [file for file in (ROOT / "tools").rglob("*.py") if '__name__ == "__main__"' in file.read_text()]
    assert tools
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in tools}
    unnamed = {module for module in modules if f"-m {module.removesuffix('.__main__')}" not in named}
    assert unnamed == set(), "name these in a document"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text()), target


def anchors(markdown: str) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(text("README.md").splitlines()) <= 200


@pytest.mark.parametrize(
    "command",
    ["ruff check", "ruff format --check", "biome ci", "mypy", "tsc", "check-function", "check-python"],
)
def test_a_commit_is_checked_by_what_make_check_runs(command: str) -> None:
    assert command in MAKEFILE
    assert command in text(".pre-commit-config.yaml")


def test_no_function_is_longer_than_a_screen_or_two() -> None:
    folders = ("stacks", "tools", "lean_cdktf", "tests")
    files = [*ROOT.glob("*.py"), *(file for folder in folders for file in (ROOT / folder).rglob("*.py"))]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 60, f"{file.name}: {node.name} has {length} lines"
