"""`manage.py demo`: create users to sign in as, and the first videos, on a developer's machine."""

import uuid
from pathlib import Path
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import User
from generations import tasks
from generations.forms import GenerationForm, initial_values
from generations.models import Generation
from generations.orders.place import place_order

PICTURE: Final = Path(settings.BASE_DIR) / "static" / "demo" / "starting-line.jpg"

# the prompts of the model's API page
LORD: Final = (
    "A noble lord walks among his people, his presence a comforting reassurance. He greets them with a gentle smile, "
    "embodying their hopes and earning their respect through simple interactions. The atmosphere is intimate and "
    "sincere, highlighting the bond between the leader and community."
)
CARS: Final = (
    "A stark starting line divides two powerful cars, engines revving for the challenge ahead. They surge forward in "
    "the heat of competition, a blur of speed and chrome. The finish line looms as they vie for victory."
)


class Command(BaseCommand):
    help = "Make the demo accounts and, on the first start with the sandbox, the two example videos. DEBUG only."

    def handle(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Known passwords are for DEBUG only.")
        demo = _person("demo@example.com", "demo", name="Demo")
        _person("admin@example.com", "admin", name="Admin", is_staff=True, is_superuser=True)
        # with a real key they would cost real money, which nobody has asked for
        if settings.FAL_IS_SANDBOX:
            _place_examples(demo)


@transaction.atomic
def _person(email: str, password: str, **fields: Any) -> User:
    if known := User.objects.filter(email=email).first():
        return known
    person = User.objects.create_user(email, password, **fields)
    EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
    return person


def _place_examples(demo: User) -> None:
    picture = SimpleUploadedFile(PICTURE.name, PICTURE.read_bytes())
    _place(demo, "lord", {"kind": "text", "prompt": LORD})
    _place(demo, "cars", {"kind": "image", "prompt": CARS}, {"start_file": picture})
    tasks.wake()


def _place(demo: User, name: str, data: dict[str, Any], files: dict[str, Any] | None = None) -> None:
    # always the same form key: a start that was cut short is made up for, and no video is ordered again
    key = uuid.uuid5(uuid.NAMESPACE_URL, f"kling-studio/demo/{name}")
    if Generation.objects.filter(user=demo, idempotency_key=key).exists():
        return
    form = GenerationForm(demo, {**initial_values(demo), "idempotency_key": key, **data}, files)
    if not form.is_valid():
        raise CommandError(f"The example {name} is not valid: {form.errors.as_text()}")
    place_order(form.order)
