"""What the documentation shows is so: doctests, the programs of the pages, types, the notebook."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import farfield

ROOT = Path(__file__).resolve().parents[2]
FOUND = [module.name for module in pkgutil.iter_modules(farfield.__path__) if module.name != "_farfield"]
MODULES = ["farfield", *(f"farfield.{name}" for name in FOUND)]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_every_public_name_has_a_text():
    for name in farfield.__all__:
        thing = getattr(farfield, name)
        assert thing.__doc__, name
        if isinstance(thing, type) and thing.__module__.startswith("farfield"):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                    assert getattr(value, "__doc__", None), f"{name}.{member}"


PAGES = ["README.md", "docs/python.md", "python/README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_programs_of_the_pages(page, tmp_path, monkeypatch):
    programs = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.S | re.M)
    assert programs
    monkeypatch.chdir(tmp_path)
    import matplotlib

    matplotlib.use("Agg")
    names = {}
    for program in programs:
        exec(compile(program, page, "exec"), names)


def test_the_notebook_runs():
    import nbformat
    from nbclient import NotebookClient

    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
        assert [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] and shown


# What scikit-learn adds to an estimator while it runs is in no stub.
ADDED = "farfield._sklearn.MaxMarginClassifier.set_score_request\n"


def test_types(tmp_path):
    (tmp_path / "allowed").write_text(ADDED)
    stubtest = ["mypy.stubtest", "farfield", "--allowlist", str(tmp_path / "allowed"), "--ignore-unused-allowlist"]
    for arguments in (["mypy", "--strict", "-p", "farfield"], stubtest):
        done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT / "docs", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_types_of_what_is_shown(tmp_path):
    import nbformat

    notebook = nbformat.read(ROOT / "notebooks" / "claims.ipynb", as_version=4)
    cells = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    shown = {"notebook": "\n".join(line for line in cells.splitlines() if not line.startswith("%"))}
    for page in PAGES:
        programs = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.S | re.M)
        shown[re.sub(r"\W", "_", page)] = "\n".join(programs)
    for name, code in shown.items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", f"{name}.py"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
