#!/usr/bin/env python3
"""verify.py against a library that proves what is false:   patched.py

Three mistakes, one at a time, are built into a copy of the sources (target/patched; each build takes a minute or two). What the
program then claims of its own folders, with digests that fit, verify.py must refuse, and of the program as it is, accept."""
import contextlib, io, os, pathlib, shutil, subprocess, sys
import verify

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACE = ROOT / "target" / "patched"

MISTAKES = [
    # the angle between W and the limit is at most the sum of two, not their maximum
    ("distance", 0, "src/certificate.rs", {
        "(chord.angle(ku) + libm::asin(sine_squared.sqrt()))": "chord.angle(ku).max(libm::asin(sine_squared.sqrt()))"}),
    # both bounds of the margin too high by a part in 10^12
    ("margin", 0, "src/limit/decide.rs", {
        "Bracket { low, high: upper(features, rows, weights, Some(w)) }":
        "Bracket { low: low.scaled(1.0 + 1e-12), high: upper(features, rows, weights, Some(w)).scaled(1.0 + 1e-12) }"}),
    # samples, and their features, may be moved by a millionth of their lengths, not by a rounding
    ("inseparable", 5, "src/limit/decide.rs", {
        "const ROUNDED: f64 = f64::EPSILON;": "const ROUNDED: f64 = 1e-6;", "(moved <= PROOF)": "(moved <= 1e-6)"}),
]

# two samples that a margin of 1e-8 separates
TWINS = "a,b,y\n1,0,1\n1,1e-8,0\n"


def built(tree):
    """The program of a tree of sources."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(PLACE / "build")}
    subprocess.run(["cargo", "build", "--quiet", "--locked", "-p", "farfield-cli"], cwd=tree, env=environment, check=True)
    return PLACE / "build" / "debug" / "farfield"


def folder(program, kind, code, place):
    """The folder that a program leaves, and its samples."""
    (PLACE / "twins.csv").write_text(TWINS)
    mixture = ["run", "-s", "data.n=30", "-s", "data.d=300"]
    twins = ["limit", "-s", f"data.source={PLACE / 'twins.csv'}", "-s", "data.labels=y"]
    shutil.rmtree(place, ignore_errors=True)
    command = [program, *(twins if kind == "inseparable" else mixture), "-o", place]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, (kind, done.returncode, done.stderr)
    subprocess.run([program, "verify", place, "--data", PLACE / "samples.npy"], capture_output=True)
    return place, PLACE / "samples.npy"


def lines(place, samples):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        verify.main(str(place), str(samples))
    return out.getvalue().splitlines()


def main():
    tree = PLACE / "sources"
    shutil.rmtree(tree, ignore_errors=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    program = built(tree)
    for kind in ("distance", "inseparable"):
        found = lines(*folder(program, kind, 0, PLACE / "honest"))
        assert not any("not verified" in line for line in found), found
    for kind, code, file, changes in MISTAKES:
        source = changed = (tree / file).read_text()
        for right, wrong in changes.items():
            assert source.count(right) == 1, f"{file} has changed: {right}"
            changed = changed.replace(right, wrong)
        (tree / file).write_text(changed)
        found = lines(*folder(built(tree), kind, code, PLACE / kind))
        refused = [line for line in found if line.split()[0] == kind and "not verified" in line]
        assert refused, (kind, found)
        print(f"{file}: {wrong}\n   {refused[0].strip()}", flush=True)
        (tree / file).write_text(source)


if __name__ == "__main__":
    sys.exit(main())
