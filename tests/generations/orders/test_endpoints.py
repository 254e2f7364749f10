"""Endpoints of fal are entries of one table: what each takes, what it costs, who may use it, and until when."""

import dataclasses
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.checks import endpoints_do_not_end
from generations.exceptions import EndpointUnavailableError
from generations.fal.arguments import NOTICE, AspectRatio, Endpoint, Quality, Source, parse, to_json
from generations.forms import GenerationForm
from generations.models import EndpointSwitch, Generation, Preset, Price, Slot, Status
from generations.orders.place import Order, place_order, place_retry
from sharing.presentation import SharedVideo
from tests.cast import make_generation, make_upload, make_video, picture, signed_in

PAGE = "/generations/new/"
DRAFT = Endpoint.DRAFT_IMAGE_TO_VIDEO
IDS = {
    "fal-ai/kling-video/v2.5-turbo/pro/text-to-video": ("text", "pro", 35, 70),
    "fal-ai/kling-video/v2.5-turbo/pro/image-to-video": ("image", "pro", 35, 70),
    "fal-ai/kling-video/v2.5-turbo/standard/image-to-video": ("image", "draft", 21, 42),
}
ALL = pytest.mark.parametrize("endpoint", list(Endpoint))
EndsOn = Callable[[Endpoint, date | None], None]


@pytest.fixture
def ends_on(monkeypatch: pytest.MonkeyPatch) -> EndsOn:
    """What fal would announce, as the table has it."""

    def announce(endpoint: Endpoint, day: date | None) -> None:
        monkeypatch.setattr(endpoint, "terms", dataclasses.replace(endpoint.terms, ends_on=day))

    return announce


def order_of(user: User, team: Team, endpoint: Endpoint, seconds: int = 5) -> Order:
    values = {"prompt": "A fox", "duration": seconds, "image_url": "https://a.example/fox.jpg"}
    pictures = {Slot.START: make_upload(user)} if endpoint.source is Source.IMAGE else {}
    return Order(user, team, uuid.uuid4(), endpoint, parse(endpoint, values), pictures)


def filled(user: User, team: Team, **values: Any) -> GenerationForm:
    data = {"kind": "image", "team": team.slug, "prompt": "A fox", "duration": "5", "aspect_ratio": "16:9"}
    data |= {"negative_prompt": "blur", "cfg_scale": "0.5", "quality": "draft", **values}
    files = {name: data.pop(name) for name in ("start_file", "tail_file") if name in data}
    return GenerationForm(user, data, files)


def file() -> SimpleUploadedFile:
    return SimpleUploadedFile("fox.jpg", picture())


def posted(client: Client, team: Team, **values: Any) -> Any:
    data: dict[str, Any] = {"idempotency_key": str(uuid.uuid4()), "kind": "image", "team": team.slug, "prompt": "A fox"}
    data |= {"duration": "10", "negative_prompt": "blur", "cfg_scale": "0.5", "start_file": file()}
    return client.post(PAGE, data | values)


# --- the table --------------------------------------------------------------------------------------------------------


def test_ids_sources_qualities_and_prices_are_fals() -> None:
    assert {one.value: (one.source, one.quality, *one.terms.cents.values()) for one in Endpoint} == IDS


def test_pro_is_what_is_made_unless_asked() -> None:
    assert [Endpoint.default(source).quality for source in Source] == [Quality.PRO, Quality.PRO]


@pytest.mark.parametrize(
    ("source", "quality", "expected"),
    [
        ("text", "", Endpoint.TEXT_TO_VIDEO),
        ("text", "pro", Endpoint.TEXT_TO_VIDEO),
        ("text", "draft", None),
        ("image", "", Endpoint.IMAGE_TO_VIDEO),
        ("image", "pro", Endpoint.IMAGE_TO_VIDEO),
        ("image", "draft", DRAFT),
        ("sound", "", None),
        ("image", "best", None),
    ],
)
def test_source_and_quality_choose(source: str, quality: str, expected: Endpoint | None) -> None:
    assert Endpoint.choose(source, quality) is expected


def test_no_two_entries_are_chosen_by_the_same_words() -> None:
    assert len({(one.source, one.quality) for one in Endpoint}) == len(Endpoint)


