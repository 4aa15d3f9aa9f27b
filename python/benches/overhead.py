"""What a run from Python costs beside the command line: the same configuration in turns, medians of some rounds.

    python python/benches/overhead.py [PROGRAM] [ROUNDS]

Both draw the samples of the mixture, follow gradient descent and look at the end. The process is started anew for the
command line, and its start (`--version`) is shown beside it; Python is there already, as in a notebook.
"""

import statistics
import subprocess
import sys
import tempfile
import time

import farfield as ff

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "target/release/farfield"
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 9
CASES = {
    "1e6 steps, n = 100, d = 10^4": dict(n=100, d=10_000, steps=1e6, warp=True),
    "the same, each one stepped": dict(n=100, d=10_000, steps=1e6, warp=False),
}


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def command(case, folder):
    settings = [f"data.n={case['n']}", f"data.d={case['d']}", f"descent.steps={case['steps']}"]
    settings.append(f"descent.warp={str(case['warp']).lower()}")
    arguments = [part for setting in settings for part in ("-s", setting)]
    subprocess.run([PROGRAM, "run", "--overwrite", "-o", folder, *arguments], check=True, capture_output=True)


def python(case):
    ff.mixture(n=case["n"], d=case["d"]).run(steps=case["steps"], warp=case["warp"])


def main():
    with tempfile.TemporaryDirectory() as folder:
        start = timed(lambda: subprocess.run([PROGRAM, "--version"], capture_output=True))
        print(f"start of the command: {start:.3f} s")
        for name, case in CASES.items():
            rounds = [(timed(lambda: command(case, folder)), timed(lambda: python(case))) for _ in range(ROUNDS)]
            theirs, ours = (statistics.median(times) for times in zip(*rounds))
            ratio = statistics.median(b / a for a, b in rounds)
            print(f"{name}: command {theirs:.3f} s, Python {ours:.3f} s, ratio {ratio:.3f}")


main()
