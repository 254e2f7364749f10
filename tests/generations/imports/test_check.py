"""A sheet is checked as a whole, by the composer's rules: every wrong cell by row, column, value and what to do."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.imports.check import CheckedRow, check
from generations.models import Collection, EndpointSwitch, ImportPicture, OrderImport, PromptRule, Slot, Upload
from tests.cast import make_upload, picture
from tests.generations.imports.cast import make_import

pytestmark = pytest.mark.django_db


def keep(found: OrderImport, name: str) -> Upload:
    upload = make_upload(found.user)
    ImportPicture.objects.keep(found, name, upload)
    return upload


def problems(row: CheckedRow) -> list[tuple[str, str, str]]:
    return [(problem.letter, problem.field.value, problem.message) for problem in row.problems]


def test_right_rows_are_orders_with_their_price(film: Team, bob: User) -> None:
    found = make_import(
        bob,
        film,
        "A fox,,,,,,,,",
        "A bear,text,10 s,09:16:00,,,'snow; Hero',0.7,pro",
        ",,,,,,,,",
        "A hare,,5,,fox,sub/END.PNG,,,",
        "An owl,,5,,fox.png,,,,draft",
    )
    start, end = keep(found, "fox.png"), keep(found, "sub/end.png")

    checked = check(found)

    assert [row.number for row in checked.rows] == [2, 3, 5, 6]
    assert checked.wrong == []
    assert checked.is_ready
    assert checked.cents == 35 + 70 + 35 + 21
    text, long, pictures, draft = checked.orders()
    assert (text.endpoint, text.arguments.prompt, text.arguments.duration) == (Endpoint.TEXT_TO_VIDEO, "A fox", "5")
    assert text.arguments.negative_prompt == "blur, distort, and low quality"
    assert long.arguments.model_dump() == {
        "prompt": "A bear",
        "duration": "10",
        "negative_prompt": "text",
        "cfg_scale": 0.7,
        "aspect_ratio": "9:16",
    }
    assert pictures.endpoint == Endpoint.IMAGE_TO_VIDEO
    assert pictures.pictures == {Slot.START: start, Slot.TAIL: end}
    assert draft.endpoint == Endpoint.DRAFT_IMAGE_TO_VIDEO


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (",,,,,,,,", None),
        (" ,,5,,,,,,", ("A", "prompt", "Write what the video should show.")),
        ("=A1&B1,,,,,,,,", ("A", "prompt", "This is a formula")),
        ("#REF!,,,,,,,,", ("A", "prompt", "The sheet couldn’t compute")),
        ("x" * 2501 + ",,,,,,,,", ("A", "prompt", "It has 2,501 characters")),
        ("Fox," + "x" * 2501 + ",,,,,,,", ("B", "negative_prompt", "It has 2,501 characters")),
        ("Fox,,7,,,,,,", ("C", "duration", "Choose 5 or 10.")),
        ("Fox,,,4:3,,,,,", ("D", "aspect_ratio", "Choose 16:9, 9:16 or 1:1.")),
        ("Fox,,,,bear.png,,,,", ("E", "start", "No picture of that name")),
        ("Fox,,,,http://example.com/a.png,,,,", "waits"),
        ("Fox,,,,,fox.png,,,", ("E", "start", "Choose a picture to start from.")),
        ("Fox,,,,fox.png,fox.png,,,draft", ("F", "tail", "A draft takes no end picture.")),
        ("Fox,,,,two.png,,,,", ("E", "start", "More than one picture is called that: a/two.png, b/two.png.")),
        ("Fox,,,,,," + "x" * 61 + ",,", ("G", "tags", "A tag has at most 60 characters.")),
        ("Fox,,,,,,,1.5,", ("H", "cfg_scale", "Choose a number from 0 to 1.")),
        ("Fox,,,,,,,much,", ("H", "cfg_scale", "Choose a number from 0 to 1.")),
        ("Fox,,,,,,,,best", ("I", "quality", "Write pro or draft.")),
        ("Fox,,,,,,,,draft", ("I", "quality", "A draft is made from a picture.")),
        ("A bomb,,,,,,,,", ("A", "prompt", "No bombs here.")),
    ],
)
def test_wrong_cells_are_named(film: Team, bob: User, row: str, wrong: tuple[str, str, str] | str | None) -> None:
    PromptRule.objects.create(text="bomb", action=PromptRule.Action.BLOCK, message="No bombs here.")
    found = make_import(bob, film, "Right,,,,,,,,", row)
    for name in ("fox.png", "a/two.png", "b/two.png"):
        keep(found, name)

    checked = check(found)

    if wrong is None:
        assert [one.number for one in checked.rows] == [2]
        return
    assert not checked.is_ready
    if wrong == "waits":
        assert (checked.wrong, checked.waiting, checked.cents) == ([], 1, 70)
        return
    (bad,) = checked.wrong
    assert bad.number == 3
    ((letter, field, message),) = problems(bad)
    assert (letter, field) == (wrong[0], wrong[1])
    assert message.startswith(wrong[2])
    assert bad.problems[0].value == bad.cells[bad.problems[0].column or 0]


def test_every_wrong_cell_of_a_row_is_named_in_the_order_of_the_columns(film: Team, bob: User) -> None:
    (row,) = check(make_import(bob, film, ",,7,4:3,,,,2,")).wrong

    assert [(problem.letter, problem.value) for problem in row.problems] == [
        ("A", ""),
        ("C", "7"),
        ("D", "4:3"),
        ("H", "2"),
    ]


def test_a_blank_cell_is_what_the_import_says_else_the_project_else_the_user(film: Team, bob: User) -> None:
    bob.defaults = {"duration": "10", "negative_prompt": "text", "cfg_scale": 0.1}
    project = Collection.objects.create(team=film, name="Spring", defaults={"duration": "5", "aspect_ratio": "1:1"})
    found = make_import(bob, film, "Fox,,,,,,,,", project=project, defaults={"negative_prompt": "cars"})

    (order,) = check(found).orders()

    assert order.arguments.model_dump() == {
        "prompt": "Fox",
        "duration": "5",
        "negative_prompt": "cars",
        "cfg_scale": 0.1,
        "aspect_ratio": "1:1",
    }
    assert order.project == project


def test_one_prompt_for_all_needs_no_column(film: Team, bob: User) -> None:
    found = make_import(bob, film, "5", header="Seconds", mapping=["duration"])
    assert "No column is the prompt" in check(found).problems[0]

    found.defaults = {"prompt": "A fox"}
    assert [order.arguments.prompt for order in check(found).orders()] == ["A fox"]


def test_two_columns_that_claim_the_same_are_no_order(film: Team, bob: User) -> None:
    found = make_import(bob, film, "a,b", header="One,Two", mapping=["prompt", "prompt"])

    checked = check(found)

    assert checked.problems == ["Prompt: more than one column is said to be that (A, B)."]
    assert not checked.is_ready


def test_what_is_switched_off_for_the_team_is_told_by_row(film: Team, bob: User) -> None:
    EndpointSwitch.objects.create(endpoint=Endpoint.DRAFT_IMAGE_TO_VIDEO, team=film, is_on=False)
    found = make_import(bob, film, "Fox,,,,fox.png,,,,draft", "Bear,,,,,,,,")
    keep(found, "fox.png")

    (row,) = check(found).wrong

    assert problems(row)[0][:2] == ("I", "quality")
    assert "switched off for Film" in problems(row)[0][2]


def test_a_url_is_an_upload_once_it_is_fetched_and_an_error_where_it_gave_none(film: Team, bob: User) -> None:
    good, bad = "https://example.com/a.png", "https://example.com/B.png"
    found = make_import(bob, film, f"Fox,,,,{good},,,,", f"Bear,,,,{bad},,,,")
    ImportPicture.objects.set_urls(found, {good, bad})
    assert check(found).waiting == 2
    upload = make_upload(bob)
    ImportPicture.objects.get(name=good).finish(upload=upload)
    ImportPicture.objects.get(name=bad).finish(error="There is nothing at this address (404). Check it.")

    checked = check(OrderImport.objects.get())

    assert checked.waiting == 0
    assert checked.right[0].pictures == {Slot.START: upload}
    assert problems(checked.wrong[0]) == [("E", "start", "There is nothing at this address (404). Check it.")]


@pytest.mark.parametrize("rows", [2, 60])
def test_no_row_adds_a_query(film: Team, bob: User, rows: int) -> None:
    lines = [f"Fox {n},,,,https://example.com/{n}.png,,a{n},," for n in range(rows)]
    made = make_import(bob, film, *lines, *["Bear,,,,fox.png,,b,,", ",,7,,,,,,best"] * rows)
    keep(made, "fox.png")
    ImportPicture.objects.set_urls(made, {f"https://example.com/{n}.png" for n in range(rows)})
    found = OrderImport.objects.select_related("user", "team", "project").get()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        check(found)

    assert len(queries) == 4


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ("fox.png", "fox.png"),
        ("FOX.PNG", "fox.png"),
        ("./fox.png", "fox.png"),
        ("old/fox.png", "old/fox.png"),
        ("old\\fox", "old/fox.png"),
        ("Hare.png", "Hare.png"),
        ("hare.png", "hare.png"),
        ("https://example.com/a.png", "https://example.com/a.png"),
    ],
)
def test_a_whole_name_means_that_picture(film: Team, bob: User, cell: str, named: str) -> None:
    """Though another folder has a file of this name, or another file this name in other letters."""
    found = make_import(bob, film, f"Fox,,,,{cell},,,,")
    names = {"fox.png": "red", "old/fox.png": "blue", "Hare.png": "white", "hare.png": "black"}
    uploads = {name: make_upload(bob, picture(color=color)) for name, color in names.items()}
    for name, upload in uploads.items():
        ImportPicture.objects.keep(found, name, upload)
    ImportPicture.objects.set_urls(found, ["https://example.com/a.png"])
    uploads["https://example.com/a.png"] = make_upload(bob, picture(color="green"))
    ImportPicture.objects.filter(is_url=True).update(upload=uploads["https://example.com/a.png"])

    [row] = check(found).right

    assert row.pictures == {Slot.START: uploads[named]}


def test_pictures_of_one_name_are_told_in_a_few_words(film: Team, bob: User) -> None:
    found = make_import(bob, film, *["Fox,,,,start,,,,"] * 3)
    for number in range(40):
        keep(found, f"{number}/start.png")

    assert all(len(problems(row)[0][2]) < 150 for row in check(found).wrong)


@pytest.mark.parametrize("name", ["/", ".", "./", "", "..", "a/..", " "])
def test_a_picture_without_a_name_breaks_no_page(film: Team, bob: User, name: str) -> None:
    """It may have been kept before such names were refused."""
    found = make_import(bob, film, "Fox,,,,fox,,,,", f"Bear,,,,{name},,,,")
    keep(found, name)
    keep(found, "fox.png")

    assert check(found).rows[0].pictures


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("late  snow", ["late snow"]),
        ("late\tsnow", ["late snow"]),
        ("\u200b", []),
        ("\u2060;snow", ["snow"]),
        ("snow;SNOW ;s\u200bnow", ["snow"]),
        ("late snow;late   snow", ["late snow"]),
    ],
)
def test_tags_are_named_as_on_their_pages(film: Team, bob: User, cell: str, tags: list[str]) -> None:
    [row] = check(make_import(bob, film, f"Fox,,,,,,{cell},,")).right

    assert row.tags == tags
