"""Settings: where they come from, and what is not let through."""

import json
import re
from pathlib import Path

import pytest

from settings import AuditLock, Settings, SettingsError

RULES = Settings.rules()
DEFAULTS = Settings.load(environ={})


def project_file(folder: Path, **context: object) -> Path:
    file = folder / "cdktf.json"
    file.write_text(json.dumps({"context": context}))
    return file


def test_defaults() -> None:
    assert (
        Settings(
            environment_suffix="dev",
            deploy_region="ap-southeast-1",
            state_bucket="STATE-BUCKET-IS-NOT-SET",
            state_region="ap-southeast-1",
            lambda_runtime="nodejs20.x",
            failure_statuses=("FAILED",),
            alert_emails=(),
            protect_data=False,
            audit_lock=None,
            repository_subject="",
            oidc_provider="create",
            ci_roles=False,
        )
        == DEFAULTS
    )


def test_context_overrides_defaults_and_environment_overrides_context(tmp_path: Path) -> None:
    file = project_file(tmp_path, ENVIRONMENT_SUFFIX="team", STATE_BUCKET="team-state")
    settings = Settings.load(environ={"ENVIRONMENT_SUFFIX": "prod"}, project_file=file)
    assert (settings.environment_suffix, settings.state_bucket) == ("prod", "team-state")


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION", "TF_VAR_region"])
def test_shell_variables_of_other_tools_are_not_read(name: str) -> None:
    assert Settings.load(environ={name: "us-east-1"}) == DEFAULTS


def test_lists_and_switch() -> None:
    settings = Settings.load(
        environ={
            "FAILURE_STATUSES": "FAILED,PAYMENT_FAILED,FAILED",
            "ALERT_EMAILS": "a@example.com,b@example.com",
            "PROTECT_DATA": "true",
        }
    )
    assert settings.failure_statuses == ("FAILED", "PAYMENT_FAILED")
    assert settings.alert_emails == ("a@example.com", "b@example.com")
    assert settings.protect_data is True


@pytest.mark.parametrize("suffix", ["a", "0", "dev", "pr-123", "a" * 20])
def test_good_suffix(suffix: str) -> None:
    assert Settings.load(environ={"ENVIRONMENT_SUFFIX": suffix}).environment_suffix == suffix


BAD_VALUES = [
    *[("ENVIRONMENT_SUFFIX", bad) for bad in ("-dev", "dev-", "-", "Dev", "de v", "dev\n", "a" * 21, "dév")],
    *[("DEPLOY_REGION", bad) for bad in ("singapore", "ap-southeast", "AP-SOUTHEAST-1", "ap-southeast-1a")],
    *[("STATE_BUCKET", bad) for bad in ("ab", "a" * 64, "-state", "state-", "State", "my_state")],
    ("STATE_REGION", "eu"),
    *[("LAMBDA_RUNTIME", bad) for bad in ("nodejs18.x", "nodejs20", "nodejs20xx", "python3.12")],
    *[("FAILURE_STATUSES", bad) for bad in ("FAILED,", ",FAILED", "FAILED,,LOST", "FAI LED", "X" * 65)],
    *[("ALERT_EMAILS", bad) for bad in ("someone", "a@b", "a@b.c,", "a@b.c, d@e.f", "a@b@c.d")],
    *[("AUDIT_LOCK", bad) for bad in ("governance", "GOVERNANCE:1", "governance:0", "compliance:36501")],
    *[("AUDIT_LOCK", bad) for bad in ("legal:5", "governance:1.5", "governance:-1", "governance:007")],
    *[("REPOSITORY_SUBJECT", bad) for bad in ("acme/orders", "repo:acme", "repo:*/orders", "repo:acme/*")],
    *[("REPOSITORY_SUBJECT", bad) for bad in ("repo:acme/orders:environment:dev", "repo:acme/orders/x")],
    *[("REPOSITORY_SUBJECT", bad) for bad in ("repo:acme@1/orders", "repo:acme/orders@2", "repo:a@b/o@c")],
    *[("OIDC_PROVIDER", bad) for bad in ("existing", "true", "Adopt")],
    *[("CI_ROLES", bad) for bad in ("True", "yes", "arn:aws:iam::123456789012:policy/boundary")],
    *[("PROTECT_DATA", bad) for bad in ("True", "yes", "1", " true")],
]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_bad_value_is_refused_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.load(environ={name: value})
    assert str(error.value) == f"{name} is {value!r}: allowed is {RULES[name].allowed}"
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"ALERT_EMAILS", "AUDIT_LOCK", "REPOSITORY_SUBJECT"}))
def test_empty_value_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is '': "):
        Settings.load(environ={name: ""})


