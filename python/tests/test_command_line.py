"""The same bits as the command line: digests, folders, sweeps."""

import json
import re
import subprocess

import numpy as np
import pytest

import farfield as ff

SMALL = ["data.n=30", "data.d=300"]
SLIDING = [
    ["data.n=60", "data.d=300", "data.signal=4.0", "data.label_noise=0.15", "descent.steps=1e8"],
    ["data.n=40", "data.d=400", "data.label_noise=0.2", "descent.steps=1e12", "network.leak=0.4"],
]
CONFIGURATIONS = [
    *SLIDING,
    [],
    SMALL,
    [*SMALL, "descent.steps=1e300"],
    [*SMALL, "seed=5", "data.label_noise=0.2", "descent.steps=2000"],
    [*SMALL, "descent.engine=\"direct\"", "descent.warp=false", "descent.steps=2000"],
    [*SMALL, "descent.engine=\"gram\"", "descent.tied=false", "descent.steps=3000"],
    [*SMALL, "descent.precision=\"f32\"", "descent.engine=\"direct\"", "descent.steps=2000"],
    [*SMALL, "descent.precision=\"mixed\"", "descent.steps=1e4"],
    [*SMALL, "data.noise=\"student-t\"", "data.dof=4.0", "data.spectrum=\"power:0.5\"", "network.width=5"],
    [*SMALL, "descent.loss=\"logistic\"", "descent.steps=1e12"],
    [*SMALL, "data.d=1000000", "data.sampling=\"gram\"", "descent.reduction=\"mean\"", "network.leak=0.4"],
]


@pytest.mark.parametrize("settings", CONFIGURATIONS, ids=lambda settings: " ".join(settings[2:]) or "default")
def test_digests_of_configurations(command, settings):
    expected, _ = command("run", settings)
    table = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        section, _, name = key.rpartition(".")
        value = json.loads(value)
        value = float(value) if name == "steps" else value
        (table.setdefault(section, {}) if section else table)[name] = value
    run = ff.Config(table).problem().run()
    assert run.digest == expected["digest"]
    assert settings not in SLIDING or "sliding" in {segment.engine for segment in run.segments}
    assert run.data_digest == expected["data_digest"]


def test_digests_of_arguments(command):
    settings = [*SMALL, "seed=3", "data.signal=4.0", "network.width=6", "network.positive=2", "descent.steps=1e7"]
    settings += ["network.init_scale=1e-3", "monitor.samples_per_decade=2"]
    expected, _ = command("run", settings)
    p = ff.mixture(n=30, d=300, seed=3, signal=4.0, width=6, positive=2)
    run = p.run(steps=1e7, init_scale=1e-3, samples_per_decade=2)
    assert run.digest == expected["digest"]
    assert run.to_dict()["provenance"]["config"] == expected["provenance"]["config"]


def test_gradient_flow_with_further_columns(command):
    settings = [*SMALL, "descent.step_size=flow", "descent.steps=2.5", "monitor.columns=sharpness,stable_rank"]
    expected, folder = command("run", [*settings, "monitor.test_error=true"])
    p = ff.mixture(n=30, d=300, step_size="flow")
    run = p.run(steps=2.5, columns=["stable_rank", "sharpness"], test_error=True)
    assert run.digest == expected["digest"] and run.step_size == p.step_size == 1
    assert run.to_dict()["provenance"]["config"] == expected["provenance"]["config"]
    further = ["stable_rank", "sharpness", "test_error", "test_error_low", "test_error_high"]
    loaded = ff.load(folder).trace
    assert list(run.trace)[12:] == list(loaded)[12:] == further
    for name in further:
        assert np.array_equal(run.trace[name], loaded[name], equal_nan=True), name
    with pytest.raises(ValueError, match="columns"):
        p.run(columns="rank")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_digests_of_arrays(command, data, tmp_path, dtype):
    X, y = data[0].astype(dtype), data[1]
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    files = [f"data.source={tmp_path}/X.npy", f"data.labels={tmp_path}/y.npy", "descent.steps=1000.0", "seed=2"]
    expected, _ = command("run", files)
    run = ff.Problem(X, y).run(steps=1000, seed=2)
    assert (run.digest, run.data_digest) == (expected["digest"], expected["data_digest"])


