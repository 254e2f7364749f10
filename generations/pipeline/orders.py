"""From a person's checked input to a committed row. Once the row is committed, the request is safe."""

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from accounts.models import Team, User
from generations import bucket
from generations.fal.arguments import Arguments, Endpoint, TextToVideo
from generations.models import Event, Generation, InputPicture, Price, Slot, Upload
from generations.pictures import Picture


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for. The picture addresses in `arguments` stand in for `pictures` and are not used."""

    user: User
    team: Team
    form_key: uuid.UUID
    arguments: Arguments
    pictures: dict[Slot, Upload]

    @property
    def endpoint(self) -> Endpoint:
        is_text = isinstance(self.arguments, TextToVideo)
        return Endpoint.TEXT_TO_VIDEO if is_text else Endpoint.IMAGE_TO_VIDEO


def keep_picture(user: User, picture: Picture) -> Upload:
    """Put a person's picture into the bucket, so that a form that comes back with errors need not ask for it again."""
    key = f"uploads/{user.pk}/{picture.sha256}.{picture.extension}"
    bucket.put(key, picture.data, picture.media_type)
    upload, _ = Upload.objects.get_or_create(
        user=user,
        sha256=picture.sha256,
        defaults={
            "key": key,
            "media_type": picture.media_type,
            "width": picture.width,
            "height": picture.height,
            "size": len(picture.data),
        },
    )
    return upload


def place_order(order: Order) -> Generation:
    """The generation for an order; an order whose form key is known already gives the generation made then."""
    if known := Generation.objects.filter(user=order.user, form_key=order.form_key).first():
        return known
    generation = _new_generation(order)
    pictures = [_input_picture(generation, slot, upload) for slot, upload in order.pictures.items()]
    try:
        _commit(generation, pictures)
    except IntegrityError:
        # the same form was posted twice at once, and the other one was first
        return Generation.objects.get(user=order.user, form_key=order.form_key)
    return generation


def _new_generation(order: Order) -> Generation:
    arguments = order.arguments
    seconds = int(arguments.duration)
    return Generation(
        team=order.team,
        user=order.user,
        form_key=order.form_key,
        endpoint=order.endpoint,
        prompt=arguments.prompt,
        negative_prompt=arguments.negative_prompt,
        cfg_scale=arguments.cfg_scale,
        duration=seconds,
        aspect_ratio=arguments.aspect_ratio if isinstance(arguments, TextToVideo) else "",
        cost_cents=Price.objects.cents(order.endpoint, seconds),
    )


def _input_picture(generation: Generation, slot: Slot, upload: Upload) -> InputPicture:
    """The upload's own copy under the generation's prefix."""
    key = f"{generation.key_prefix}/input/{upload.sha256}.{upload.extension}"
    bucket.copy(upload.key, key)
    return InputPicture(
        generation=generation,
        slot=slot,
        key=key,
        sha256=upload.sha256,
        media_type=upload.media_type,
        width=upload.width,
        height=upload.height,
        size=upload.size,
    )


@transaction.atomic
def _commit(generation: Generation, pictures: list[InputPicture]) -> None:
    generation.save(force_insert=True)
    InputPicture.objects.bulk_create(pictures)
    Event.objects.create(generation=generation, status=generation.status, by=generation.user)
