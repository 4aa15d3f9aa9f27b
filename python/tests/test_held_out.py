"""Samples that are not trained on: their errors are those that NumPy counts, and those of the command line."""

import json

import numpy as np
import pytest

import farfield as ff


def split(data):
    X, y = data
    return X[:-8], y[:-8], X[-8:], y[-8:]


def outputs(run, X, leak=0.1):
    W = run.weights()
    signs = np.where(np.arange(len(W)) < (len(W) + 1) // 2, 1, -1)
    z = X @ W.T
    return np.where(z > 0, z, leak * z) @ signs


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_errors_are_counted_along_t(data, dtype):
    X, y, others, labels = split(data)
    X, others = X.astype(dtype), others.astype(dtype)
    p = ff.Problem(X, y, test=others, test_labels=labels)
    run = p.run(steps=1000)
    signs = np.where(labels == p.classes[1], 1, -1)
    errors = int((signs * outputs(run, others.astype(float)) <= 0).sum())
    assert run.held_out.samples == 8 and run.held_out.iterate.errors == errors
    assert "held out" in str(run)
    table = run.held_out_trace
    assert table.columns == ["t", "errors", "error", "low", "high"]
    assert (table.t == run.trace.t).all() and table.errors[-1] == errors and table.errors.dtype.kind == "i"
    plain = ff.Problem(X, y).run(steps=1000)
    assert (plain.digest, plain.data_digest, plain.held_out_trace) == (run.digest, run.data_digest, None)
    assert "held_out" not in plain.to_dict()
    if run.boundary is not None:
        assert run.held_out.limit.errors == int((signs * (others.astype(float) @ run.boundary) <= 0).sum())


def test_a_folder_holds_the_samples(data, tmp_path):
    X, y, others, labels = split(data)
    run = ff.Problem(X, y, test=others, test_labels=labels).run(steps=1000)
    again = ff.load(run.save(tmp_path / "run"))
    assert again.held_out.to_dict() == run.held_out.to_dict()
    assert (again.held_out_trace.errors == run.held_out_trace.errors).all()
    assert (np.load(tmp_path / "run/inputs/test.npy") == others).all()
    config = ff.Config.from_toml(tmp_path / "run/config.toml")
    assert config.problem().run().held_out.to_dict() == run.held_out.to_dict()
    assert run.resume(steps=1e4).held_out.samples == 8 == again.resume(steps=1e4).held_out.samples


def test_a_share_of_a_file(command, data, tmp_path):
    np.save(tmp_path / "X.npy", data[0])
    np.save(tmp_path / "y.npy", data[1])
    files = {"source": f"{tmp_path}/X.npy", "labels": f"{tmp_path}/y.npy", "holdout": 0.25, "standardize": "columns"}
    settings = [f"data.{key}={json.dumps(value)}" for key, value in files.items()]
    expected, _ = command("run", [*settings, "descent.steps=1000.0", "seed=4"])
    p = ff.Config({"data": files, "seed": 4, "descent": {"steps": 1000.0}}).problem()
    run = p.run()
    assert run.digest == expected["digest"] and run.held_out.to_dict() == expected["held_out"]
    # another seed of W(0) keeps the samples that were drawn, and the folder has them
    other = p.run(seed=5)
    assert other.data_digest == run.data_digest
    again = ff.Config.from_toml(other.save(tmp_path / "run") / "config.toml").problem().run()
    assert (again.digest, again.held_out.to_dict()) == (other.digest, other.held_out.to_dict())


def test_what_does_not_fit(data):
    X, y, others, labels = split(data)
    for arguments, words in [
        ({"test": others}, "test_labels"),
        ({"test_labels": labels}, "test_labels"),
        ({"test": others[:, 1:], "test_labels": labels}, "test is 8 x"),
        ({"test": others, "test_labels": labels[1:]}, "7 labels, and test 8 rows"),
        ({"test": others[:0], "test_labels": labels[:0]}, "no rows"),
        ({"test": others, "test_labels": ["other"] * 8}, "none of the training samples"),
    ]:
        with pytest.raises(ValueError, match=words):
            ff.Problem(X, y, **arguments)