def test_a_saved_folder_is_the_command_lines(command, tmp_path):
    expected, theirs = command("run", [*SMALL, "descent.precision=\"mixed\""])
    p = ff.Config({"data": {"n": 30, "d": 300}, "descent": {"precision": "mixed"}}).problem()
    ours = p.run().save(tmp_path / "ours")
    names = sorted(path.name for path in theirs.iterdir())
    assert "checkpoint.bin" in names
    assert sorted(path.name for path in ours.iterdir()) == names
    for name in names:
        if name.endswith((".npy", ".toml")) or name == "trace.csv":
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    found = json.loads((ours / "result.json").read_text())
    assert found.keys() == expected.keys()
    assert found["files"] == expected["files"]


def test_a_folder_of_arrays_runs_again(command, data, tmp_path):
    X, y = data
    init = np.random.default_rng(1).standard_normal((8, 40))
    for start in ({"init": init}, {"seed": 9}):
        run = ff.Problem(X, y).run(steps=1000, **start)
        folder = run.save(tmp_path / f"saved{len(start)}{'seed' in start}", weights=True)
        again, _ = command("run", file=folder / "config.toml", folder=f"again{'seed' in start}")
        assert again["digest"] == run.digest
        assert (np.load(folder / "weights.npy") == run.weights()).all()


def test_another_seed_than_that_of_the_samples_is_saved_with_them(command, tmp_path):
    run = ff.mixture(n=20, d=200, seed=1).run(steps=1000, seed=2)
    again, _ = command("run", file=run.save(tmp_path / "saved") / "config.toml")
    assert again["digest"] == run.digest
    with pytest.raises(ValueError, match="no original coordinates"):
        ff.mixture(n=20, d=200, seed=1, sampling="gram").run(steps=1000, seed=2).save(tmp_path / "none")


def test_folders_are_read_again(command, tmp_path):
    _, folder = command("run", [*SMALL, "output.weights=true"])
    run = ff.mixture(n=30, d=300).run()
    read = ff.load(folder)
    assert read.digest == run.digest
    assert read.trace.columns == run.trace.columns
    for name, column in run.trace.items():
        assert column.dtype.kind == read.trace[name].dtype.kind
        assert np.array_equal(column, read.trace[name], equal_nan=column.dtype.kind == "f"), name
    for name in ("margins", "dual", "boundary", "pattern_bits", "certified_angle"):
        assert np.array_equal(getattr(read, name), getattr(run, name)), name
    assert (read.weights() == run.weights()).all()
    np.save(folder / "margins.npy", np.zeros(30))
    with pytest.raises(ValueError, match="margins.npy"):
        ff.load(folder)
    assert (ff.load(folder, verify=False).margins == 0).all()
    with pytest.raises(FileNotFoundError):
        ff.load(tmp_path / "nothing")


def test_another_configuration_is_not_overwritten(tmp_path):
    p = ff.mixture(n=20, d=200)
    p.run(steps=10).save(tmp_path / "out")
    with pytest.raises(ValueError, match="another configuration"):
        p.run(steps=20).save(tmp_path / "out")
    p.run(steps=20).save(tmp_path / "out", overwrite=True)
    assert ff.load(tmp_path / "out").steps == 20


def test_limits(command):
    expected, folder = command("limit", SMALL)
    limit = ff.mixture(n=30, d=300).limit()
    found = limit.to_dict()
    for name, value in expected.items():
        if name not in ("files", "provenance", "solve_seconds", "test_error", "stationarity"):
            assert found[name] == value, name
    assert limit.test_error.log10_limit == expected["test_error"]["log10_limit"]
    assert (limit.dual == np.load(folder / "dual.npy")).all()
    assert (limit.boundary == np.load(folder / "boundary.npy")).all()


