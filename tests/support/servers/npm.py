"""Programs of npm: `.ci/servers` installs those of package.json, once for all test runs of a machine."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.servers.process import missing_programs

HERE = Path(__file__).parent
MODULES = Path("/var/cache/sendmail-cli-tests/npm/node_modules")  # .ci/servers has it too


def missing_package(name: str) -> str:
    """Why a package of ours cannot run; "" when it is there in the version that we name."""
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"][name]
    try:
        found = json.loads((MODULES / name / "package.json").read_text())["version"]
    except OSError:
        found = "none"
    if found != wanted:
        return f"npm's {name} {wanted} is not in {MODULES}, but {found} (.ci/servers installs it)"
    return missing_programs("node")
