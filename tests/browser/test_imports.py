"""A sheet of 500 rows with 20 wrong ones: brought, mapped, corrected on the page, ordered, and given back with results.

On a phone and on a wide screen; and pictures from a folder.
"""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Generation, ImportPicture, OrderImport
from tests.browser.conftest import desk_alone
from tests.cast import picture
from tests.generations.imports.cast import HEADER, make_import

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROWS = 500
# one in 25 rows is wrong, each in one of four ways: its column, its cell, and what is right
WRONG = [(0, " ", "A fox"), (1, "7", "10"), (2, "4:3", "1:1"), (3, "2", "0.5")]


def big_sheet() -> bytes:
    rows = [[f"Fox {number}, in snow", "5", "16:9", "0,5", f"Client {number}", "snow"] for number in range(ROWS)]
    for at, index in enumerate(range(3, ROWS, 25)):
        column, wrong, _right = WRONG[at % len(WRONG)]
        rows[index][column] = wrong
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerows([["Shot", "Länge", "Ratio", "CFG", "Kunde", "Tags"], *rows])
    return text.getvalue().encode("utf-8-sig")


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_500_rows_with_20_wrong_ones(
    bobs_page: Page, film: Team, bob: User, studio: LiveServer, tmp_path: Path
) -> None:
    page = bobs_page
    page.goto("/generations/new/?team=film")
    page.get_by_role("link", name="Import from CSV").click()
    page.get_by_label("CSV file").set_input_files(
        FilePayload(name="Drehplan.csv", mimeType="text/csv", buffer=big_sheet())
    )
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="What each column is")).to_be_visible()
    assert fits(page)
    page.get_by_label("B Länge").select_option("Duration")
    page.get_by_label("Team", exact=True).select_option("Film")
    page.get_by_role("button", name="Check the rows").click()

    expect(page.get_by_text("500 rows · 20 to correct")).to_be_visible()
    assert fits(page)
    rows = page.locator(".import__row")
    expect(rows).to_have_count(20)
    expect(rows.nth(1)).to_contain_text("Row 30")
    expect(rows.nth(1)).to_contain_text("Column B: Duration")
    expect(rows.nth(1)).to_contain_text("Choose 5 or 10.")
    expect(page.get_by_role("button", name="Order 500 videos")).to_be_disabled()
    fields = page.locator(".import__row textarea")
    expect(fields).to_have_count(20)
    for at in range(19):
        fields.nth(at).fill(WRONG[at % len(WRONG)][2])
    page.get_by_role("button", name="Save and check again").click()

    expect(page.get_by_text("500 rows · 1 to correct")).to_be_visible()
    page.locator(".import__row textarea").fill("0.5")
    page.get_by_role("button", name="Save and check again").click()
    expect(page.get_by_text("nothing to correct in them")).to_be_visible()
    page.get_by_role("button", name="Order 500 videos · $176.75").click()  # five of them are of 10 s

    expect(page.get_by_text("500 videos ordered.")).to_be_visible()
    expect(page.get_by_text("0 of 500 made")).to_be_visible()
    assert fits(page)
    assert Generation.objects.filter(team=film, user=bob).count() == ROWS
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download sheet with results").click()
    assert begun.value.suggested_filename == "Drehplan results.csv"
    begun.value.save_as(tmp_path / "results.csv")
    text = (tmp_path / "results.csv").read_text("utf-8-sig")
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    assert found[0] == ["Shot", "Länge", "Ratio", "CFG", "Kunde", "Tags", "status", "video", "cost_usd", "reason"]
    assert len(found) == ROWS + 1
    assert found[4][:6] == ["A fox", "5", "16:9", "0,5", "Client 3", "snow"]
    assert {row[6] for row in found[1:]} == {"queued"}
    assert found[1][7].endswith(f"/generations/{Generation.objects.get(prompt='Fox 0, in snow').pk}/")


