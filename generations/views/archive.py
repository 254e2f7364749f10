"""Download many videos as one ZIP: streamed from the bucket, stored and not deflated, in parts when it is large.

A part always holds the same videos, so one that broke off can be downloaded again by itself.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from zipstream import ZipStream

from accounts.http import AuthenticatedHttpRequest, login_required
from config.parameters import whole_number
from generations import bucket
from generations.models import Generation, Video
from generations.views.bulk import get_selected
from generations.views.media import download_name

PART_BYTES: Final = 2 * 1024**3
_CHUNK: Final = 128 * 1024

Part = list[Generation]


@require_POST
@login_required
def archive(request: AuthenticatedHttpRequest) -> HttpResponseBase:
    """The ZIP of what is selected; when it makes several parts, a page that offers them, each as `?part=n`."""
    rows = [row for row in get_selected(request) if hasattr(row, "video")]
    if not rows:
        raise Http404(_("There is no video among them."))
    parts = _parts(sorted(rows, key=lambda row: (row.created_at, row.pk)))
    if "part" not in request.GET and len(parts) > 1:
        sizes = [sum(row.video.size for row in part) for part in parts]
        return render(request, "archive.html", {"rows": rows, "sizes": sizes})
    return _zip(parts, _number(request, len(parts)))


def _number(request: AuthenticatedHttpRequest, parts: int) -> int:
    number = whole_number(request.GET.get("part", "1"))
    if number is None:
        raise BadRequest("No such part.")
    if not 1 <= number <= parts:
        raise Http404
    return number


def _parts(rows: Part) -> list[Part]:
    """In order, each as full as it may be; a video that is larger than a part has one to itself."""
    parts: list[Part] = [[]]
    room = PART_BYTES
    for row in rows:
        if parts[-1] and row.video.size > room:
            parts.append([])
            room = PART_BYTES
        parts[-1].append(row)
        room -= row.video.size
    return parts


def _zip(parts: list[Part], number: int) -> HttpResponseBase:
    name = "videos.zip" if len(parts) == 1 else f"videos-{number}-of-{len(parts)}.zip"
    listed = {"part": number, "parts": len(parts), "videos": [_entry(row) for row in parts[number - 1]]}
    return stream_zip([(download_name(row.video), row.video) for row in parts[number - 1]], listed, name)


def stream_zip(files: Iterable[tuple[str, Video]], manifest: dict[str, Any], name: str) -> HttpResponseBase:
    """Videos by their file names, behind a manifest.json."""
    stream = ZipStream(sized=True)
    stream.add(json.dumps(manifest, ensure_ascii=False, indent=2).encode(), "manifest.json")
    for file_name, video in files:
        stream.add(_read(video.key), file_name, size=video.size)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(len(stream))}
    return StreamingHttpResponse(iter(stream), content_type="application/zip", headers=headers)


def _read(key: str) -> Iterator[bytes]:
    """The object is asked for when its turn has come, and a chunk of it is in memory at a time."""
    body = bucket.client().get_object(Bucket=bucket.name(), Key=key)["Body"]
    try:
        yield from body.iter_chunks(_CHUNK)
    finally:
        body.close()


def _entry(row: Generation) -> dict[str, Any]:
    return {
        "file": download_name(row.video),
        "id": str(row.pk),
        "prompt": row.prompt,
        "parameters": {
            "endpoint": row.endpoint,
            "negative_prompt": row.negative_prompt,
            "cfg_scale": row.cfg_scale,
            "duration": row.duration,
            "aspect_ratio": row.aspect_ratio or None,
        },
        "cost_usd": f"{row.cost_cents / 100:.2f}",
        "sha256": row.video.sha256,
        "bytes": row.video.size,
        "created_at": row.created_at.isoformat(),
        "made_by": str(row.user),
    }