def test_what_may_be_empty() -> None:
    empty = {"ALERT_EMAILS": "", "AUDIT_LOCK": "", "REPOSITORY_SUBJECT": ""}
    assert Settings.load(environ=empty) == DEFAULTS


def test_T1_the_default_state_bucket_can_belong_to_nobody() -> None:
    # S3 takes small letters, digits, dots and hyphens only.
    assert not re.fullmatch(r"[a-z0-9.-]+", DEFAULTS.state_bucket)


@pytest.mark.parametrize("subject", ["repo:acme/orders", "repo:acme@12/orders@34", "repo:a-b_c/.github"])
def test_C1_subject_in_both_of_githubs_forms(subject: str) -> None:
    assert Settings.load(environ={"REPOSITORY_SUBJECT": subject}).repository_subject == subject


@pytest.mark.parametrize(
    ("setting", "given", "allowed"),
    [
        ("REPOSITORY_SUBJECT", "", "repo:OWNER/REPOSITORY or repo:OWNER@ID/REPOSITORY@ID"),
        ("STATE_BUCKET", None, "3 to 63 of a-z, 0-9 and -, not starting or ending with -"),
    ],
)
def test_C1_a_setting_that_is_needed_and_not_set_ends_the_process_with_status_2(
    setting: str,
    given: str | None,
    allowed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv(setting, raising=False)
    if given is not None:
        monkeypatch.setenv(setting, given)
    with pytest.raises(SystemExit) as exit_:
        Settings.load_or_exit(needed=[setting])
    assert exit_.value.code == 2
    assert capsys.readouterr().err == f"error: {setting} is not set: allowed is {allowed}\n"
    assert Settings.load_or_exit() == Settings.load()
    monkeypatch.setenv(setting, "repo:acme/orders" if setting == "REPOSITORY_SUBJECT" else "team-state")
    Settings.load_or_exit(needed=[setting])


def test_a_variable_that_is_nearly_a_setting_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ENVIRONMENT", "AWS_REGION", "AWS_DEFAULT_REGION", "STATE", "CI", "ENVIRONMENT_SUFFIX"):
        monkeypatch.setenv(name, "dev")
    Settings.load_or_exit()
    assert capsys.readouterr().err == ""
    for name in ("ENVIROMENT_SUFFIX", "ALERT_EMAIL", "PROTECT_DATE"):
        monkeypatch.setenv(name, "prod")
    Settings.load_or_exit()
    assert capsys.readouterr().err.splitlines() == [
        "warning: ALERT_EMAIL is no setting: is ALERT_EMAILS meant?",
        "warning: ENVIROMENT_SUFFIX is no setting: is ENVIRONMENT_SUFFIX meant?",
        "warning: PROTECT_DATE is no setting: is PROTECT_DATA meant?",
    ]


def test_C1_no_setting_has_a_name_that_github_sets_or_keeps_for_itself() -> None:
    assert [
        name for name in RULES if name == "CI" or name.startswith(("GITHUB_", "RUNNER_", "ACTIONS_"))
    ] == []


@pytest.mark.parametrize(("text", "mode"), [("governance", "GOVERNANCE"), ("compliance", "COMPLIANCE")])
@pytest.mark.parametrize("days", [1, 365, 9999, 29999, 36499, 36500])
def test_S6_audit_lock(text: str, mode: str, days: int) -> None:
    settings = Settings.load(environ={"AUDIT_LOCK": f"{text}:{days}", "PROTECT_DATA": "true"})
    assert settings.audit_lock == AuditLock(mode=mode, days=days)


@pytest.mark.parametrize("protect", [{}, {"PROTECT_DATA": "false"}])
def test_S6_audit_lock_asks_for_protection(protect: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.load(environ={"AUDIT_LOCK": "governance:30"} | protect)
    assert str(error.value).startswith("AUDIT_LOCK is 'governance:30': it asks for PROTECT_DATA true")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["ENVIRONMENT_SUFIX", "environmentSuffix", "environment_suffix"])
def test_unknown_context_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"^{name} in the context of cdktf.json is no setting"):
        Settings.load(environ={}, project_file=project_file(tmp_path, **{name: "prod"}))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "true"), (1, "1"), (None, "null"), (["FAILED"], '["FAILED"]'), (["x"] * 99, '["x", ')],
)
def test_context_value_that_is_no_string_is_refused(value: object, shown: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.load(environ={}, project_file=project_file(tmp_path, PROTECT_DATA=value))
    said = str(error.value)
    assert said.startswith(f"PROTECT_DATA is {shown}")
    assert said.endswith(", not a string in quotes: allowed is true or false")
    assert len(said) < 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "cdktf.json: it is [], allowed is a JSON object"),
        ("null", "cdktf.json: it is null, allowed is a JSON object"),
        ('{"context": []}', "cdktf.json: its context is [], allowed is a JSON object of settings"),
        ('{"context": null}', "cdktf.json: its context is null, allowed is a JSON object of settings"),
        ('{"context": "x"}', 'cdktf.json: its context is "x", allowed is a JSON object of settings'),
        ("", "cdktf.json: not JSON: Expecting value"),
        ("{", "cdktf.json: not JSON: Expecting property name"),
        ("\xff", "cdktf.json: not JSON: Expecting value"),
    ],
)
def test_project_file_of_another_kind(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "cdktf.json"
    file.write_text(text)
    with pytest.raises(SettingsError) as error:
        Settings.load(environ={}, project_file=file)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


def test_project_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        Settings.load(environ={}, project_file=tmp_path)


def test_feature_flags_of_cdktf_are_no_settings(tmp_path: Path) -> None:
    file = project_file(tmp_path, excludeStackIdFromLogicalIds="true")
    assert Settings.load(environ={}, project_file=file) == DEFAULTS


def test_bad_value_ends_the_process_with_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "")
    with pytest.raises(SystemExit) as exit_:
        Settings.load_or_exit()
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ENVIRONMENT_SUFFIX is '': ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"LAMBDA_RUNTIME": "nodejs20.x"}, ["2027-02-01"]),
        ({"LAMBDA_RUNTIME": "nodejs22.x"}, []),
        ({"LAMBDA_RUNTIME": "nodejs24.x"}, []),
        ({"LAMBDA_RUNTIME": "nodejs22.x", "PROTECT_DATA": "true"}, ["nobody is told"]),
        ({"LAMBDA_RUNTIME": "nodejs22.x", "PROTECT_DATA": "true", "ALERT_EMAILS": "a@example.com"}, []),
        ({"LAMBDA_RUNTIME": "nodejs20.x", "PROTECT_DATA": "true"}, ["2027-02-01", "nobody is told"]),
    ],
)
def test_L1_N2_warnings_are_a_line_each(
    environ: dict[str, str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Settings.load(environ=environ).print_warnings()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(words)
    for line, word in zip(lines, words, strict=True):
        assert line.startswith("warning: ")
        assert word in line
