"""What is left of keys when the account of their person is deleted: rows that requests are charged to."""

from django.db.models import F

from accounts.anonymize import teams_without_other_members
from accounts.models import User
from api.models import ApiRequest, Key, PendingUpload


def erase_keys(user: User) -> None:
    keys = Key.objects.filter(user=user)
    keys.revoke(user)
    Key.objects.filter(team__in=teams_without_other_members(user)).update(project=None)  # they are deleted with it
    keys.update(name=F("prefix"), allowed_networks=[], last_used_at=None)
    ApiRequest.objects.filter(key__user=user).update(idempotency_key="", body_digest="")
    PendingUpload.objects.filter(key__user=user).delete()
