"""One version, wherever it is written."""

import tomllib

import yaml

from config.version import VERSION
from devserver.addresses import ROOT


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((ROOT / "deploy" / "chart" / "Chart.yaml").read_text())

    assert (project["version"], chart["appVersion"]) == (VERSION, VERSION)
    assert f"## {VERSION} " in (ROOT / "CHANGELOG.md").read_text()
