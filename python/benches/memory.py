"""Peak memory of a problem from an array, beyond the array itself, in units of it; each line in a process of its own.

python python/benches/memory.py [GiB]
"""

import subprocess
import sys

CALLS = {
    "Problem(X, y)": "",
    "… .run(steps=1e6), on K": "p.run(steps=1e6)",
    "… .limit()": "p.limit()",
    '… .run(steps=100, precision="mixed"), on X': 'p.run(steps=100, precision="mixed", engine="direct", warp=False)',
    '… .run(steps=100, precision="f32"), on X': 'p.run(steps=100, precision="f32", warp=False)',
    '… .run(steps=100, engine="direct"), on X': 'p.run(steps=100, engine="direct", warp=False)',
}

ONE = """
import resource, sys
import numpy as np, farfield as ff
peak = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
bytes, dtype, call = float(sys.argv[1]), np.dtype(sys.argv[2]), sys.argv[3]
X = np.random.default_rng(0).random((100, int(bytes / dtype.itemsize / 100)), dtype=dtype)
X -= dtype.type(0.5)
y = np.where(X[:, 0] > 0, 1, -1)
ff.mixture(n=10, d=10).run(steps=10)
before = peak()
p = ff.Problem(X, y)
exec(call)
print((peak() - before) / X.nbytes)
"""


def main() -> None:
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(f"| of an array of {size:g} GiB, 100 rows | float32 | float64 |\n|---|---|---|")
    for name, call in CALLS.items():
        found = []
        for dtype in ("float32", "float64"):
            command = [sys.executable, "-c", ONE, str(size * 2**30), dtype, call]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(f"{float(done.stdout):.2f}")
        print(f"| `{name}` | {' | '.join(found)} |", flush=True)


main()
