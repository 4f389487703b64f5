"""The layers of docs/architecture.md hold, and the docs tell the truth of today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_each_layer_imports_only_what_stands_below_it() -> None:
    pytest.importorskip("importlinter", reason="import-linter is a lint dependency; .ci/run installs it")
    command = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_package_lists_its_layers_in_its_docstring() -> None:
    import tomllib

    import sendmail_cli

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    for layer in layers:
        assert f"    {layer}\n" in (sendmail_cli.__doc__ or "")
        assert f"    {layer} " in (ROOT / "docs/architecture.md").read_text().replace("\n", " \n")


def test_every_module_is_a_noun_of_a_readable_length() -> None:
    too_long = {
        str(path.relative_to(ROOT)): length
        for path in (ROOT / "sendmail_cli").rglob("*.py")
        if (length := len(path.read_text().splitlines())) > 380
    }
    assert not too_long
