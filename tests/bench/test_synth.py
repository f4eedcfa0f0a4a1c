import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.bench import javascript
from tools.bench import synth as bench_synth
from tools.bench.synth import BenchmarkError, Run, Variant


def test_table_compares_medians() -> None:
    def runs(*seconds: float) -> list[Run]:
        return [Run(seconds=second, cpu=second * 2, python=100, node=80) for second in seconds]

    table = bench_synth.table(
        {
            "stock": runs(20, 60, 16),
            "cold": runs(5),
            "lean": runs(1, 9, 1),
            "empty": runs(0.8),
            "JavaScript": runs(0.5),
        }
    ).splitlines()
    assert " ".join(table[1].split()) == "stock 20.00 s 16.00 s 60.00 s 40.00 s 100 MB 80 MB"
    assert " ".join(table[5].split()) == "JavaScript 0.50 s 0.50 s 0.50 s 1.00 s - 80 MB"
    assert table[-4:] == [
        "stock / lean: 20.00 by time, 20.00 by CPU",
        "lean / empty: 1.25 by time, 1.25 by CPU",
        "lean / JavaScript: 2.00 by time, 2.00 by CPU",
        "cold / stock: 0.25 by time, 0.25 by CPU",
    ]


def variant(folder: Path, code: str) -> Variant:
    program = folder / "program.py"
    program.write_text(code)
    return Variant("one", folder, program)


def test_a_failing_run_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="one ended with status 1: out of order"):
        bench_synth.measure(variant(tmp_path, "raise SystemExit('out of order')"), tmp_path)


def test_a_run_is_measured(tmp_path: Path) -> None:
    run = bench_synth.measure(variant(tmp_path, "pass"), tmp_path)
    assert run.seconds > 0
    assert run.cpu > 0
    assert run.python > 1


@pytest.mark.slow
def test_javascript_does_the_same(tmp_path: Path) -> None:
    outputs = []
    environment = os.environ | {"CDKTF_OUTDIR": str(tmp_path / "out")}
    for command in ("python", "node"):
        if command == "python":
            program = javascript.translate(bench_synth.ROOT / "main.py", tmp_path, environment)
        else:
            subprocess.run([bench_synth.NODE, program], env=environment, check=True)
        outputs.append(
            {file.name: file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file()}
        )
        shutil.rmtree(tmp_path / "out")
    assert "cdk.tf.json" in outputs[0]
    assert outputs[1] == outputs[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "lean", "nope"], "--only is 'nope': allowed is stock, cold, lean, empty, JavaScript"),
        (["--only", "lean cdktn"], "--only is 'lean cdktn': allowed is stock, "),
        (["--cores", "999"], "--cores is 999: allowed is 1 to "),
    ],
)
def test_what_cannot_be_measured_is_said_first(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench_synth", *arguments])
    with pytest.raises(SystemExit, match="2"):
        bench_synth.main()
    assert f"error: {said}" in capsys.readouterr().err


def test_all_variants_are_known_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(javascript, "translate", lambda *_: tmp_path)
    monkeypatch.setattr(shutil, "copytree", lambda *_, **__: None)
    made = bench_synth.variants(bench_synth.ROOT, tmp_path / "scratch", {}, cdktf="cdktf", suffix="")
    assert {variant.name for variant in [*made, bench_synth.cold(tmp_path)]} == set(bench_synth.NAMES)


@pytest.mark.parametrize("runs", ["0", "-1", "many", "1.5"])
def test_the_number_of_runs_is_checked(
    runs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench_synth", f"--runs={runs}"])
    with pytest.raises(SystemExit, match="2"):
        bench_synth.main()
    assert f"'{runs}' is not a whole number of at least 1" in capsys.readouterr().err
