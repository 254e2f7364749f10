"""Share links and their guests; comments and verdicts."""

from sharing.models.attempts import GuestPost, PasswordAttempt
from sharing.models.review import Comment, CommentQuerySet, Guest, Mention, Verdict
from sharing.models.review_mail import ReviewMail
from sharing.models.share_link import ShareLink, ShareLinkVideo
from sharing.models.team_sharing import MAX_DAYS, SharingPolicy, TeamSharing

__all__ = [
    "MAX_DAYS",
    "Comment",
    "CommentQuerySet",
    "Guest",
    "GuestPost",
    "Mention",
    "PasswordAttempt",
    "ReviewMail",
    "ShareLink",
    "ShareLinkVideo",
    "SharingPolicy",
    "TeamSharing",
    "Verdict",
]