def same_limit_folders(ours, theirs):
    """Every file but for where it comes from and how long it took."""
    names = sorted(path.name for path in theirs.iterdir() if path.is_file())
    assert sorted(path.name for path in ours.iterdir() if path.is_file()) == names
    for name in names:
        mine, yours = (ours / name).read_text("latin-1"), (theirs / name).read_text("latin-1")
        if name == "result.json":
            mine, yours = mine.split('  "provenance"')[0], yours.split('  "provenance"')[0]
            told = re.compile(r'"(solve_seconds|sampling_seconds|from)": .*')
            mine, yours = told.sub("", mine), told.sub("", yours)
        assert mine == yours, name


ROTATED = [*SMALL, "data.d=100000", "data.sampling=\"gram\""]
NOISY = ["data.n=60", "data.d=300", "data.signal=4.0", "data.label_noise=0.15", "data.noise=\"uniform\""]


@pytest.mark.parametrize("settings", [SMALL, NOISY, ROTATED], ids=["activated", "sliding", "rotated"])
def test_folders_of_limits(program, tmp_path, settings):
    arguments = [part for setting in settings for part in ("-s", setting)]
    done = subprocess.run([program, "limit", *arguments, "-o", tmp_path / "theirs"], capture_output=True, text=True)
    read = ff.load(tmp_path / "theirs")
    assert repr(read).splitlines() == done.stdout.splitlines()[:-1]  # which names the folder
    limit = ff.Config.from_toml(tmp_path / "theirs" / "config.toml").problem().limit()
    same_limit_folders(limit.save(tmp_path / "ours"), tmp_path / "theirs")
    read = ff.load(tmp_path / "ours")
    assert repr(read) == repr(limit) and read.to_dict() == {**limit.to_dict(), "files": read.files.to_dict()}
    assert read.consistent == limit.consistent and read.max_margin == limit.max_margin
    for name in ("dual", "boundary", "slopes", "farkas"):
        assert np.array_equal(getattr(read, name), getattr(limit, name)), name
    with pytest.raises(ValueError, match="solve for it again"):
        read.weights()
    with pytest.raises(ValueError, match="copy the folder"):
        read.save(tmp_path / "copy")
    np.save(tmp_path / "ours" / "dual.npy", np.zeros(30))
    with pytest.raises(ValueError, match="dual.npy"):
        ff.load(tmp_path / "ours")


def test_the_limit_of_a_run_and_of_arrays(program, data, tmp_path):
    run = ff.Problem(*data).run(steps=1e6)
    folder = run.save(tmp_path / "run")
    subprocess.run([program, "limit", "--pattern", folder], check=True, capture_output=True)
    for known in (run, ff.load(folder)):
        limit = ff.Config.from_toml(folder / "config.toml").problem().limit(pattern=known)
        assert limit.stationarity.epsilon == run.stationarity.epsilon and "KKT" in repr(limit)
        same_limit_folders(limit.save(tmp_path / "ours", overwrite=True), folder / "limit")
        assert repr(ff.load(tmp_path / "ours")) == repr(limit)
    limit = ff.Problem(*data).limit()
    read = ff.load(limit.save(tmp_path / "arrays"))
    assert repr(read) == repr(limit) and "classes" in repr(read)


def test_a_limit_that_there_is_not(program, tmp_path):
    X, y = np.array([[1.0, 0.5], [1.0, 0.5], [-2.0, 1.0]]), np.array([1.0, -1.0, -1.0])
    with pytest.raises(ff.NotSeparable) as raised:
        ff.Problem(X, y).limit()
    limit = raised.value.result
    read = ff.load(limit.save(tmp_path / "ours"))
    assert repr(read) == repr(limit) and read.farkas.sum() == pytest.approx(1.0)
    assert np.array_equal(read.dual, limit.dual) and len(limit.dual) == 3
    done = subprocess.run([program, "limit", tmp_path / "ours" / "config.toml", "-o", tmp_path / "theirs"])
    assert done.returncode == 5
    same_limit_folders(tmp_path / "ours", tmp_path / "theirs")


