#!/usr/bin/env python3
"""Both verifiers on folders of every kind, and verify.py on forged ones:   check.py FARFIELD [--large]

A forged folder has numbers and arrays that fit each other, and no digests are asked: only the mathematics can find it."""
import contextlib, io, json, math, pathlib, shutil, subprocess, sys, tempfile, time
import numpy as np
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import verify

PROGRAM = sys.argv[1]
SMALL = ["data.n=30", "data.d=300"]
SLIDES = ["data.n=40", "data.d=500", "data.signal=6", "data.label_noise=0.15", "network.init_scale=1e-4", "descent.steps=1e9"]


def made(place, command, settings, code=0):
    words = [word for setting in settings for word in ("-s", setting)]
    done = subprocess.run([PROGRAM, command, "-o", place, *words], capture_output=True)
    assert done.returncode == code, (place, done.stderr.decode())
    return pathlib.Path(place)


def python(place, samples):
    """Whether verify.py verifies everything that it checks; its lines."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        failed = verify.main(str(place), str(samples))
    return failed == 0, out.getvalue()


def both(place, asked=()):
    samples = place / "samples.npy"
    begun = time.time()
    done = subprocess.run([PROGRAM, "verify", place, "--data", samples], capture_output=True, text=True)
    middle = time.time()
    assert done.returncode == 0, (place, done.stdout, done.stderr)
    held, lines = python(place, samples)
    assert held and " verified" in lines and lines.count("not checked") == 1, (place, lines)  # the digest of the data
    assert all(f"{kind}  verified" in lines for kind in asked), (place, lines)
    print(f"{place.name:>12}  verified by both: {middle - begun:.2f} s and {time.time() - middle:.1f} s")
    return samples


def forged(place, samples, name, kind, change):
    """Changes numbers and arrays consistently, and expects that the claim of this kind is refused."""
    copy = place.with_name(f"{place.name}-{name}")
    shutil.copytree(place, copy, dirs_exist_ok=True)
    result, certificate = (json.loads((copy / file).read_text()) for file in ("result.json", "certificate.json"))
    numbers = {claim["kind"]: claim["numbers"] for claim in certificate["claims"]}
    certificate = change(copy, result, numbers) or certificate
    for file, content in (("result.json", result), ("certificate.json", certificate)):
        (copy / file).write_text(json.dumps(content))
    held, lines = python(copy, samples)
    assert not held and any(kind in line and "not verified" in line for line in lines.splitlines()), (name, lines)
    print(f"{'forged':>12}  {name}: refused by {kind}")


def closer(folder, result, numbers):
    """A certificate that is one part in a hundred too good."""
    result["certified_cosine_gap"] *= 0.99
    numbers["distance"]["certified_cosine_gap"] = result["certified_cosine_gap"]


def longer(folder, result, numbers):
    """Margins a thousandth too large, with all that follows from them."""
    margins = np.load(folder / "margins.npy") * 1.001
    np.save(folder / "margins.npy", margins)
    result["min_margin"] = numbers["margins"]["min_margin"] = margins.min()
    result["normalized_margin"] = numbers["margins"]["normalized_margin"] = margins.min() / result["weight_norm"]


def wider(folder, result, numbers):
    """A limit of a larger margin: lambda smaller, and the interval where that would put it."""
    dual, rest = np.load(folder / "dual.npy"), np.load(folder / "remainders.npy")
    np.save(folder / "dual.npy", dual * 0.9801)
    rest[:, 0] *= 0.9801
    np.save(folder / "remainders.npy", rest)
    result["max_margin"] /= 0.99
    result["margin_interval"] = [v / 0.99 for v in result["margin_interval"]]
    low, high = result["margin_interval"]
    numbers["margin"].update({"max_margin": result["max_margin"], "margin_interval.low": low, "margin_interval.high": high})


def settled(folder, result, numbers):
    """Slopes as if one neuron were on the other side of one sample."""
    bits = np.load(folder / "pattern.npy")
    bits[0, 0] ^= 1
    np.save(folder / "pattern.npy", bits)


def sooner(folder, result, numbers):
    """A pattern called final while pre-activations may still come to 0."""
    certificate = json.loads((folder / "certificate.json").read_text())
    certificate["claims"].append({"kind": "final", "numbers": {"pattern.final_until": "inf"}, "choices": {}, "files": {"dual.npy": ""}})
    return certificate


def fewer(folder, result, numbers):
    """An error less than the limit makes, with the interval of so many."""
    held, claimed = result["held_out"], numbers["held_out"]
    errors, samples = held["limit"]["errors"] - 1, held["samples"]
    tail = lambda k, p: sum(math.comb(samples, i) * p**i * (1 - p) ** (samples - i) for i in range(k))

    def end(k, target):
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(k, middle) > target else (low, middle)
        return low

    held["limit"] = dict(errors=errors, error=errors / samples, low=end(errors, 0.975), high=end(errors + 1, 0.025))
    claimed.update({f"held_out.limit.{name}": value for name, value in held["limit"].items()})


def better(folder, result, numbers):
    """A plane that is right more often than on one half of an xor."""
    for name, value in ("limit", 0.49), ("log10_limit", math.log10(0.49)):
        result["test_error"][name] = numbers["test_error"][f"test_error.{name}"] = value


def main():
    verify.blake3 = None  # no digests
    with tempfile.TemporaryDirectory() as place:
        at = lambda name: str(pathlib.Path(place) / name)
        plain = made(at("plain"), "run", SMALL)
        samples = both(plain)
        both(made(at("far"), "run", SMALL + ["descent.steps=1e300"]), ["correlated"])
        lasts = SMALL + ["data.signal=4", "data.n=15", "network.leak=0.7"]
        both(made(at("lasts"), "run", lasts + ["descent.steps=1e4"]), ["final"])
        for leak in (0, 1):
            ends = [f"network.leak={leak}", *SMALL]
            both(made(at(f"leak {leak}"), "run", ends + ["descent.steps=1e12"]), ["linear" if leak else "kkt"])
            both(made(at(f"noise {leak}"), "run", ends + ["data.signal=6", "data.label_noise=0.2", "descent.steps=3e4"], 0 if leak else 5))
            both(made(at(f"limit {leak}"), "limit", ends))
        early = made(at("early"), "run", lasts + ["descent.steps=2"])
        both(early)
        both(made(at("slides"), "run", SLIDES))
        both(made(at("noise"), "run", SLIDES[:5] + ["descent.steps=3e4"]))
        both(made(at("mixed"), "run", SMALL + ["descent.engine=direct", "descent.precision=mixed", "descent.steps=3000"]))
        both(made(at("limit"), "limit", SLIDES[:4]))
        xor = made(at("xor"), "limit", SMALL + ["data.clusters=xor", "data.signal=4"])
        both(xor, ["test_error"])
        random = np.random.default_rng(1)
        rows = np.column_stack([random.standard_normal((40, 3)), random.integers(0, 2, 40)])
        np.savetxt(at("data.csv"), rows, delimiter=",", header="a,b,c,label", comments="")
        both(made(at("cancels"), "run", [f"data.source={at('data.csv')}", "data.labels=label"], 5))
        rows = random.standard_normal((60, 40)) + np.where(np.arange(60) % 2, 0.7, -0.7)[:, None] * (np.arange(40) < 4)
        np.savetxt(at("apart.csv"), np.column_stack([rows, np.arange(60) % 2]), delimiter=",")
        held = made(at("held"), "run", [f"data.source={at('apart.csv')}", "data.labels=-1", "data.holdout=0.5", "network.leak=0.7"])
        assert json.loads((held / "result.json").read_text())["held_out"]["limit"]["errors"] > 1
        both(held, ["held_out"])
        forged(plain, samples, "closer", "distance", closer)
        forged(plain, samples, "longer", "margins", longer)
        forged(plain, samples, "wider", "margin", wider)
        forged(plain, samples, "settled", "margins", settled)
        forged(held, held / "samples.npy", "fewer", "held_out", fewer)
        forged(xor, xor / "samples.npy", "better", "test_error", better)
        forged(early, early / "samples.npy", "sooner", "final", sooner)
        if "--large" in sys.argv:
            both(made(at("large"), "run", ["data.n=200"]))


main()
