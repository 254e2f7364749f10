"""The docs say what is so: links lead somewhere, every variable is in the table, and the site fetches nothing."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest

from devserver.addresses import ROOT

DOCS: Final = ROOT / "docs"
PAGES: Final = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "bench").glob("*.md")])
TABLE: Final = (DOCS / "configure.md").read_text().partition("## Every variable")[2]
_LINK: Final = re.compile(r"(?<!\\)\]\(([^()\s]+)\)")
_CODE: Final = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
# of the machine's own, which is not set up for the studio; and a key that everybody knows
_NOT_FOR_OPERATORS: Final = {"AWS_REGION", "AWS_DEFAULT_REGION", "SANDBOX_KEY"}


def named_in_table() -> list[str]:
    """Those of the first column."""
    rows = [line.split("|")[1] for line in TABLE.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)]


def links_of(page: Path) -> Iterator[str]:
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if not urlsplit(target).scheme:
            yield target


def anchors_of(page: Path) -> set[str]:
    """As GitHub and Zensical make them of headings."""
    headings = re.findall(r"^#+ (.+)$", _CODE.sub(lambda found: found[0].strip("`"), page.read_text()), re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in links_of(page):
        target, _, anchor = unquote(link).partition("#")
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), link
        assert not anchor or anchor in anchors_of(found), link
        assert not page.is_relative_to(DOCS) or found.is_relative_to(DOCS), f"{link}: the site ends there"


def test_there_are_links_to_look_at() -> None:
    assert len([link for page in PAGES for link in links_of(page)]) > 40


def test_each_variable_that_settings_read_is_in_the_table_once() -> None:
    settings = (ROOT / "config" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]+)"', settings)) - _NOT_FOR_OPERATORS
    named = named_in_table()

    assert len(read) > 50
    assert read - set(named) == set()
    assert sorted(set(named)) == sorted(named)


@pytest.mark.parametrize("name", named_in_table())
def test_each_variable_in_the_table_is_read_somewhere(name: str) -> None:
    """`OTEL_SERVICE_NAME` is the SDK's own."""
    ours = [ROOT / "Procfile", *(ROOT / "config").rglob("*.py"), *(ROOT / "devserver").glob("*.py")]
    sources = [*ours, *(ROOT / "sandbox").glob("*.py")]
    prefixed = name.removeprefix("SANDBOX_").lower() if name.startswith("SANDBOX_") else name

    assert any(name in source.read_text() or prefixed in source.read_text() for source in sources)


class Assets(HTMLParser):
    """What a browser fetches by itself for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag != "a" and not (tag == "link" and given.get("rel") in {"canonical", "next", "prev"}):
            self.found += [value for name in ("src", "href") if (value := given.get(name))]


def test_site_is_whole_and_fetches_nothing_from_elsewhere(tmp_path: Path) -> None:
    configuration = (ROOT / "zensical.toml").read_text()
    (tmp_path / "zensical.toml").write_text(configuration)
    shutil.copytree(DOCS, tmp_path / "docs")
    subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict"], cwd=tmp_path, check=True, capture_output=True
    )

    pages = [page for page in (tmp_path / "site").rglob("*.html") if page.name != "404.html"]
    assert len(pages) == len(list(DOCS.rglob("*.md")))
    for page in pages:
        assets = Assets()
        assets.feed(page.read_text())
        assert len(assets.found) > 3
        assert [asset for asset in assets.found if urlsplit(asset).netloc] == []
        for asset in assets.found:
            assert (page.parent / urlsplit(asset).path).exists(), asset


def test_every_page_stands_in_the_navigation() -> None:
    configuration = (ROOT / "zensical.toml").read_text()

    assert [page.name for page in DOCS.rglob("*.md") if f'"{page.relative_to(DOCS)}"' not in configuration] == []
