#!/usr/bin/env python3
"""farfield against other tools on the same steps; prints a Markdown table. See README.md."""
import argparse, importlib.metadata, json, math, os, platform, statistics, subprocess, sys, tempfile

SHAPES = {"A": (100, 10_000, 10), "B": (200, 40_000, 16), "C": (1000, 1000, 64), "D": (64, 200_000, 4),
          "E": (2000, 20_000, 2), "F": (500, 5000, 256), "T": (1_000_000, 50, 8), "U": (100_000, 300, 32)}
TOOLS = ["numpy_opt", "numpy_blocked", "scipy", "torch_opt", "torch_autograd", "torch_compile", "jax", "jax_grad",
         "jax_step", "numba_opt"]
HERE = os.path.dirname(os.path.abspath(__file__))

ap = argparse.ArgumentParser(description=__doc__)
ap.add_argument("--farfield", default=os.path.join(HERE, "../../target/release/farfield"))
ap.add_argument("--shapes", nargs="+", default=list("ABCDEF"), choices=SHAPES)
ap.add_argument("--dtypes", nargs="+", default=["f64", "f32"])
ap.add_argument("--threads", nargs="+", type=int, default=[1, 2])
ap.add_argument("--tools", nargs="+", default=TOOLS)
ap.add_argument("--rounds", type=int, default=3, help="interleaved rounds; medians are reported")
args = ap.parse_args()


def run(command, threads):
    """Runs a command on the first cores and returns its JSON, or None with a note on stderr."""
    pin = lambda: os.sched_setaffinity(0, set(range(threads)))
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=pin)
    if done.returncode:
        print(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1] if "peers.py" in command[1] else done.stdout)


def peer(tool, shape, dtype, threads):
    n, d, m = shape
    sizes = ["--n", str(n), "--d", str(d), "--m", str(m), "--dtype", dtype, "--threads", str(threads)]
    return run([sys.executable, os.path.join(HERE, "peers.py"), "--tool", tool, *sizes, "--repeats", "3"], threads)


def farfield(shape, dtype, threads):
    n, d, m = shape
    sizes = ["--n", str(n), "--d", str(d), "--width", str(m), "--dtype", dtype, "--threads", str(threads)]
    return run([args.farfield, "bench", *sizes, "--untied", "--json"], threads)


def loss20(shape):
    """farfield's mean loss after 20 steps of the peers' problem."""
    n, d, m = shape
    with tempfile.TemporaryDirectory() as folder:
        export = [sys.executable, os.path.join(HERE, "peers.py"), "--export", folder]
        subprocess.run(export + ["--n", str(n), "--d", str(d), "--m", str(m)], check=True)
        at = lambda name: os.path.join(folder, name)
        # numpy 2 writes its scalars as np.float64(…)
        step = open(at("alpha.txt")).read().strip().removeprefix("np.float64(").rstrip(")")
        keys = {"data.source": at("X.npy"), "data.labels": at("y.npy"), "network.init": at("W0.npy"),
                "network.width": m, "network.positive": m // 2, "network.leak": 0.1,
                "descent.step_size": step, "descent.reduction": "mean",
                "descent.steps": 20, "descent.engine": "direct", "descent.warp": "false", "descent.tied": "false"}
        command = [args.farfield, "run", "-o", at("out"), "--json"]
        result = run(command + [part for key in keys.items() for part in ("-s", f"{key[0]}={key[1]}")], 1)
        return math.exp(float(result["log_loss"]))


def check(name):
    """All tools agree on the loss after 20 steps."""
    own = loss20(SHAPES[name])
    for tool in args.tools:
        other = peer(tool, SHAPES[name], "f64", 1)
        if other and abs(other["loss20"] / own - 1) > 1e-12:
            sys.exit(f"{name}: {tool} has loss {other['loss20']!r} after 20 steps, farfield {own!r}")


def cell(name, dtype, threads):
    """Median steps per second of farfield, and of the best other tool."""
    rates, report = {}, None
    for _ in range(args.rounds):
        report = farfield(SHAPES[name], dtype, threads) or report
        if report:
            rates.setdefault("farfield", []).append(report["steps_per_s"])
        for tool in args.tools:
            other = peer(tool, SHAPES[name], dtype, threads)
            if other:
                rates.setdefault(tool, []).append(other["steps_per_s"])
    medians = {tool: statistics.median(r) for tool, r in rates.items()}
    own = medians.pop("farfield")
    best = max(medians, key=medians.get)
    return own, best, medians[best], report


def main():
    versions = []
    for package in ("numpy", "scipy", "jax", "torch", "numba"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.processor())
    print(f"{model}, {os.cpu_count()} cores; {', '.join(versions)}\n")
    print("| shape (n, d, m) | dtype | threads | farfield steps/s | % of roof | bound | best other | steps/s | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in args.shapes:
        check(name)
        for dtype in args.dtypes:
            for threads in args.threads:
                own, best, other, report = cell(name, dtype, threads)
                print(f"| {name} {SHAPES[name]} | {dtype} | {threads} | {own:.1f} | {report['percent_of_roof']:.0f} "
                      f"| {report['bound']} | {best} | {other:.1f} | {own / other:.2f} |", flush=True)


main()
