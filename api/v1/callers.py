"""Which keys open an operation."""

from typing import Any

from django.http import HttpRequest

from accounts.roles import Action
from api.authentication import Caller, authenticate
from api.models import Scope
from api.v1 import limits


class KeyAuth:
    """A key with one of these scopes, of a person whose role allows the scope's action, or else `action`."""

    def __init__(self, *scopes: Scope, action: Action | None = None) -> None:
        self.scopes, self.action = scopes, action

    def __call__(self, request: HttpRequest) -> Caller:
        """Raises AuthenticationError, and ProblemError for a key that asks too often."""
        caller = authenticate(request, *self.scopes, action=self.action)
        limits.spend(request, caller.key)
        request.user = caller.user
        return caller


READ: Any = KeyAuth(Scope.READ)
READ_OWN: Any = KeyAuth(Scope.READ, Scope.GENERATE)  # what one who generates has to know besides
READ_MANAGED: Any = KeyAuth(Scope.READ, Scope.MANAGE)
READ_ANY: Any = KeyAuth(Scope.READ, Scope.GENERATE, Scope.MANAGE)
GENERATE: Any = KeyAuth(Scope.GENERATE)
MANAGE: Any = KeyAuth(Scope.MANAGE)
SAY: Any = KeyAuth(Scope.MANAGE, action=Action.VIEW)  # what a viewer may do too
