"""Share links and their guests; comments and verdicts."""

from sharing.models.review import Comment, Guest, GuestPost, Mention, Verdict
from sharing.models.review_mail import ReviewMail
from sharing.models.share_link import PasswordAttempt, ShareLink, ShareLinkVideo
from sharing.models.team_sharing import MAX_DAYS, SharingPolicy, TeamSharing

__all__ = [
    "MAX_DAYS",
    "Comment",
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
