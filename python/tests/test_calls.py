"""Calls release the interpreter, listen to Ctrl-C, and depend on nothing else in the process."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest

import farfield as ff

ENDLESS = {"steps": 1e15, "warp": False, "max_seconds": 600.0}


@pytest.fixture
def ctrl_c():
    """SIGINT after so many seconds, also where the tests were started with it ignored, as jobs in the background are."""
    timers, before = [], signal.signal(signal.SIGINT, signal.default_int_handler)

    def after(seconds):
        timers.append(threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)))
        timers[-1].start()

    yield after
    for timer in timers:
        timer.cancel()
        timer.join()
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("engine", ["direct", "gram"])
def test_an_interrupted_run_keeps_what_is_there(ctrl_c, engine):
    p = ff.mixture(n=40, d=400)
    ctrl_c(0.5)
    with pytest.warns(RuntimeWarning, match="interrupted at t ="):
        run = p.run(engine=engine, **ENDLESS)
    assert run.status == "interrupted" and 0 < run.steps < 1e15
    assert run.trace.rows > 3 and run.trace.t[-1] == run.steps and len(run.margins) == 40
    assert p.run(steps=100, engine=engine).status == "horizon"


def test_an_interrupted_run_may_raise(ctrl_c):
    p = ff.mixture(n=40, d=400)
    ctrl_c(0.5)
    with pytest.raises(KeyboardInterrupt) as raised:
        p.run(on_interrupt="raise", **ENDLESS)
    assert isinstance(raised.value, ff.Interrupted) and raised.value.result.trace.rows > 3


@pytest.mark.parametrize("engine", ["direct", "gram"])
def test_an_interrupted_run_goes_on(ctrl_c, engine):
    p = ff.mixture(n=40, d=400)
    ctrl_c(0.5)
    with pytest.warns(RuntimeWarning, match="interrupted at t ="):
        run = p.run(engine=engine, steps=1e15, warp=False)
    steps = 10.0 ** np.ceil(np.log10(run.steps))
    assert run.resume(steps=steps).digest == p.run(engine=engine, steps=steps, warp=False).digest
    run = p.run(engine=engine, steps=1e15, warp=False, max_seconds=0.1)
    steps = 10.0 ** np.ceil(np.log10(run.steps))
    again = run.resume(steps=steps, max_seconds=0)
    assert again.status == "horizon" and again.digest == p.run(engine=engine, steps=steps, warp=False).digest


def drawing():
    return lambda: ff.mixture(n=100_000, d=3_000)


def products():
    X = np.random.default_rng(0).standard_normal((4_000, 20_000), dtype=np.float32)
    y = np.where(X[:, 0] > 0, 1, -1)
    return lambda: ff.Problem(X, y)


def dual():
    return ff.mixture(n=2_000, d=2_000, signal=1.0).limit


def sampling():
    p = ff.mixture(n=50, d=500, noise="uniform")
    return lambda: p.limit(test_points=10**12)


def sweeping():
    return lambda: ff.sweep({"seeds": 10**6, "base": {"data": {"n": 50, "d": 500}}})


@pytest.mark.parametrize("prepare", [drawing, products, dual, sampling, sweeping])
def test_other_calls_are_interrupted(ctrl_c, prepare):
    call = prepare()
    ctrl_c(0.3)
    with pytest.raises(KeyboardInterrupt):
        call()


def test_an_exception_of_a_progress_function_ends_the_call():
    told = []

    def progress(text, share):
        told.append((text, share))
        if len(told) == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        ff.mixture(n=40, d=400).run(progress=progress, **ENDLESS)
    assert told[0][0].startswith("t = ") and 0 <= told[0][1] <= 1


def test_progress_is_shown(capfd):
    ff.mixture(n=40, d=400).run(steps=1e15, warp=False, max_seconds=0.5, progress=True)
    assert "t = " in capfd.readouterr().err
    ff.mixture(n=40, d=400).run(steps=1e4)
    plan = {"seeds": 200, "base": {"data": {"n": 40, "d": 400}}}
    ff.sweep(plan)
    assert capfd.readouterr() == ("", "")
    ff.sweep(plan, progress=True)
    assert "of 200 done" in capfd.readouterr().err


def test_progress_of_a_sweep_is_told():
    told = []
    ff.sweep({"seeds": 200, "base": {"data": {"n": 40, "d": 400}}}, progress=lambda *how: told.append(how))
    shares = [share for _, share in told]
    assert shares == sorted(shares) and 0 <= shares[0] and shares[-1] <= 1
    assert all(text.startswith("problems: ") and " of 200 done" in text for text, _ in told)


def test_progress_is_written_over_on_a_terminal():
    import pty

    ours, theirs = pty.openpty()
    text = "import farfield as ff; ff.mixture(n=40, d=400).run(steps=1e15, warp=False, max_seconds=1.0, progress=True)"
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run([sys.executable, "-c", text], stderr=theirs, check=True)
        os.close(theirs)
        shown = b""
        try:
            while part := terminal.read(4096):
                shown += part
        except OSError:  # how Linux says that the other end is closed
            pass
    lines = shown.decode().split("\r")
    assert len(lines) > 3 and "█" in lines[1] and "\n" not in shown.decode() and lines[-1] == ""


def at_once(*calls):
    found = [None] * len(calls)

    def work(k):
        found[k] = calls[k]()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_two_problems_at_once():
    calls = [
        lambda: ff.mixture(n=60, d=2000, seed=1).run(steps=3000, engine="direct", warp=False).digest,
        lambda: ff.mixture(n=50, d=900, seed=2, label_noise=0.1).run(steps=1e8).digest,
    ]
    assert at_once(*calls) == [call() for call in calls]


def test_one_problem_in_many_threads():
    p = ff.mixture(n=40, d=800)
    run = p.run(steps=1000)
    calls = [lambda seed=seed: p.run(steps=1000, seed=seed).digest for seed in range(4)]
    calls += [lambda: p.limit().max_margin, lambda: p.check().table.rows, lambda: run.weights().sum()] * 2
    assert at_once(*calls) == [call() for call in calls]


def test_other_threads_go_on_meanwhile():
    counted, running = [0], threading.Event()

    def count():
        while not running.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    ff.mixture(n=40, d=400).run(steps=1e15, warp=False, max_seconds=0.3)
    running.set()
    thread.join()
    assert counted[0] > 1000


FORKED = """
    import os, farfield as ff
    p = ff.mixture(n=20, d=200)
    digest = p.run(steps=1e4).digest
    child = os.fork()
    if child == 0:
        os._exit(0 if p.run(steps=1e4).digest == digest else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

FLUSHED = """
    import ctypes, sys
    import numpy as np
    libm = ctypes.CDLL("libm.so.6")
    environment = ctypes.create_string_buffer(32)  # fenv_t of glibc: 28 bytes of the x87, then MXCSR
    word = lambda: int.from_bytes(environment.raw[28:32], "little")
    X = np.full((2, 3), 2.0**-140, dtype=np.float32)  # subnormal
    X[:, 0] = 1, -1
    assert libm.fegetenv(environment) == 0
    if sys.argv[1] == "flush":
        flushing = word() | 0x8040  # FTZ and DAZ
        environment[28:32] = flushing.to_bytes(4, "little")
        assert libm.fesetenv(environment) == 0
        assert (np.full(8, 2.0**-1060) * np.full(8, 1.0) == 0).all(), "subnormal numbers are flushed here"
    before = word()
    import farfield as ff
    # a text: to print a subnormal number takes Python one
    text = "data = { n = 30, d = 300 }\\nnetwork.init_scale = 8.1e-320\\n"
    p = ff.Config.from_toml(text).problem()
    print(p.run(steps=100).digest)
    print(p.run(steps=100, engine="direct", warp=False).digest)
    print(ff.Problem(X, [1, -1]).data_digest)
    assert libm.fegetenv(environment) == 0
    assert word() & 0xFFC0 == before & 0xFFC0, "the caller's environment is as it was"
"""


MEMORY = """
    import resource
    import numpy as np, farfield as ff
    peak = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    X = np.random.default_rng(0).random((50, 400_000)) - 0.5
    ff.mixture(n=10, d=10)
    before = peak()
    ff.Problem(X, np.where(X[:, 0] > 0, 1, -1))
    assert peak() - before < 1.3 * X.nbytes, (peak() - before, X.nbytes)
"""


SINGLE = """
    import resource
    import numpy as np, farfield as ff
    peak = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    X = np.random.default_rng(0).random((50, 800_000), dtype=np.float32) - np.float32(0.5)
    ff.mixture(n=10, d=10).run(steps=10)
    before = peak()
    p = ff.Problem(X, np.where(X[:, 0] > 0, 1, -1), width=2)
    assert peak() - before < 1.3 * X.nbytes, (peak() - before, X.nbytes)
    p.run(steps=1e6)
    # a copy in double precision would be 2 more
    assert peak() - before < 2.0 * X.nbytes, (peak() - before, X.nbytes)
"""


def script(text, *arguments, **environment):
    command = [sys.executable, "-X", "dev", "-c", textwrap.dedent(text), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_computes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script(FORKED)


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.uname().machine != "x86_64", reason="needs MXCSR")
def test_subnormal_numbers_are_kept_whatever_else_is_loaded():
    assert script(FLUSHED, "flush") == script(FLUSHED, "keep")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count in other units")
def test_an_array_is_copied_once():
    script(MEMORY)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count in other units")
def test_an_array_in_single_precision_is_not_widened():
    script(SINGLE)


def test_the_number_of_threads_changes_nothing():
    text = "import farfield as ff; print(ff.mixture(n=60, d=3000).run(steps=1e5).digest)"
    assert script(text, RAYON_NUM_THREADS="1") == script(text, RAYON_NUM_THREADS="3")


ARROW = """
    import gc, sys
    import numpy as np, farfield as ff
    from farfield import _arrow
    capsule = ff.mixture(n=20, d=200).run(steps=1e4).trace.__arrow_c_stream__()
    assert type(capsule).__name__ == "PyCapsule" and _arrow._kept
    del capsule
    gc.collect()
    assert not _arrow._kept, "what nobody has read goes with its capsule"
    assert not {"polars", "pyarrow", "pandas"} & set(sys.modules)
"""


def test_a_stream_of_arrow_needs_no_package():
    script(ARROW)


class Streamed:
    """A table that has no other way to be read."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def test_tables_go_to_arrow():
    import polars as pl

    from farfield import _arrow

    trace = ff.mixture(n=20, d=200).run(steps=1e4).trace
    swept = ff.sweep({"seeds": 2, "base": {"data": {"n": 10, "d": 100}}, "grid": {"data.signal": [1, 2]}})
    odd = ff.Table({"o": np.array([True, None, False], dtype=object), "s": np.array(["ü", "", "a"]), "k": [1, 2, 3]})
    for table in (trace, swept, swept.summary, ff.mixture(n=10, d=50).check().table, odd, ff.Table({"x": np.empty(0)})):
        read = pl.from_arrow(Streamed(table))
        frame = read.struct.unnest() if isinstance(read, pl.Series) else read
        assert frame.columns == table.columns and frame.height == table.rows
        for name, column in table.items():
            assert all(a == b or a != a and b != b for a, b in zip(frame[name].to_list(), column.tolist())), name
    del read, frame
    import gc

    gc.collect()
    assert not _arrow._kept, "all that was lent has come back"


def test_results_are_shown():
    run = ff.mixture(n=30, d=300).run(steps=1e6)
    assert repr(run).splitlines()[0].startswith("   problem  n = 30")
    assert "files" not in repr(run) and "certified ≤" in repr(run)
    assert "<svg" in run._repr_html_() and "<table" in run.trace._repr_html_()
    assert run.trace.to_pandas().shape == (run.trace.rows, len(run.trace.columns))
    assert run.trace.to_polars().shape == (run.trace.rows, len(run.trace.columns))
    assert list(run.trace) == run.trace.columns and "cosine_gap" in dir(run.trace) and "digest" in dir(run)
    assert np.isnan(run.trace.cosine_gap[0]) and run.trace.segment[-1] == "warp"
    with pytest.raises(AttributeError, match="no_such"):
        run.no_such
