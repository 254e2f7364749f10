"""The scripts are ES modules: what they import by name, the page's import map leads to."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.template.autoreload import reset_loaders
from django.test import Client
from pytest_django import Settings

SCRIPTS: Final = sorted((django_settings.BASE_DIR / "static").glob("*.js"))
IMPORT: Final = re.compile(r'^(?:import|export) (?:[^"]*? from )?"([^"]+)";$', re.MULTILINE)
TAG: Final = re.compile(r"<script\b[^>]*\bsrc=\"[^\"]*/static/(?!django_htmx/|admin/|account/|mfa/)[^>]*>")


def import_map() -> dict[str, str]:
    page = Client().get("/accounts/login/").content.decode()
    found = re.search(r'<script type="importmap" nonce="[^"]+">(.*?)</script>', page, re.DOTALL)
    assert found
    imports: dict[str, str] = json.loads(found[1])["imports"]
    return imports


@pytest.mark.django_db
def test_import_map_has_what_is_imported_and_no_more() -> None:
    imported = {name for script in SCRIPTS for name in IMPORT.findall(script.read_text())}

    assert set(import_map()) == imported
    assert import_map() == {name: f"/static/{name.removeprefix('studio/')}.js" for name in imported}


@pytest.mark.django_db
def test_import_map_leads_to_the_collected_files(settings: Settings, tmp_path: Path) -> None:
    """They are named by what they hold, so that browsers may keep them for good."""
    storages: dict[str, Any] = settings.STORAGES
    hashed = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = storages | {"staticfiles": hashed}
    call_command("collectstatic", interactive=False, verbosity=0)
    reset_loaders()  # templates have the addresses written into them as they are read
    found = import_map()
    reset_loaders()

    for address in found.values():
        assert re.fullmatch(r"/static/\w+\.[0-9a-f]{12}\.js", address)
        assert (tmp_path / address.removeprefix("/static/")).is_file()


@pytest.mark.django_db
def test_scripts_are_modules() -> None:
    """A module waits for what it imports, in whatever order the page names them."""
    tags = TAG.findall(Client().get("/accounts/login/").content.decode())

    assert tags
    assert all(tag.startswith('<script type="module" ') for tag in tags)
    assert not any("window.studio" in script.read_text() for script in SCRIPTS)
