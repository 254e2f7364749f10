"""A backup has every object that a row names, whichever app the row is of."""

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import CharField, Model

from accounts.models import Team, User
from generations import bucket
from generations.backup.row_objects import row_objects
from generations.models import Generation, Status
from generations.moderation import quarantine
from generations.storage.audit import PREFIXES, known_objects
from generations.storage.cleanup import OTHER_COLUMNS
from tests.cast import make_generation, make_input_picture, make_library_picture, make_upload, make_video
from tests.generations.films.cast import joined

IN_THE_QUERIES = {"Video.key", "Video.poster_key", "Video.preview_key", "InputPicture.key", "Upload.key"}
IN_THE_QUERIES |= {"Film.key", "Film.poster_key", "LibraryPicture.key", "LibraryPicture.thumbnail_key"}
NO_OBJECT = {"StorageDeletion.key"}  # of one that is to go


def key_columns() -> set[str]:
    """Columns of our own apps that hold an object's key."""
    own = [config for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR]
    models = [model for config in own for model in config.get_models()]
    return {f"{model.__name__}.{name}" for model in models for name in _keys_of(model)}


def _keys_of(model: type[Model]) -> list[str]:
    fields = [field for field in model._meta.get_fields() if isinstance(field, CharField)]
    return [field.name for field in fields if field.name.endswith("key") and field.max_length == 300]


def test_each_column_with_a_key_is_known() -> None:
    others = {f"{model.partition('.')[2]}.{column}" for model, column in OTHER_COLUMNS}

    assert key_columns() - NO_OBJECT - IN_THE_QUERIES == others


@pytest.mark.django_db
def test_whatever_the_audit_knows_is_in_a_backup(alice: User, film: Team) -> None:
    row = make_generation(alice, film, Status.DONE)
    make_video(row)
    make_input_picture(row)
    make_upload(alice)
    kept = make_library_picture(alice, film)
    User.objects.filter(pk=alice.pk).update(avatar_key=f"avatars/{alice.pk}/x.webp")
    gone = make_generation(alice, film, Status.DONE)
    make_video(gone)
    Generation.objects.get(pk=gone.pk).take_down(alice, "why")
    deleted = make_generation(alice, film, Status.DONE)
    make_video(deleted)
    Generation.objects.get(pk=deleted.pk).delete_permanently(alice)

    made, hidden = joined(alice, film), joined(alice, film)
    Generation.objects.get(pk=hidden.parts.all()[0].generation_id).take_down(alice, "why")
    quarantine.move_films()

    found = {each.key: each for each in row_objects()}

    assert {known.key for known in known_objects()} == {key for key, each in found.items() if not each.kept_only}
    assert found[gone.video_key].kept_only
    assert deleted.video_key not in found
    assert found[made.key].sha256 == made.sha256
    assert found[f"quarantine/{hidden.key}"].kept_only
    assert found[kept.key].sha256 == kept.sha256
    assert kept.thumbnail_key in found
    assert all(key.startswith(PREFIXES) for key in found)
    assert all(each.size == bucket.size(key) for key, each in found.items() if each.size)
