"""Samples and labels from whatever holds them; what is wrong is named; nothing is changed."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import farfield as ff


def layouts(X):
    wide = np.zeros((24, 80))
    wide[::2, 1::2] = X
    return {
        "fortran": np.asfortranarray(X),
        "strided": wide[::2, 1::2],
        "reversed": X[::-1, ::-1].copy()[::-1, ::-1],
        "big endian": X.astype(">f8"),
        "transposed": X.T.copy().T,
        "lists": X.tolist(),
        "long double": X.astype(np.longdouble),
        "objects": X.astype(object),
        "pandas": pd.DataFrame(X),
        "polars": pl.DataFrame(X),
        "csr": scipy.sparse.csr_matrix(X),
        "coo": scipy.sparse.coo_array(X),
    }


def test_layouts(data):
    X, y = data
    digest = ff.Problem(X, y).data_digest
    for name, other in layouts(X).items():
        assert ff.Problem(other, y).data_digest == digest, name
    assert (ff.Problem(np.asfortranarray(X), y).X == X).all()


@pytest.mark.parametrize("dtype", ["f4", ">f4", "f2", "i1", "u8", ">i4", "?"])
def test_types(data, dtype):
    X = (4 * data[0]).astype(dtype)
    X[:, 0] = np.arange(12) % 2 + 1
    wide = X.astype(np.float64)
    for other in (X, np.asfortranarray(X)):
        assert ff.Problem(other, data[1]).data_digest == ff.Problem(wide, data[1]).data_digest


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_samples_in_single_precision_give_the_numbers_of_the_same_in_double(data, layout, tmp_path):
    X = layout(data[0].astype(np.float32))
    single, double = ff.Problem(X, data[1]), ff.Problem(X.astype(np.float64), data[1])
    assert repr(single) == repr(double) and (single.X == double.X).all() and single.X.dtype == np.float64
    for how in ({}, {"engine": "direct", "warp": False}, {"precision": "f32"}, {"precision": "mixed"}):
        ours, theirs = single.run(steps=2000, **how), double.run(steps=2000, **how)
        assert ours.digest == theirs.digest and ours.certified_angle == theirs.certified_angle
        assert (ours.weights() == theirs.weights()).all() and (ours.boundary == theirs.boundary).all()
    ours, theirs = single.limit(), double.limit()
    assert ours.margin_interval == theirs.margin_interval and (ours.weights() == theirs.weights()).all()
    assert (ff.max_margin(X, data[1]).weights == ff.max_margin(single.X, data[1]).weights).all()
    folder = ours.save(tmp_path / "limit")
    assert np.load(folder / "inputs" / "X.npy").dtype == np.float32
    assert ff.Config.from_toml(folder / "config.toml").problem().data_digest == single.data_digest


def test_names_of_columns(data):
    frame = pd.DataFrame(data[0], columns=[f"gene {k}" for k in range(40)])
    p = ff.Problem(frame, data[1])
    assert p.feature_names == list(frame.columns) and p.run(steps=10).feature_names == p.feature_names
    assert ff.Problem(data[0], data[1]).feature_names is None


def test_read_only_arrays_are_taken_and_inputs_stay(data):
    X, y = data[0].copy(), data[1].copy()
    init = 1e-3 * np.random.default_rng(0).standard_normal((8, 40))
    for array in (X, y, init):
        array.flags.writeable = False
    p = ff.Problem(X, y)
    run = p.run(steps=100, init=init)
    ff.max_margin(X, y), ff.certificate(p, init), p.limit(init=init), p.check(init=init)
    assert (X == data[0]).all() and (y == data[1]).all()
    p.X[:] = 0
    run.margins[:] = 0
    assert (p.X == X).all() and (run.margins != 0).any()


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1, 1), (0, 1), (1, 2), (False, True), ("a", "b"), ("normal", "tumor"), (b"n", b"p"), ("-1", "1"), (9, 10)],
)
def test_labels(data, low, high):
    X, signs = data
    expected = ff.Problem(X, signs)
    y = [high if s > 0 else low for s in signs]
    for labels in (y, np.array(y), np.array(y, dtype=object), pd.Series(y), pd.Series(y).astype("category")):
        p = ff.Problem(X, labels)
        assert (p.y == signs).all() and p.data_digest == expected.data_digest
        assert p.classes == (low, high)
    other = ff.Problem(X, y, positive_class=low)
    assert (other.y == -signs).all() and other.classes == (high, low)
    assert "+1 is" in repr(other)


def test_labels_in_a_column(data):
    X, y = data
    for column in (y[:, None], pd.DataFrame({"y": y}), pl.Series(y), pl.DataFrame({"y": y}), np.float32(y)):
        assert (ff.Problem(X, column).y == y).all()


X, Y = np.random.default_rng(0).standard_normal((4, 9)), [1, -1, 1, -1]
WITH_NAN, WITH_INF = X.copy(), X.astype(np.float32)
WITH_NAN[2, 3], WITH_INF[1, 1] = np.nan, np.inf
WRONG = [
    (ValueError, "X: sample 2, feature 3 is NaN", lambda: ff.Problem(WITH_NAN, Y)),
    (ValueError, "X: sample 1, feature 1 is inf", lambda: ff.Problem(WITH_INF, Y)),
    (ValueError, "X has 1 dimensions", lambda: ff.Problem(X[0], Y)),
    (ValueError, "X has 3 dimensions", lambda: ff.Problem(X[None], Y)),
    (ValueError, "X is 0 x 9", lambda: ff.Problem(X[:0], [])),
    (ValueError, "X is 4 x 0", lambda: ff.Problem(X[:, :0], Y)),
    (ValueError, "X: ", lambda: ff.Problem([[1, 2], [3]], [1, -1])),
    (ValueError, "X: .*masked", lambda: ff.Problem(np.ma.masked_greater(X, 1.0), Y)),
    (ValueError, "X: .*length", lambda: ff.Problem(1e200 * X, Y)),
    (TypeError, "X: ", lambda: ff.Problem(X.astype(complex), Y)),
    (TypeError, "X: ", lambda: ff.Problem([["a", "b"]] * 4, Y)),
    (ValueError, "X: sample 0, feature 0 is NaN", lambda: ff.Problem(np.full((4, 2), None), Y)),
    (ValueError, "y has 3 labels, expected n = 4", lambda: ff.Problem(X, Y[:3])),
    (ValueError, "y: expected two classes, found 3", lambda: ff.Problem(X, [1, 2, 3, 1])),
    (ValueError, "y: the label of sample 1 is nan", lambda: ff.Problem(X, [1, np.nan, 1, -1])),
    (ValueError, "y: the label of sample 2 is missing", lambda: ff.Problem(X, ["a", "b", None, "a"])),
    (ValueError, "y: .*one is a number", lambda: ff.Problem(X, np.array([1, "b", 1, 1], dtype=object))),
    (ValueError, "y: every label is", lambda: ff.Problem(X, ["a"] * 4)),
    (ValueError, "y has 2 dimensions", lambda: ff.Problem(X, np.ones((4, 2)))),
    (TypeError, "y: ", lambda: ff.Problem(X, np.array(Y) * 1j)),
    (TypeError, "y: ", lambda: ff.Problem(X, [[1], [2, 3], (), {}])),
    (ValueError, "positive_class", lambda: ff.Problem(X, Y, positive_class="c")),
    (ValueError, "^leak = 1.5", lambda: ff.Problem(X, Y, leak=1.5)),
    (ValueError, "^leak", lambda: ff.Problem(X, Y, leak=np.nan)),
    (ValueError, "^width", lambda: ff.Problem(X, Y, width=0)),
    (ValueError, "width", lambda: ff.Problem(X, Y, width=2.5)),
    (ValueError, "^positive = 9", lambda: ff.Problem(X, Y, positive=9)),
    (ValueError, "step_size", lambda: ff.Problem(X, Y, step_size=-1.0)),
    (ValueError, "step_size", lambda: ff.Problem(X, Y, step_size="fast")),
    (ValueError, "reduction", lambda: ff.Problem(X, Y, reduction="max")),
    (TypeError, "leak", lambda: ff.Problem(X, Y, leak=1j)),
    (ValueError, "^n = 0", lambda: ff.mixture(n=0)),
    (ValueError, "^dof has no effect", lambda: ff.mixture(dof=5.0)),
    (ValueError, "noise", lambda: ff.mixture(noise="none")),
    (ValueError, "spectrum", lambda: ff.mixture(spectrum="flat")),
    (ValueError, "^steps = -1", lambda: ff.Problem(X, Y).run(steps=-1)),
    (ValueError, "^steps = 0.5", lambda: ff.Problem(X, Y).run(steps=0.5)),
    (ValueError, "engine", lambda: ff.Problem(X, Y).run(engine="fast")),
    (ValueError, "precision", lambda: ff.Problem(X, Y).run(precision="f32", engine="gram")),
    (ValueError, "sliding_tolerance has no effect", lambda: ff.Problem(X, Y).run(warp=False, sliding_tolerance=0.1)),
    (ValueError, "init is 3 x 9, expected width x d = 8 x 9", lambda: ff.Problem(X, Y).run(init=np.ones((3, 9)))),
    (ValueError, "init: expected finite", lambda: ff.Problem(X, Y).run(init=np.full((8, 9), np.nan))),
    (ValueError, "init_scale has no effect", lambda: ff.Problem(X, Y).run(init=np.ones((8, 9)), init_scale=1.0)),
    (ValueError, "on_interrupt", lambda: ff.Problem(X, Y).run(on_interrupt="stop")),
    (ValueError, "pattern is 4 x 7", lambda: ff.Problem(X, Y).limit(pattern=np.ones((4, 7)))),
    (ValueError, "W is 9 x 8", lambda: ff.certificate(ff.Problem(X, Y), np.ones((9, 8)))),
    (ValueError, "threads", lambda: ff.sweep("seeds = 1\n", threads=0)),
    (ValueError, "lek", lambda: ff.Config({"network": {"lek": 0.1}})),
    (FileNotFoundError, "nowhere.toml", lambda: ff.Config.from_toml("nowhere.toml")),
]


@pytest.mark.parametrize(("kind", "words", "call"), WRONG, ids=[words for _, words, _ in WRONG])
def test_wrong_inputs(kind, words, call):
    with pytest.raises(kind, match=words) as raised:
        call()
    assert "\n" not in str(raised.value)
