"""What the tests share: the command line's program, and small problems."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def program():
    """The command line: FARFIELD_BIN, or what cargo builds."""
    given = os.environ.get("FARFIELD_BIN")
    if given:
        return given
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "farfield"
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    return str(built)


@pytest.fixture
def command(program, tmp_path):
    """Runs a command with settings; its JSON and its folder."""

    def run(name, settings=(), file=None, folder="command"):
        out = tmp_path / folder
        arguments = [program, name, *([str(file)] if file else []), "--json", "-o", str(out)]
        for setting in settings:
            arguments += ["-s", setting]
        done = subprocess.run(arguments, capture_output=True, text=True)
        assert done.stdout, done.stderr
        return json.loads(done.stdout), out

    return run


@pytest.fixture
def data():
    """12 samples of 40 features with ±1 labels, separable since n < d."""
    random = np.random.default_rng(7)
    y = np.where(np.arange(12) % 3 == 0, -1.0, 1.0)
    X = random.standard_normal((12, 40))
    X[:, 0] += 2.0 * y
    return X, y
