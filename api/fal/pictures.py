"""Pictures of a request: data: URIs, files that were uploaded here, pictures of the library, or addresses elsewhere."""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from django.conf import settings

from accounts.models import User
from api.authentication import Caller
from api.models import PendingUpload
from config.api_paths import V1
from generations.fal.arguments import (
    MAX_PICTURE_BYTES,
    Endpoint,
    InvalidArguments,
    PictureFormat,
    Problem,
    check_picture,
)
from generations.models import LibraryPicture, Slot, Upload
from generations.orders.library import use_picture
from generations.orders.place import save_upload
from generations.orders.rate_limits import refuse_too_many_pictures
from generations.pictures import Picture, fetch_picture, read

FIELDS: Final = {Slot.START: "image_url", Slot.TAIL: "tail_image_url"}
PLACEHOLDER: Final = "data:image/kept"  # stands in for the address that fal will read the picture from
_DATA: Final = re.compile(r"data:([^,]{0,200}),", re.IGNORECASE)
_UUID: Final = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_OWN_PICTURE: Final = re.compile(f"{_UUID}/file")
_OWN_FILE: Final = re.compile(f"{_UUID}(?:/[^/?#]*)?")


def has_links(endpoint: Endpoint, values: Mapping[str, Any]) -> bool:
    """Whether some picture has to be fetched from elsewhere, which may take long."""
    given = own_pictures(endpoint, values).values()
    return any(isinstance(one, str) and _is_link(one) for one in given)


def own_pictures(endpoint: Endpoint, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the endpoint takes: as fal does, we ignore the others."""
    return {name: values.get(name) for name in FIELDS.values() if name in endpoint.fields}


def without_pictures(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with a short text in the place of each picture that is given in a way that is understood."""
    stand_ins = {name: PLACEHOLDER for name in FIELDS.values() if _is_understood(values.get(name))}
    return {**values, **stand_ins}


def save_pictures(caller: Caller, values: Mapping[str, Any]) -> dict[Slot, Upload]:
    """Each picture in the bucket, as the form keeps it. Raises InvalidArguments, and as `save_upload`."""
    given = {slot: values[name] for slot, name in FIELDS.items() if _is_understood(values.get(name))}
    return {slot: _save(caller, FIELDS[slot], address.strip()) for slot, address in given.items()}


def file_url(pending: PendingUpload) -> str:
    """Where an uploaded file is said to be: an address that only `save_pictures` reads."""
    return f"{_own_files()}{pending.pk}"


def library_file_url(pk: uuid.UUID) -> str:
    """Where a picture of the library is read with a key; named in an order, the library hands it over itself."""
    return f"{_own_library()}{pk}/file"


def _own_library() -> str:
    return f"{settings.SITE_URL}{V1}library/"


def _own_files() -> str:
    return f"{settings.SITE_URL}/fal/rest/storage/files/"


def _is_understood(value: Any) -> bool:
    return isinstance(value, str) and value.strip()[:8].lower().startswith(("http://", "https://", "data:"))


def _is_link(address: str) -> bool:
    address = address.strip()
    own = (_own_files(), _own_library())
    return address[:8].lower().startswith(("http://", "https://")) and not address.startswith(own)


def _save(caller: Caller, name: str, address: str) -> Upload:
    if address.startswith(_own_files()):
        return _uploaded(caller.user, name, address)
    if address.startswith(_own_library()):
        return _of_library(caller, name, address)
    refuse_too_many_pictures(caller.user)
    return save_upload(caller.user, _read(name, address))


def _read(name: str, address: str) -> Picture:
    if _is_link(address):
        return fetch_picture(name, address)
    return read(name, decode_data_uri(name, address))


def _uploaded(user: User, name: str, address: str) -> Upload:
    """A file that was sent here before: nothing is fetched."""
    found = _OWN_FILE.fullmatch(address.removeprefix(_own_files()))
    pending = PendingUpload.objects.filter(pk=found[1], key__user=user).first() if found else None
    upload = Upload.objects.touch(user, pk=pending.upload_id) if pending and pending.upload_id else None
    if upload is None:
        raise _problem(name, "file_download_error", "There is no such file here, or not any more. Upload it again.")
    return upload


def _of_library(caller: Caller, name: str, address: str) -> Upload:
    """A copy of a picture of the team's library: nothing is fetched."""
    found = _OWN_PICTURE.fullmatch(address.removeprefix(_own_library()))
    seen = LibraryPicture.objects.visible_to(caller.user).filter(team=caller.team)
    row = seen.filter(pk=found[1]).first() if found else None
    if row is None:
        raise _problem(name, "file_download_error", "There is no such picture in the library, or not any more.")
    return use_picture(caller.user, row)


def decode_data_uri(name: str, text: str) -> bytes:
    """The bytes of `data:[type][;base64],…`. Raises InvalidArguments."""
    head = _DATA.match(text)
    if head is None:
        raise _problem(name, "image_load_error", "This data: address has no comma before its data.")
    rest = text[head.end() :]
    if len(rest) > MAX_PICTURE_BYTES * 3:  # as it would be with each byte written as %XX
        raise InvalidArguments(check_picture(name, media_type=PictureFormat.JPEG, size=len(rest) // 3))
    if not head[1].lower().rstrip().endswith(";base64"):
        return unquote_to_bytes(rest)
    try:
        return base64.b64decode(unquote_to_bytes(rest), altchars=b"-_" if "-" in rest or "_" in rest else None)
    except (binascii.Error, ValueError):
        raise _problem(name, "image_load_error", "The data of this data: address is no base64.") from None


def _problem(name: str, type_: str, words: str) -> InvalidArguments:
    return InvalidArguments([Problem(name, type_, words)])
