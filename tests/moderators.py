"""Who moderates: mo and max may decide."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from accounts.models import User


def moderator(name: str) -> User:
    user = User.objects.create_user(f"{name}@example.com", name=name.title(), is_staff=True)
    group, _ = Group.objects.get_or_create(name="Moderators")
    user.groups.add(group)
    return user


@pytest.fixture
def mo(moderators: Group) -> User:
    return moderator("mo")


@pytest.fixture
def max_(moderators: Group) -> User:
    return moderator("max")


@pytest.fixture
def moderators(db: None) -> Group:
    """The migration's group: a test with transaction=True leaves every table empty to the next."""
    import_module("generations.migrations.0002_prices_moderators_and_triggers").create_moderators_group(apps, None)
    for name in (
        "sharing.migrations.0002_moderators_see_share_links",
        "sharing.migrations.0006_moderators_see_comments",
        "api.migrations.0002_moderators_see_keys",
    ):
        import_module(name).grant_view(apps, None)
    return Group.objects.get(name="Moderators")
