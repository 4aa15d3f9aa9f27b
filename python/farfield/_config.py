"""Configurations: the same as those of the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _farfield, _toml
from ._errors import named
from ._progress import Progress

if TYPE_CHECKING:
    from ._problem import Problem

__all__ = ["Config", "sections"]


class Config:
    """Every key of a configuration, as ``farfield run`` reads it (docs/guide.md has the keys).

    Parameters
    ----------
    settings
        Sections with their keys, over the defaults.

    Examples
    --------
    >>> import farfield as ff
    >>> config = ff.Config({"data": {"n": 20, "d": 200}, "descent": {"steps": 1000.0}})
    >>> config.problem().run().steps
    1000.0
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        with named():
            self._core = _farfield.Config.from_text(_toml.dumps(settings or {}))

    @classmethod
    def _of(cls, core: _farfield.Config) -> Config:
        config = cls.__new__(cls)
        config._core = core
        return config

    @classmethod
    def from_toml(cls, source: str | os.PathLike[str]) -> Config:
        """From a file, or from a text with at least one line end or ``=``.

        Relative paths in a file begin in its folder, those in a text in the working directory.

        >>> print(Config.from_toml("seed = 7").to_toml().splitlines()[0])
        seed = 7
        """
        with named():
            if isinstance(source, str) and ("\n" in source or "=" in source):
                return cls._of(_farfield.Config.from_text(source))
            path = Path(source)
            if not path.is_file():
                raise FileNotFoundError(f"no configuration there: {path}")
            return cls._of(_farfield.Config.from_file(path))

    def over(self, settings: Mapping[str, Any]) -> Config:
        """The same with other values of some keys.

        >>> Config().over({"seed": 3}).to_dict()["seed"]
        3
        """
        with named():
            return self._of(self._core.over(_toml.dumps(settings)))

    def to_toml(self) -> str:
        """The keys that have an effect, as TOML: what ``config.toml`` of a folder holds."""
        return self._core.to_toml()

    def to_dict(self) -> dict[str, Any]:
        """The same as nested dictionaries."""
        table: dict[str, Any] = json.loads(self._core.to_json())
        return table

    def problem(self, progress: Progress = False) -> Problem:
        """Draws or reads the samples."""
        from ._problem import Problem

        return Problem.from_config(self, progress=progress)

    def __repr__(self) -> str:
        return f"<farfield.Config\n{self.to_toml()}>"


def sections(**keys: Any) -> dict[str, Any]:
    """Sections of keys by ``section__key``, without those that are None.

    >>> sections(seed=3, data__n=5, data__d=None)
    {'seed': 3, 'data': {'n': 5}}
    """
    table: dict[str, Any] = {}
    for name, value in keys.items():
        section, _, key = name.rpartition("__")
        if value is not None:
            (table.setdefault(section, {}) if section else table)[key] = value
    return table
