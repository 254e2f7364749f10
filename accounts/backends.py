"""Who is signed in, and what they belong to, in one query a request."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend

from accounts.models import User
from accounts.rights import load_memberships


class AuthenticationBackend(AllauthBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's, which reads the memberships along with the user: nearly every page asks for both."""

    def get_user(self, user_id: Any) -> User | None:
        memberships = load_memberships(User(pk=user_id))
        if not memberships:
            found: User | None = super().get_user(user_id)
            return found
        user = memberships[0].user
        user.known_memberships = memberships
        return user if self.user_can_authenticate(user) else None