@ALL
def test_request_has_only_what_the_endpoint_takes(endpoint: Endpoint) -> None:
    every = {"prompt": "x", "image_url": "https://a.example/a", "tail_image_url": "https://a.example/b"}
    assert set(to_json(parse(endpoint, {**every, "aspect_ratio": "1:1", "seed": 7}))) == endpoint.fields


def test_nothing_else_knows_an_endpoints_name() -> None:
    """But for history: migrations. Tests and benchmarks name what they try."""
    own = [settings.BASE_DIR / name for name in ("accounts", "api", "config", "generations", "sandbox", "sharing")]
    files = [path for folder in own for path in folder.rglob("*.py") if "migrations" not in path.parts[:-1]]
    files += [path for name in ("templates", "static") for path in (settings.BASE_DIR / name).rglob("*.*")]
    names = [*(one.value for one in Endpoint), *(f"Endpoint.{one.name}" for one in Endpoint), DRAFT.app]
    table = settings.BASE_DIR / "generations/fal/arguments.py"
    texts = {path: path.read_bytes().decode(errors="ignore") for path in files if path != table}
    assert table in files
    assert {str(path) for path, text in texts.items() if any(name in text for name in names)} == set()


@ALL
def test_new_studio_begins_with_the_prices_of_the_table(endpoint: Endpoint, db: None) -> None:
    assert Price.objects.table()[endpoint] == {str(seconds): cents for seconds, cents in endpoint.terms.cents.items()}


@ALL
@pytest.mark.parametrize("ratio", ["", *AspectRatio])
def test_database_keeps_the_shape_of_each(endpoint: Endpoint, ratio: str, bob: User, film: Team) -> None:
    with transaction.atomic():
        fits = bool(ratio) == ("aspect_ratio" in endpoint.fields)
        if fits:
            make_generation(bob, film, endpoint=endpoint, aspect_ratio=ratio)
            return
        with pytest.raises(IntegrityError, match="generation_aspect_ratio_for_text_only"):
            make_generation(bob, film, endpoint=endpoint, aspect_ratio=ratio)


def test_database_knows_no_other(bob: User, film: Team) -> None:
    with transaction.atomic(), pytest.raises(IntegrityError, match=r"generation_(endpoint_known|aspect_ratio)"):
        make_generation(bob, film, endpoint="fal-ai/kling-video/v9", aspect_ratio="")


# --- the composer -----------------------------------------------------------------------------------------------------


def test_draft_costs_what_a_draft_costs(bob: User, film: Team) -> None:
    assert posted(signed_in(bob), film, quality="draft").status_code == 302
    row = Generation.objects.get()
    assert (row.endpoint, row.cost_cents, row.aspect_ratio) == (DRAFT, 42, "")


def test_old_form_without_a_quality_is_pro(bob: User, film: Team) -> None:
    posted(signed_in(bob), film)
    assert Generation.objects.get().endpoint == Endpoint.IMAGE_TO_VIDEO


def test_draft_with_an_end_picture_says_so_beside_it_and_loses_nothing(bob: User, film: Team) -> None:
    answer = posted(signed_in(bob), film, quality="draft", tail_file=SimpleUploadedFile("x.jpg", picture(color="red")))
    assert answer.status_code == 422
    form = answer.context["form"]
    assert {name: list(words) for name, words in form.errors.items()} == {
        "tail_file": ["A draft takes no end picture. Remove it, or choose another quality."]
    }
    assert set(form.kept) == {Slot.START, Slot.TAIL}
    assert form["quality"].value() == "draft"


def test_quality_of_the_other_tab_is_not_asked_for(bob: User, film: Team) -> None:
    form = filled(bob, film, kind="text")
    assert form.is_valid(), form.errors
    assert form.order.endpoint is Endpoint.TEXT_TO_VIDEO


def test_no_such_quality_is_an_error_beside_it(bob: User, film: Team) -> None:
    form = filled(bob, film, quality="best", start_file=file())
    assert not form.is_valid()
    assert list(form.errors) == ["quality"]


