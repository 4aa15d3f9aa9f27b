"""How soon a call returns after Ctrl-C (SIGINT), phase by phase, and with what.

    python python/benches/interrupt.py

Each phase is a process of its own, which says when the call begins; the signal comes so many seconds later, and the time to the
end of the call is the child's. Needs 4 GB of memory and a minute; a processor that does nothing else is better.
"""

import signal
import subprocess
import sys
import time

SAMPLES = "X = numpy.random.default_rng(0).standard_normal(({n}, {d})); y = numpy.where(X[:, 0] > 0, 1, -1)"

# name, what goes before, the call, seconds until the signal
PHASES = [
    ("packing, 1 GB", SAMPLES.format(n=100, d=1_342_177), "ff.Problem(X, y)", 0.1),
    ("drawing", "", "ff.mixture(n=300, d=1_000_000)", 0.5),
    ("K, n = 8000", SAMPLES.format(n=8000, d=10_000), "ff.Problem(X, y)", 2.0),
    ("the dual, n = 8000", "p = ff.mixture(n=8000, d=9000, signal=100)", "p.limit()", 1.0),
    ("max_margin, n = 8000", SAMPLES.format(n=8000, d=9000), "ff.max_margin(X, y)", 8.0),
    ("plain steps", "p = ff.mixture(n=500, d=5000)", "p.run(steps=1e9, warp=False)", 1.0),
    ("warp", "p = ff.mixture(n=1500, d=3000)", "p.run(steps=1e300)", 2.0),
    ("averages", "p = ff.mixture(n=300, d=2000, signal=6, label_noise=0.1)", "p.run(steps=1e15)", 6.0),
    ("sampling", "p = ff.mixture(n=12, d=200_000, noise='student-t')", "p.run(steps=100, test_points=10**9)", 1.5),
    ("a sweep", "", "ff.sweep({'seeds': 10000, 'base': {'data': {'n': 100, 'd': 4000}}, 'grid': {'data.signal': [1, 4]}})", 1.0),
]

CHILD = """
import time, warnings
import numpy
import farfield as ff
warnings.simplefilter("ignore")
{before}
print("begun", flush=True)
try:
    found = {call}
    print("returned", getattr(found, "status", type(found).__name__), getattr(found, "steps", ""))
except KeyboardInterrupt as error:
    print(type(error).__name__)
"""


def main():
    print("| phase | seconds | what came back |\n|---|---|---|")
    for name, before, call, wait in PHASES:
        code = CHILD.format(before=before, call=call)
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        child.stdout.readline()
        time.sleep(wait)
        begun = time.monotonic()
        child.send_signal(signal.SIGINT)
        said = child.stdout.readline().strip()
        print(f"| {name} | {time.monotonic() - begun:.2f} | {said or 'nothing'} |", flush=True)
        child.kill()


main()
