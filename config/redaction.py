"""Remove secrets from log lines: tokens in paths, signatures in query strings, keys of the API, webhooks' secrets.

A route with such a token has its prefix here; a test walks through all routes and finds the one that has not.
"""

import re
from typing import Final

SECRET_PREFIXES: Final = (
    "/accounts/confirm-email/",
    "/accounts/password/reset/key/",
    "/admin/django_rq/dashboard/stats.json/",
    "/fal/rest/storage/put/",
    "/share/",
    "/teams/approve/",
    "/teams/join/",
    "/webhooks/posters/",
)
_PARAMETERS: Final = (
    *("mac", "token", "key", "code", "state", "secret", "password", "signature", "sig", "access_token", "id_token"),
    *("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "AWSAccessKeyId"),
)
_END: Final = r"[^\s?#&;\"'<>%]"
# as they are, or inside another address's query
_SLASH, _EQUALS = "(?:/|%2F)", "(?:=|%3D)"
_IN_PATH: Final = re.compile(
    "({})[^\\s?#\"'<>]+".format("|".join(re.escape(prefix).replace("/", _SLASH) for prefix in SECRET_PREFIXES)),
    re.IGNORECASE,
)
_IN_QUERY: Final = re.compile(
    rf"((?:(?<![\w.-])|%3F|%26)(?:{'|'.join(map(re.escape, _PARAMETERS))}){_EQUALS})(?:{_END}|%(?!26|23))+",
    re.IGNORECASE,
)
_KEYS: Final = re.compile(r"\b(ks_[a-z0-9]{8}_)[0-9A-Za-z]+")  # of the API: the prefix says which it was

_WEBHOOK_SECRETS: Final = re.compile(r"\b(whsec_)[0-9A-Za-z+/=]+")


def redact(text: str) -> str:
    """The text with … in place of each secret."""
    text = _WEBHOOK_SECRETS.sub(r"\1…", text)
    return _KEYS.sub(r"\1…", _IN_QUERY.sub(r"\1…", _IN_PATH.sub(r"\1…", text)))


def has_secret(path: str) -> bool:
    """Whether the path of a request carries a token, as an address that was mailed to somebody does."""
    return path.startswith(SECRET_PREFIXES)
