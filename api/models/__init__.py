"""The rows of keys, and of what programs asked for with them."""

from api.models.key import Key, Scope
from api.models.pending_upload import PendingUpload
from api.models.request import ApiRequest

__all__ = ["ApiRequest", "Key", "PendingUpload", "Scope"]