ENGINES = [{}, {"engine": "direct", "warp": False}, {"engine": "direct", "warp": False, "precision": "mixed"}]


@pytest.mark.parametrize("how", ENGINES, ids=["auto", "direct", "mixed"])
def test_a_run_goes_on(program, tmp_path, how):
    far = 1e4 if how else 1e12
    p = ff.mixture(n=30, d=300)
    whole, part = p.run(steps=far, **how), p.run(steps=1e3, **how)
    for again in (part.resume(steps=far), ff.load(part.save(tmp_path / "part")).resume(steps=far)):
        assert again.digest == whole.digest and (again.margins == whole.margins).all()
        for name, column in whole.trace.items():
            assert np.array_equal(again.trace[name], column, equal_nan=column.dtype.kind == "f"), name
        again.save(tmp_path / "again", overwrite=True), whole.save(tmp_path / "whole", overwrite=True)
        names = sorted(path.name for path in (tmp_path / "whole").iterdir())
        assert sorted(path.name for path in (tmp_path / "again").iterdir()) == names
        for name in set(names) - {"result.json", "checkpoint.bin"}:  # which hold seconds
            assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert part.steps == 1e3 and part.trace.t[-1] == 1e3
    # a folder from here goes on there
    arguments = ["run", "--resume", tmp_path / "part", "-s", f"descent.steps={far}", "--json"]
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert json.loads(done.stdout)["digest"] == whole.digest
    # and one from there here
    assert ff.load(tmp_path / "part").resume(steps=far * 10).digest == p.run(steps=far * 10, **how).digest


def test_what_cannot_go_on(data, tmp_path):
    run = ff.Problem(*data).run(steps=1e4)
    with pytest.raises(ValueError, match="^steps = 10: the run is at t = 10000 already"):
        run.resume(steps=10)
    folder = run.save(tmp_path / "run")
    with pytest.raises(ValueError, match="is at t = 10000 already"):
        ff.load(folder).resume(steps=10)
    assert ff.load(folder).resume(steps=1e6).digest == ff.Problem(*data).run(steps=1e6).digest
    np.save(folder / "inputs" / "X.npy", 2.0 * data[0])
    with pytest.raises(ValueError, match="the data differ"):
        ff.load(folder).resume(steps=1e6)
    (folder / "checkpoint.bin").unlink()
    with pytest.raises(ValueError, match="no checkpoint"):
        ff.load(folder).resume(steps=1e6)


def test_sweeps(program, tmp_path):
    plan = 'mode = "run"\nseeds = 3\n[base]\ndata = { n = 10, d = 100 }\ndescent = { steps = 1e3 }\n'
    plan += '[grid]\n"data.signal" = [1.0, 3.0]\n"network.leak" = [0.1, 0.5]\n'
    (tmp_path / "plan.toml").write_text(plan)
    theirs = tmp_path / "theirs"
    subprocess.run([program, "sweep", str(tmp_path / "plan.toml"), "-o", str(theirs)], check=True, capture_output=True)
    subprocess.run([program, "sweep", "--merge", str(theirs)], check=True, capture_output=True)
    found = ff.sweep(tmp_path / "plan.toml", dir=tmp_path / "ours", threads=2)
    for name in ("sweep.csv", "summary.csv"):
        assert (tmp_path / "ours" / name).read_bytes() == (theirs / name).read_bytes(), name
    assert (found.rows, found.failed, found.missing, found.summary.rows) == (12, 0, 0, 4)
    assert ff.load(theirs).columns == found.columns
    table = {
        "mode": "run",
        "seeds": 3,
        "base": {"data": {"n": 10, "d": 100}, "descent": {"steps": 1e3}},
        "grid": {"data.signal": [1.0, 3.0], "network.leak": np.array([0.1, 0.5])},
    }
    assert np.array_equal(ff.sweep(table)["digest"], found["digest"])