def test_page_shows_both_with_their_prices(bob: User, film: Team) -> None:
    answer = signed_in(bob).get(f"{PAGE}?kind=image")
    page = answer.content.decode()
    assert [name for name, _, _ in answer.context["qualities"]] == ["pro", "draft"]
    assert answer.context["cents"] == 35
    for kind, quality, five, ten in (("text", "", 35, 70), ("image", "pro", 35, 70), ("image", "draft", 21, 42)):
        for seconds, cents in ((5, five), (10, ten)):
            facts = f'data-quality="{quality}" data-seconds="{seconds}"'
            assert [
                one
                for one in page.split("<span")
                if f'data-kind="{kind}"' in one and facts in one and f'data-cents="{cents}"' in one
            ]


def test_again_and_preset_begin_with_the_quality(bob: User, film: Team) -> None:
    client, row = signed_in(bob), make_generation(bob, film, Status.DONE, endpoint=DRAFT, aspect_ratio="")
    form = client.get(f"{PAGE}?from={row.pk}").context["form"]
    assert (form["kind"].value(), form["quality"].value()) == ("image", "draft")
    client.post(reverse("presets"), {"preset_name": "Cheap", "kind": "image", "quality": "draft"})
    preset = Preset.objects.get()
    form = client.get(f"{PAGE}?preset={preset.pk}").context["form"]
    assert (form["kind"].value(), form["quality"].value()) == ("image", "draft")


def test_gallery_finds_drafts_among_pictures(bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.DONE, endpoint=DRAFT, aspect_ratio="")
    text = make_generation(bob, film, Status.DONE)
    for kind, shown, hidden in (("image", row, text), ("text", text, row)):
        page = signed_in(bob).get(f"/?team=film&kind={kind}").content.decode()
        assert str(shown.pk) in page
        assert str(hidden.pk) not in page


def test_video_page_says_what_it_is(bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.DONE, endpoint=DRAFT, aspect_ratio="")
    page = signed_in(bob).get(f"/generations/{row.pk}/").content.decode()
    assert "Kling Video v2.5 Turbo Standard, image to video, draft" in page
    assert DRAFT in page  # the code to send it oneself


# --- switches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("for_all", "own", "is_on"),
    [
        (None, None, True),
        (False, None, False),
        (True, None, True),
        (None, False, False),
        (None, True, True),
        (False, True, True),
        (True, False, False),
    ],
)
@ALL
def test_teams_own_switch_goes_before_the_one_for_all(
    endpoint: Endpoint, for_all: bool | None, own: bool | None, is_on: bool, bob: User, film: Team, alice: User
) -> None:
    for team, value in ((None, for_all), (film, own)):
        if value is not None:
            EndpointSwitch.objects.create(endpoint=endpoint, team=team, is_on=value)
    other = alice.personal_team
    EndpointSwitch.objects.create(endpoint=endpoint, team=other, is_on=not is_on)  # says nothing about Film
    if is_on:
        assert place_order(order_of(bob, film, endpoint)).endpoint == endpoint
    else:
        with pytest.raises(EndpointUnavailableError, match="switched off for Film"):
            place_order(order_of(bob, film, endpoint))
        assert not Generation.objects.exists()
    assert (endpoint in EndpointSwitch.objects.offered([film])) is is_on
    assert set(Endpoint) - {endpoint} <= set(EndpointSwitch.objects.offered([film]))


def test_switch_is_one_a_team_and_one_for_all(film: Team) -> None:
    for team in (film, None):
        EndpointSwitch.objects.create(endpoint=DRAFT, team=team)
        with transaction.atomic(), pytest.raises(IntegrityError, match="endpoint_switch_once"):
            EndpointSwitch.objects.create(endpoint=DRAFT, team=team)


def test_composer_offers_no_quality_that_is_off_and_refuses_it_beside_the_choice(bob: User, film: Team) -> None:
    EndpointSwitch.objects.create(endpoint=DRAFT)
    client = signed_in(bob)
    assert client.get(PAGE).context["qualities"] == []
    answer = posted(client, film, quality="draft")
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["quality"]
    assert "is switched off for Film" in answer.content.decode()
    assert not Generation.objects.exists()


