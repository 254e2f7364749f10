"""What a person is still to be mailed about reviews."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from sharing.models.review import Comment, Verdict


class ReviewMail(models.Model):
    """That a person's next mail tells of this comment, or of this verdict. Gone once the mail is on its way."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, null=True, related_name="+")
    verdict = models.ForeignKey(Verdict, on_delete=models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "at"], name="review_mail_of_user")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(comment__isnull=False, verdict=None) | Q(comment=None, verdict__isnull=False),
                name="review_mail_of_one",
            ),
            models.UniqueConstraint(fields=["user", "comment"], name="review_mail_once_a_comment"),
            models.UniqueConstraint(fields=["user", "verdict"], name="review_mail_once_a_verdict"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.at:%Y-%m-%d %H:%M}"
