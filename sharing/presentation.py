"""What a share link's page shows of its videos: names that say nothing of the prompt, and the AI label."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils.text import slugify

from generations.models import Generation, Video
from sharing.access import OpenLink
from sharing.models import TeamSharing

AI_LABEL: Final = "AI-generated with Kling"


@dataclass(frozen=True, slots=True)
class SharedVideo:
    """One video as guests see it: without its prompt, its maker and its price."""

    generation: Generation
    title: str
    token: str

    @property
    def video(self) -> Video:
        return self.generation.video

    def path(self, name: str) -> str:
        """Of an address of this video by the token: `share-video`, `share-poster` and so on."""
        return reverse(name, args=[self.token, self.generation.pk])

    def url(self, name: str) -> str:
        return f"{settings.SITE_URL}{self.path(name)}"

    @property
    def file_name(self) -> str:
        words = slugify(self.title)[:60].strip("-") or "video"
        return f"{words}-{str(self.generation.pk)[:8]}{self.video.extension}"

    def metadata(self, label: str) -> dict[str, Any]:
        """What machines read of it: sizes in px and bytes, the duration in seconds."""
        video = self.video
        known = {
            "id": str(self.generation.pk),
            "title": self.title,
            "width": video.width,
            "height": video.height,
            "duration": video.duration,
            "frames_per_second": video.fps,
            "content_type": video.content_type,
            "bytes": video.size,
            "sha256": video.sha256,
            "content_credentials": video.content_credentials or None,
            "created_at": self.generation.created_at.isoformat(),
        }
        generator = self.generation.fal_endpoint.terms.title
        return known | ({"label": label, "ai_generated": True, "generator": generator} if label else {})


def label_of(opened: OpenLink) -> str:
    """The AI label that the team shows, or nothing."""
    return AI_LABEL if TeamSharing.objects.of(opened.link.team).labels_ai else ""


def titled(opened: OpenLink) -> list[SharedVideo]:
    """All that the link shows, by the name of the link, with a number where there are several."""
    rows, name = opened.videos(), opened.link.name
    if len(rows) == 1:
        return [SharedVideo(rows[0], name, opened.token)]
    return [SharedVideo(row, f"{name} {number}", opened.token) for number, row in enumerate(rows, 1)]


def find_titled(opened: OpenLink, pk: uuid.UUID) -> SharedVideo:
    """One of them, by the name that it has among the others. Raises as `OpenLink.video`."""
    found = next((one for one in titled(opened) if one.generation.pk == pk), None)
    return found or SharedVideo(opened.video(pk), opened.link.name, opened.token)
