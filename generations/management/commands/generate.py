"""`manage.py generate`: what the composer does, from a shell, through the composer's own form."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from accounts.models import Team, User
from generations import tasks
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import (
    DEFAULT_CFG_SCALE,
    DEFAULT_NEGATIVE_PROMPT,
    AspectRatio,
    Duration,
    Endpoint,
    Quality,
    Source,
)
from generations.forms import GenerationForm
from generations.models import Collection, Generation, Status
from generations.orders.place import place_order

_POLL_INTERVAL: Final = 0.5  # s
_OPTION_OF_FIELD: Final = {
    "prompt": "PROMPT",
    "team": "--team",
    "start_file": "--image",
    "start_link": "--image",
    "tail_file": "--tail-image",
    "tail_link": "--tail-image",
    "quality": "--quality",
    "duration": "--duration",
    "aspect_ratio": "--aspect-ratio",
    "negative_prompt": "--negative-prompt",
    "cfg_scale": "--cfg-scale",
    "project": "--project",
}


class Command(BaseCommand):
    help = "Make a video from a prompt, or from a prompt and a picture. The last line printed is the video's address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt", metavar="PROMPT")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="Who asks, and in whose gallery it appears.")
        parser.add_argument(
            "--team", default="", metavar="SLUG", help="Who pays; the user's personal team if not given."
        )
        parser.add_argument("--project", default="", metavar="NAME", help="The project of the team to order in.")
        parser.add_argument("--image", default="", metavar="PATH_OR_URL", help="The picture to start from.")
        parser.add_argument("--tail-image", default="", metavar="PATH_OR_URL", help="The picture to end on.")
        parser.add_argument(
            "--quality", default=Quality.PRO.value, choices=list(Quality), help="draft costs less; it needs --image."
        )
        parser.add_argument("--duration", default=Duration.FIVE.value, help="Seconds: 5 or 10.")
        parser.add_argument("--aspect-ratio", default=AspectRatio.LANDSCAPE.value, help="16:9, 9:16 or 1:1; text only.")
        parser.add_argument("--negative-prompt", default=DEFAULT_NEGATIVE_PROMPT, metavar="TEXT")
        parser.add_argument("--cfg-scale", default=str(DEFAULT_CFG_SCALE), help="How close to the prompt: 0 to 1.")
        parser.add_argument("--wait", action="store_true", help="Show the progress and stay until it is done.")

    def handle(self, **options: Any) -> None:
        generation = _place(_valid_form(options))
        tasks.wake()
        page = settings.SITE_URL + generation.get_absolute_url()
        self.stderr.write(f"{generation.get_endpoint_display()}, ${generation.cost_cents / 100:.2f}: {page}")
        if options["wait"]:
            _wait(generation, page)
        self.stdout.write(settings.SITE_URL + reverse("generation-video", args=[generation.pk]))


def _place(form: GenerationForm) -> Generation:
    try:
        return place_order(form.order)
    except (BucketDownError, OrderRefusedError) as error:
        raise CommandError(str(error)) from error


def _valid_form(options: dict[str, Any]) -> GenerationForm:
    user = User.objects.filter(email__iexact=options["user"], is_active=True).first()
    if user is None:
        raise CommandError(f"--user: nobody signs in as {options['user']}.")
    texts = ("prompt", "quality", "duration", "aspect_ratio", "negative_prompt", "cfg_scale")
    data: dict[str, Any] = {name: options[name] for name in texts}
    data["kind"] = Source.IMAGE.value if options["image"] or options["tail_image"] else Source.TEXT.value
    if Endpoint.choose(data["kind"], data["quality"]) is None:
        raise CommandError(f"--quality: there is no {data['quality']} of a video from text. Give --image.")
    data["team"] = options["team"] or _personal_team(user)
    data["project"] = _project(data["team"], options["project"]) if options["project"] else ""
    files: dict[str, UploadedFile[Any]] = {}
    for slot, option in (("start", "image"), ("tail", "tail_image")):
        _add_picture(slot, options[option], data, files)
    form = GenerationForm(user, data, files)
    if not form.is_valid():
        raise CommandError("\n".join(_problems(form)))
    return form


def _personal_team(user: User) -> str:
    """Its slug, or "" for a user whose personal team an admin has taken away: then `--team` is needed."""
    return Team.objects.filter(personal_of=user).values_list("slug", flat=True).first() or ""


def _project(team: str, name: str) -> int:
    found = Collection.objects.filter(team__slug=team, name__iexact=name.strip()).first()
    if found is None:
        raise CommandError(f"--project: there is none of that name in {team}.")
    return found.pk


def _add_picture(slot: str, given: str, data: dict[str, Any], files: "dict[str, UploadedFile[Any]]") -> None:
    if given.startswith(("http://", "https://")):
        data[f"{slot}_link"] = given
    elif given:
        option = _OPTION_OF_FIELD[f"{slot}_file"]
        try:
            content = Path(given).expanduser().read_bytes()
        except OSError as error:
            raise CommandError(f"{option}: {given} cannot be read: {error.strerror}.") from None
        files[f"{slot}_file"] = SimpleUploadedFile(Path(given).name, content)


def _problems(form: GenerationForm) -> list[str]:
    return [
        f"{_OPTION_OF_FIELD.get(field, field)}: {message}"
        for field, errors in form.errors.items()
        for message in errors
    ]


def _wait(generation: Generation, page: str) -> None:
    """Show the row's progress until it has ended. Raises CommandError with the reason when there is no video."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("Waiting", total=100)
            while generation.is_open:
                time.sleep(_POLL_INTERVAL)
                generation.refresh_from_db()
                _show(progress, task, generation)
    except KeyboardInterrupt:
        raise CommandError(f"It goes on without you: {page}") from None
    if generation.status != Status.DONE:
        charged = f"It cost ${generation.cost_cents / 100:.2f}." if generation.cost_cents else "It cost nothing."
        raise CommandError(f"{generation.message or generation.get_status_display()} {charged}")


def _show(progress: Progress, task: TaskID, generation: Generation) -> None:
    """Known amounts move the bar: a step of the way each, and the copy by its bytes."""
    text = (generation.is_open and generation.message) or _status_text(generation)
    progress.update(task, description=text, completed=_percent(generation))


def _status_text(generation: Generation) -> str:
    ahead = generation.queue_position
    if generation.status == Status.RENDERING:
        return "Rendering" if ahead is None else f"Waiting at fal, {ahead} ahead"
    return str(generation.get_status_display())


def _percent(generation: Generation) -> float:
    if generation.status == Status.DONE:
        return 100
    if generation.status == Status.MIRRORING:
        return 60 + 40 * generation.copied_bytes / (generation.total_bytes or max(generation.copied_bytes, 1))
    if generation.status == Status.RENDERING:
        return 10 if generation.queue_position is not None else 30
    return 0