def test_retry_of_what_is_off_is_refused(bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.FAILED, endpoint=DRAFT, aspect_ratio="")
    EndpointSwitch.objects.create(endpoint=DRAFT, team=film)
    with pytest.raises(EndpointUnavailableError):
        place_retry(row, bob, uuid.uuid4())


def test_admin_switches(film: Team, db: None) -> None:
    root = User.objects.create_superuser("root@example.com", "x", name="Root")
    client = signed_in(root)
    answer = client.post("/admin/generations/endpointswitch/add/", {"endpoint": DRAFT.value, "team": str(film.pk)})
    assert answer.status_code == 302, answer.context["errors"]
    assert EndpointSwitch.objects.refusal(film, DRAFT)
    switch = EndpointSwitch.objects.get()
    client.post(
        f"/admin/generations/endpointswitch/{switch.pk}/change/",
        {"endpoint": DRAFT.value, "team": str(film.pk), "is_on": "on"},
    )
    assert not EndpointSwitch.objects.refusal(film, DRAFT)


# --- the end of an endpoint -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "is_told", "is_over"),
    [
        (NOTICE.days + 1, False, False),
        (NOTICE.days, True, False),
        (1, True, False),
        (0, True, True),
        (-400, True, True),
    ],
)
@ALL
def test_admin_is_told_before_and_orders_end_with_it(
    endpoint: Endpoint, days: int, is_told: bool, is_over: bool, ends_on: EndsOn, bob: User, film: Team
) -> None:
    ends_on(endpoint, timezone.localdate() + timedelta(days=days))
    root = User.objects.create_superuser("root@example.com", "x", name="Root")
    assert (f"fal ends {endpoint.terms.title}" in signed_in(root).get("/admin/").content.decode()) is is_told
    assert [one.id for one in endpoints_do_not_end(None)] == ["studio.W007"] * is_told
    assert (endpoint in EndpointSwitch.objects.offered([film])) is not is_over
    if is_over:
        EndpointSwitch.objects.create(endpoint=endpoint, team=film, is_on=True)  # no switch brings it back
        with pytest.raises(EndpointUnavailableError, match="ended on"):
            place_order(order_of(bob, film, endpoint))
    else:
        assert place_order(order_of(bob, film, endpoint)).endpoint == endpoint


def test_nothing_is_told_of_what_has_no_end(db: None) -> None:
    assert endpoints_do_not_end(None) == []


# --- the command line -------------------------------------------------------------------------------------------------


def test_command_takes_the_quality(bob: User, film: Team, tmp_path: Path) -> None:
    path = tmp_path / "fox.jpg"
    path.write_bytes(picture())
    told = StringIO()
    arguments = ["generate", "--user", bob.email, "--team=film", "--quality=draft", f"--image={path}", "A fox"]
    call_command(*arguments, stdout=StringIO(), stderr=told)
    assert Generation.objects.get().endpoint == DRAFT
    assert told.getvalue().startswith("Image to video, draft, $0.21")


@pytest.mark.parametrize("quality", ["draft", "best"])
def test_command_refuses_a_quality_that_there_is_not(quality: str, bob: User) -> None:
    with pytest.raises(CommandError, match="--quality"):
        call_command(
            "generate", "--user", bob.email, f"--quality={quality}", "A fox", stdout=StringIO(), stderr=StringIO()
        )
    assert not Generation.objects.exists()


def test_draft_needs_one_question_more_of_the_database(bob: User, film: Team, django_assert_num_queries: Any) -> None:
    """For all of the page's teams at once."""
    with django_assert_num_queries(1):
        EndpointSwitch.objects.offered([film, bob.personal_team])
    assert connection.vendor == "postgresql"


@ALL
def test_guests_machines_read_which_model_made_it(endpoint: Endpoint, bob: User, film: Team) -> None:
    ratio = AspectRatio.LANDSCAPE if endpoint.source is Source.TEXT else ""
    row = make_generation(bob, film, Status.DONE, endpoint=endpoint, aspect_ratio=ratio)
    make_video(row)
    assert SharedVideo(row, "A fox", "token").metadata("AI-generated")["generator"] == endpoint.terms.title
