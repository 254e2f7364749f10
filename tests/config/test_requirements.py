"""The locks are whole: every package that is chosen, at the version that is chosen, and each with its hashes."""

import re
from itertools import pairwise

import pytest

from config.lock_requirements import REQUIREMENTS, ROOT, lock_of, pins, update_pins


def entries(lock: str) -> list[str]:
    """A package and its hashes, as pip reads a requirement over several lines."""
    lines = [line for line in lock.splitlines() if line.strip() and not line.strip().startswith("#")]
    return re.split(r"(?<!\\)\n", "\n".join(lines))


@pytest.mark.parametrize("chosen", REQUIREMENTS)
def test_lock_has_all_that_is_chosen(chosen: str) -> None:
    """When this fails, `make lock` fixes it."""
    locked = pins((ROOT / lock_of(chosen)).read_text())
    wanted = pins((ROOT / chosen).read_text())

    assert len(wanted) > 4
    assert {name: version for name, version in wanted.items() if locked.get(name) != version} == {}


@pytest.mark.parametrize("chosen", REQUIREMENTS)
def test_every_package_has_hashes_and_comes_from_no_named_place(chosen: str) -> None:
    found = entries((ROOT / lock_of(chosen)).read_text())

    assert len(found) > 50
    assert [entry for entry in found if "--hash=sha256:" not in entry or "==" not in entry] == []
    assert "://" not in "\n".join(found)


def test_each_lock_has_all_of_the_one_before() -> None:
    """Production's, with the embedded servers, with the tools of a developer, with those of `make deploy-check`."""
    locks = [pins((ROOT / lock_of(chosen)).read_text()) for chosen in REQUIREMENTS]

    assert len(locks) == 4
    assert all(before.items() < after.items() for before, after in pairwise(locks))


def test_upgrade_moves_pins_and_keeps_reasons() -> None:
    before = (
        "-r requirements.txt\n"
        "# a line of words\n"
        "av==18.1.0            # PyAV\n"
        "django==5.2.19,<5.3   # LTS\n"
        "Fal_Client[x,y]==1.0 ; sys_platform == 'linux'  # fal's\n"
        "boto3-stubs>=1.43     # types\n"
        "left==1.0\n"
    )
    after = (
        "-r requirements.txt\n"
        "# a line of words\n"
        "av==19.0.10           # PyAV\n"
        "django==5.2.20,<5.3   # LTS\n"
        "Fal_Client[x,y]==2.0 ; sys_platform == 'linux'  # fal's\n"
        "boto3-stubs>=1.43     # types\n"
        "left==1.0\n"
    )

    assert update_pins(before, {"av": "19.0.10", "django": "5.2.20", "fal-client": "2.0"}) == after
    assert update_pins(before, {}) == before
