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


def test_types():
    for arguments in (["mypy", "--strict", "-p", "farfield"], ["mypy.stubtest", "farfield._farfield"]):
        done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT / "docs", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
