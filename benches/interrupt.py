#!/usr/bin/env python3
"""How soon the program ends after Ctrl-C, phase by phase, and what it leaves.

    python3 benches/interrupt.py [PROGRAM]

A phase that takes a second says so on stderr; half a second after that the signal is sent. Writes a table of exit codes,
seconds and files. Needs 3 GB of memory, 1 GB on the disk and a few minutes. A processor that does nothing else is better.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "target/release/farfield"

# name, words on stderr, command, settings
PHASES = [
    ("reading 1 GB of CSV", "reading", "run", "data.source=big.csv data.labels=-1"),
    ("drawing, d = 10⁶", "drawing", "run", "data.n=150 data.d=1000000"),
    ("K, n = 8000", "K = ", "run", "data.n=8000 data.d=10000"),
    ("dual of a limit, n = 8000", "dual", "limit", "data.n=8000 data.d=10000 data.signal=100"),
    ("dual within a run, n = 8000", "the dual", "run", "data.n=8000 data.d=10000 data.signal=100"),
    ("conditions, n = 8000", "dual", "check", "data.n=8000 data.d=10000 data.signal=100"),
    ("sampling, d = 200 000", "sampling", "run", "data.n=12 data.d=200000 data.noise=student-t output.test_points=1e9"),
    ("sampling of a limit", "sampling", "limit", "data.n=12 data.d=200000 data.noise=student-t output.test_points=1e9"),
    ("plain steps", "t = ", "run", "data.n=500 data.d=5000 descent.warp=false descent.steps=1e9"),
    ("sliding", "t = ", "run", "data.n=500 data.d=2000 data.signal=6 data.label_noise=0.1 descent.steps=1e12"),
]


def big(path):
    """About 1 GB: 100 numbers and a label a row."""
    rows = "".join(",".join(f"{(31 * i + 17 * k) % 1000 / 999 - 0.5:.6f}" for k in range(100)) + f",{i % 2}\n" for i in range(2000))
    with open(path, "w") as out:
        for _ in range(1_000_000_000 // len(rows)):
            out.write(rows)


def measure(words, command, settings, folder):
    keys = [part for key in settings.split() for part in ("-s", key)]
    output = [] if command == "check" else ["-o", folder]
    process = subprocess.Popen([os.path.abspath(PROGRAM), command, *output, *keys], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = b""
    while words.encode() not in said:
        byte = process.stderr.read(1)
        if not byte:
            return process.wait(), None
        said += byte
    time.sleep(0.5)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    code = process.wait()
    return code, time.monotonic() - begun


def main():
    global PROGRAM
    PROGRAM = os.path.abspath(PROGRAM)
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        big("big.csv")
        print("| phase | command | exit | seconds | files |\n|---|---|---|---|---|")
        for name, words, command, settings in PHASES:
            folder = os.path.join(place, "out", name.replace(" ", "-"))
            code, seconds = measure(words, command, settings, folder)
            files = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
            late = "over before" if seconds is None else f"{seconds:.2f}"
            print(f"| {name} | {command} | {code} | {late} | {', '.join(files) or 'none'} |", flush=True)


main()