def test_a_folder_of_pictures(bobs_page: Page, film: Team, tmp_path: Path) -> None:
    page, folder = bobs_page, tmp_path / "shots"
    folder.mkdir()
    for name in ("fox_start.png", "fox_end.png", "owl.png", "notes.txt"):
        (folder / name).write_bytes(b"notes" if name.endswith("txt") else picture())
    page.goto("/import/?team=film")
    page.get_by_role("button", name="Import a folder of pictures").click()
    page.get_by_label("Or a whole folder").set_input_files(folder)
    expect(page.get_by_text("3 pictures uploaded")).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="Make a row for each picture or pair").click()
    expect(page.get_by_text("2 rows · nothing")).to_be_visible()
    page.get_by_role("button", name="Order 2 videos · $0.70").click()
    expect(page.get_by_text("0 of 2 made")).to_be_visible()
    fox, owl = Generation.objects.order_by("batch_index")
    assert (fox.prompt, fox.pictures.count(), owl.prompt, owl.pictures.count()) == ("fox", 2, "owl", 1)


@desk_alone
def test_missing_pictures_are_sent_and_what_was_typed_stays(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    page.goto("/import/?team=film")
    page.get_by_label("Or paste cells").fill("Prompt\tStart\nA fox\tfox.png\n\towl")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Check the rows").click()
    expect(page.locator(".import__row")).to_have_count(2)
    page.get_by_label("Column A: Prompt").fill("An owl")
    page.locator("#id_files").set_input_files(
        [
            FilePayload(name=name, mimeType="image/png", buffer=data)
            for name, data in (("fox.png", picture()), ("owl.png", picture()), ("bad.png", b"no picture"))
        ]
    )
    expect(page.get_by_text("bad.png: This file isn't a picture.")).to_be_visible()
    expect(page.get_by_text("3 of 3 pictures sent")).to_be_visible()
    expect(page.get_by_label("Column A: Prompt")).to_have_value("An owl")
    assert ImportPicture.objects.count() == 2
    page.get_by_role("button", name="Save and check again").click()
    expect(page.get_by_role("button", name="Order 2 videos")).to_be_enabled()
    assert OrderImport.objects.get().rows[2] == ["An owl", "owl"]


def test_a_stale_tab_shows_what_was_typed_there(bobs_page: Page, film: Team, bob: User) -> None:
    found = make_import(bob, film, "Fox,,7,,,,,,", "Bear,,7,,,,,,")
    page = bobs_page
    page.goto(f"/import/{found.pk}/")
    page.get_by_text("Bring the corrected sheet").click()
    page.get_by_label("Or paste cells copied from a sheet").fill("Prompt\tDuration\nAn owl\t10")
    page.get_by_label("Column C: Duration").first.fill("10 s")
    OrderImport.objects.get().change(rows=[HEADER.split(","), *(["Hare", "", "12", *[""] * 6] for _ in range(2))])

    page.get_by_role("button", name="Save and check again").click()

    expect(page.get_by_role("alert").filter(has_text="changed in another tab meanwhile")).to_be_visible()
    expect(page.get_by_label("Row 2, column C")).to_have_value("10 s")
    expect(page.get_by_label("Column C: Duration").first).to_have_value("12")
    assert fits(page)
    page.get_by_label("Column C: Duration").first.fill("10")
    page.get_by_label("Column C: Duration").last.fill("5")
    page.get_by_role("button", name="Save and check again").click()
    expect(page.get_by_role("button", name="Order 2 videos")).to_be_enabled()
    assert [row[2] for row in OrderImport.objects.get().rows[1:]] == ["10", "5"]


@desk_alone
def test_a_refused_paste_stays_on_the_page(bobs_page: Page, film: Team, bob: User) -> None:
    found = make_import(bob, film, "Fox,,7,,,,,,")
    page, pasted = bobs_page, 'Prompt,Duration\n"An owl,10\n'
    page.goto(f"/import/{found.pk}/")
    page.get_by_text("Bring the corrected sheet").click()
    page.get_by_label("Or paste cells copied from a sheet").fill(pasted)
    page.get_by_role("button", name="Replace the sheet").click()

    expect(page.get_by_text("a quotation mark is missing")).to_be_visible()
    expect(page.get_by_label("Or paste cells copied from a sheet")).to_have_value(pasted)
