"""How often a key has asked within a minute."""

from django.db import models

from api.models.key import Key


class KeyMinute(models.Model):
    """The minute that began with the key's first request of it; one statement counts and begins (`api.v1.limits`)."""

    key = models.OneToOneField(Key, on_delete=models.CASCADE, primary_key=True, related_name="+")
    began_at = models.DateTimeField()
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.key_id}: {self.count}"
