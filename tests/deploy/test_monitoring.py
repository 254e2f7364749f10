"""The dashboard and the alert rules name what /metrics really has, and each rule a section of the runbooks."""

import json
import os
import re
import shutil
import subprocess
from typing import Any, Final

import pytest
import yaml

from config import metrics as counted
from devserver import addresses
from generations import metrics
from tests.scrape import families

DEPLOY: Final = addresses.ROOT / "deploy"
RULES: Final = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARD: Final = DEPLOY / "grafana" / "dashboard.json"
RUNBOOKS: Final = addresses.ROOT / "docs" / "runbooks.md"
_NAME: Final = re.compile(r"\bkling_studio_[a-z_]+")
_SUFFIX: Final = re.compile(r"_(bucket|sum|count)$")
_LABELS: Final = re.compile(r"(kling_studio_[a-z_]+)\{([^}]*)\}")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.fixture
def answer(db: None) -> bytes:
    """With a sample of every counter."""
    counted.observe_request("gallery", 200, 0.01)
    counted.observe_fal_call("submit", 0.1, "Unavailable")
    counted.observe_copy("done", 1.0, 1)
    counted.count_webhook("accepted")
    counted.count_mail("sent")
    return metrics.render()


def test_every_metric_that_is_named_exists(answer: bytes) -> None:
    known = families(answer)
    named = {
        _SUFFIX.sub("", name) if name not in known else name for text in expressions() for name in _NAME.findall(text)
    }

    assert len(named) > 15
    assert named - known == set()


def test_every_metric_is_shown_or_watched(answer: bytes) -> None:
    everything = " ".join(expressions())

    assert {name for name in families(answer) if name not in everything} == set()


def test_every_label_that_is_named_exists(answer: bytes) -> None:
    text = answer.decode()
    for name, condition in {found for expression in expressions() for found in _LABELS.findall(expression)}:
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", condition):
            if name == "kling_studio_submit_paused_seconds":  # without a sample while nothing is paused
                assert label == "reason"
                continue
            assert re.search(rf"^{name}\{{[^}}]*\b{label}=", text, re.MULTILINE), f"{name} has no label {label}"


def test_every_rule_has_its_section_of_the_runbooks() -> None:
    known = anchors(RUNBOOKS.read_text())
    named = set()
    for rule in rules():
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert addresses.ROOT / path == RUNBOOKS
        assert anchor in known, rule["alert"]
        named.add(anchor)

    assert known - named == {"runbooks"}, "a section that no rule leads to"


@pytest.mark.parametrize("title", re.findall(r"^## (.+)$", RUNBOOKS.read_text(), re.MULTILINE))
def test_each_section_says_what_it_means_and_what_to_do(title: str) -> None:
    section = RUNBOOKS.read_text().split(f"## {title}\n")[1].split("\n## ")[0]

    assert [word for word in ("**Means**", "**Look at**", "**Do**") if word not in section] == []


def test_panels_have_their_own_place_and_number() -> None:
    numbers = [panel["id"] for panel in panels()]
    assert len(numbers) == len(set(numbers)) > 15
    taken = [
        (x, y)
        for grid in (panel["gridPos"] for panel in panels())
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def promtool() -> str:
    """Its absence is an error where CI is set, and a loud skip on a developer's machine."""
    if found := shutil.which("promtool"):
        return found
    message = "promtool is not on the PATH (on Debian and Ubuntu: apt install prometheus)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]])
def test_rules_fire_at_what_they_are_for(arguments: list[str]) -> None:
    done = subprocess.run([promtool(), *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tried() -> None:
    tried = (RULES.parent / "alerts_test.yaml").read_text()

    assert [rule["alert"] for rule in rules() if rule["alert"] not in tried] == []


def test_answer_is_what_prometheus_reads(answer: bytes) -> None:
    done = subprocess.run([promtool(), "check", "metrics"], input=answer, capture_output=True, check=False)

    assert done.returncode in {0, 3}, done.stderr.decode()  # 3: remarks on style
    assert b"error" not in done.stderr.lower(), done.stderr.decode()
