from pathlib import Path

from tools.bench import synth as bench_synth
from tools.bench.synth import BenchmarkError, Run

import pytest


def test_table_compares_medians() -> None:
    def runs(*seconds: float) -> list[Run]:
        return [Run(seconds=second, cpu=second * 2, python=100, node=80) for second in seconds]

    table = bench_synth.table(
        {"stock": runs(20, 60, 16), "cold": runs(5), "lean": runs(1, 9, 1), "floor": runs(0.8)}
    ).splitlines()
    assert " ".join(table[1].split()) == "stock 20.00 s 16.00 s 60.00 s 40.00 s 100 MB 80 MB"
    assert table[-3:] == [
        "stock / lean: 20.00 by time, 20.00 by CPU",
        "lean / floor: 1.25 by time, 1.25 by CPU",
        "cold / stock: 0.25 by time, 0.25 by CPU",
    ]


def test_a_failing_run_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_synth, "FLOOR", "raise SystemExit('out of order')")
    with pytest.raises(BenchmarkError, match="floor ended with status 1: out of order"):
        bench_synth.measure("floor", tmp_path)


def test_a_run_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_synth, "FLOOR", "pass")
    run = bench_synth.measure("floor", tmp_path)
    assert run.seconds > 0
    assert run.cpu > 0
    assert run.python > 1


@pytest.mark.parametrize("runs", ["0", "-1", "many", "1.5"])
def test_the_number_of_runs_is_checked(
    runs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench_synth", f"--runs={runs}"])
    with pytest.raises(SystemExit, match="2"):
        bench_synth.main()
    assert f"'{runs}' is not a whole number of at least 1" in capsys.readouterr().err
