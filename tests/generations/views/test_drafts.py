"""What was typed into the composer is kept for its person until it is ordered or discarded, whatever comes between."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.flows.delete_account import delete_account
from generations.models import MAX_DRAFTS, Draft, Generation, Slot, Upload
from generations.picture_decoder import process
from generations.views import composer
from generations.views.drafts import MAX_CHARACTERS
from tests.cast import make_generation, make_upload, picture, signed_in
from tests.generations.views.test_composer import PAGE, file, values_in

SAVE = "/drafts/"


def page_of(client: Client, **query: str) -> dict[str, str]:
    """What a page of the composer would send."""
    return values_in(client.get(PAGE, query).content.decode())


def typed(client: Client, prompt: str = "A fox in the snow", **values: str) -> dict[str, str]:
    """A page as it is after somebody has typed."""
    return page_of(client) | {"prompt": prompt, **values}


def test_what_is_typed_is_back_on_another_device_with_all_of_it(film: Team, bob: User) -> None:
    start, tail = make_upload(bob), make_upload(bob, picture(color="red"))
    given = {"kind": "image", "team": "film", "duration": "10", "aspect_ratio": "1:1", "cfg_scale": "nonsense"}
    given |= {"negative_prompt": "rain", "lines": "on", "variations": "3", "seen_by": "me"}
    given |= {"start_upload": str(start.pk), "tail_upload": str(tail.pk), "prompt": "A fox\r\nAn owl"}
    given["tail_link"] = ""
    first = signed_in(bob)
    assert first.post(SAVE, page_of(first) | given).status_code == 200

    other = signed_in(bob).get(PAGE).content.decode()
    found = values_in(other)
    assert {name: found.get(name, "") for name in given} == given
    assert "Your draft is back" in other


def test_nobody_elses_draft_is_seen(film: Team, bob: User, alice: User) -> None:
    client = signed_in(bob)
    client.post(SAVE, typed(client, "His secret"))
    draft = Draft.objects.get()

    for query in ({}, {"draft": str(draft.key)}):
        assert "His secret" not in signed_in(alice).get(PAGE, query).content.decode()
    signed_in(alice).post(reverse("draft-discard", args=[draft.key]))
    assert Draft.objects.get() == draft


def test_key_of_anothers_draft_replaces_nothing(film: Team, bob: User, alice: User) -> None:
    his, hers = signed_in(bob), signed_in(alice)
    page = typed(his, "His")
    his.post(SAVE, page)
    draft = Draft.objects.get()
    mine = {"draft": page["draft"], "draft_of": page["draft"], "draft_version": str(draft.version)}
    hers.post(SAVE, typed(hers, "Hers", **mine))

    assert {str(each.user): str(each) for each in Draft.objects.all()} == {"Bob": "His", "Alice": "Hers"}


def test_one_page_has_one_draft(film: Team, bob: User) -> None:
    client = signed_in(bob)
    page = typed(client, "A")
    for prompt in ("A", "A fox", "A fox jumps"):
        client.post(SAVE, page | {"prompt": prompt})

    assert str(Draft.objects.get()) == "A fox jumps"


def test_page_that_comes_back_goes_on_with_the_draft(film: Team, bob: User) -> None:
    client = signed_in(bob)
    client.post(SAVE, typed(client, "A fox"))
    client.post(SAVE, page_of(client) | {"prompt": "A fox jumps"})

    assert str(Draft.objects.get()) == "A fox jumps"


def test_two_tabs_with_one_draft_lose_neither_text(film: Team, bob: User) -> None:
    client = signed_in(bob)
    first = typed(client, "Begun")
    client.post(SAVE, first)
    second = page_of(client)
    client.post(SAVE, first | {"prompt": "Begun and gone on in the first"})
    client.post(SAVE, second | {"prompt": "Begun and gone on in the second"})

    page = client.get(PAGE).content.decode()
    assert "gone on in the first" in page
    assert "gone on in the second" in page
    assert Draft.objects.count() == 2


@pytest.mark.parametrize("query", ["from", "preset", "prompt", "start", "fresh", "made"])
def test_link_that_fills_the_form_keeps_the_draft_beside_it(film: Team, bob: User, query: str) -> None:
    row = make_generation(bob, film, prompt="Another")
    client = signed_in(bob)
    client.post(SAVE, typed(client, "My draft"))
    values = {"start": str(make_upload(bob).pk), "fresh": "1", "preset": "1"}
    page = client.get(PAGE, {query: values.get(query, str(row.pk))}).content.decode()

    assert values_in(page)["prompt"] != "My draft"
    assert "1 other draft" in page
    assert f"?draft={Draft.objects.get().key}" in page
    client.post(SAVE, values_in(page) | {"prompt": "And one more"})
    assert {str(draft) for draft in Draft.objects.all()} == {"My draft", "And one more"}


def test_order_ends_its_draft_and_no_other(film: Team, bob: User) -> None:
    client = signed_in(bob)
    other, page = typed(client, "Another"), typed(client)
    client.post(SAVE, other)
    client.post(SAVE, page)
    client.post(PAGE, page)

    assert Generation.objects.get().prompt == "A fox in the snow"
    assert [str(draft) for draft in Draft.objects.all()] == ["Another"]
    assert client.post(SAVE, page).status_code == 204  # it comes behind the order
    assert [str(draft) for draft in Draft.objects.all()] == ["Another"]


def test_order_of_a_draft_that_came_back_ends_it(film: Team, bob: User) -> None:
    client = signed_in(bob)
    client.post(SAVE, typed(client))
    client.post(PAGE, page_of(client))

    assert Generation.objects.get().prompt == "A fox in the snow"
    assert not Draft.objects.exists()


def test_emptied_form_is_no_draft(film: Team, bob: User) -> None:
    client = signed_in(bob)
    page = typed(client)
    client.post(SAVE, page)

    assert client.post(SAVE, page | {"prompt": " \r\n"}).status_code == 204
    assert not Draft.objects.exists()


def test_form_as_it_came_is_no_draft(film: Team, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(defaults={"duration": "10", "cfg_scale": 0.9, "negative_prompt": "a\nb"})
    client = signed_in(bob)

    assert client.post(SAVE, page_of(client)).status_code == 204
    assert not Draft.objects.exists()


def test_discarded_draft_is_gone(film: Team, bob: User) -> None:
    client = signed_in(bob)
    client.post(SAVE, typed(client, "Forget me"))
    answer = client.post(reverse("draft-discard", args=[Draft.objects.get().key]), follow=True)

    assert "The draft is discarded." in answer.content.decode()
    assert "Forget me" not in answer.content.decode()
    assert not Draft.objects.exists()


def test_there_is_an_end_to_them(film: Team, bob: User) -> None:
    client = signed_in(bob)
    for number in range(MAX_DRAFTS + 2):
        client.post(SAVE, page_of(client, fresh="1") | {"prompt": f"Fox {number}"})

    assert Draft.objects.count() == MAX_DRAFTS
    assert [str(draft) for draft in Draft.objects.all()][-1] == "Fox 2"


def test_endless_text_is_refused_and_kept_out(film: Team, bob: User) -> None:
    client = signed_in(bob)

    assert client.post(SAVE, typed(client, "a" * (MAX_CHARACTERS + 1))).status_code == 413
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    "broken", [{"draft": "x"}, {"draft_of": "x"}, {"draft_version": "-1"}, {"draft_version": "9" * 30}, {"draft": ""}]
)
def test_nonsense_in_its_fields_does_no_harm(film: Team, bob: User, broken: dict[str, str]) -> None:
    client = signed_in(bob)

    assert client.post(SAVE, typed(client, **broken)).status_code in {200, 204}


def test_signed_out_is_401_and_somebody_else_409(film: Team, bob: User, alice: User) -> None:
    client = signed_in(bob)
    page = typed(client)

    assert Client().post(SAVE, page).status_code == 401
    assert signed_in(alice).post(SAVE, page).status_code == 409
    assert signed_in(bob).post(SAVE, page | {"draft_owner": f"{bob.pk}:forged:forged"}).status_code == 409
    assert not Draft.objects.exists()


def test_pictures_of_a_draft_outlast_the_sweep(film: Team, bob: User) -> None:
    upload, other = make_upload(bob), make_upload(bob, picture(color="red"))
    client = signed_in(bob)
    client.post(SAVE, typed(client, kind="image", start_upload=str(upload.pk)))
    Upload.objects.update(last_used_at=timezone.now() - timedelta(days=30))

    assert list(Upload.objects.unused()) == [other]
    Draft.objects.all().delete()
    assert set(Upload.objects.unused()) == {upload, other}


def test_draft_in_a_team_that_is_closed_to_its_person_comes_back_without_it(film: Team, bob: User) -> None:
    client = signed_in(bob)
    client.post(SAVE, typed(client, team="film"))
    film.memberships.filter(user=bob).delete()

    page = client.get(PAGE)
    assert values_in(page.content.decode())["prompt"] == "A fox in the snow"
    assert page.context["form"]["team"].value() == bob.personal_team.slug


def test_drafts_go_with_the_account(film: Team, bob: User) -> None:
    client = signed_in(bob)
    client.post(SAVE, typed(client))

    assert delete_account(bob)
    assert not Draft.objects.exists()


def test_press_that_breaks_the_studio_keeps_what_was_typed(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with scripts off: nothing was saved before."""

    def broken(_orders: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(composer, "place_batch", broken)
    client = signed_in(bob)
    client.raise_request_exception = False
    answer = client.post(PAGE, typed(client, kind="image") | {"start_file": file(picture())})

    assert answer.status_code == 500
    draft = Draft.objects.get()
    assert (str(draft), set(draft.uploads)) == ("A fox in the snow", {Slot.START})


class TestSessionIsGone:
    def test_press_is_kept_and_back_after_sign_in(self, film: Team, bob: User) -> None:
        page = typed(signed_in(bob), kind="image", team="film", duration="10")
        stranger = Client()
        answer = stranger.post(PAGE, page | {"start_file": file(picture())})

        draft = Draft.objects.get(user=bob)
        assert answer.headers["Location"] == f"/accounts/login/?next=/generations/new/%3Fdraft%3D{draft.key}"
        assert "What you typed is kept" in stranger.get(answer.headers["Location"]).content.decode()
        back = values_in(signed_in(bob).get(PAGE, {"draft": str(draft.key)}).content.decode())
        assert (back["prompt"], back["duration"], back["team"]) == ("A fox in the snow", "10", "film")
        assert back["start_upload"] == str(draft.start_id)
        assert not Generation.objects.exists()

    def test_press_while_many_pictures_are_read_keeps_the_rest(
        self, film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = typed(signed_in(bob), kind="image")
        monkeypatch.setattr(process, "WAIT_SECONDS", 0)
        monkeypatch.setattr(process, "_try_lock", lambda: None)
        answer = Client().post(PAGE, page | {"start_file": file(picture())})

        assert answer.headers["Location"].startswith("/accounts/login/?next=/generations/new/%3Fdraft%3D")
        assert str(Draft.objects.get(user=bob)) == "A fox in the snow"

    def test_another_person_who_signs_in_there_sees_nothing(self, film: Team, bob: User, alice: User) -> None:
        Client().post(PAGE, typed(signed_in(bob), "His secret"))

        page = signed_in(alice).get(PAGE, {"draft": str(Draft.objects.get().key)}).content.decode()
        assert "His secret" not in page
        assert "Draft" not in page.partition('id="composer"')[0]

    @pytest.mark.parametrize("owner", ["", "1", "1:x:y"])
    def test_without_a_true_name_nothing_is_kept(self, film: Team, bob: User, owner: str) -> None:
        answer = Client().post(PAGE, typed(signed_in(bob)) | {"draft_owner": owner})

        assert answer.headers["Location"].startswith("/accounts/login/")
        assert not Draft.objects.exists()

    def test_of_a_closed_account_nothing_is_kept(self, film: Team, bob: User) -> None:
        page = typed(signed_in(bob))
        User.objects.filter(pk=bob.pk).update(is_active=False)
        Client().post(PAGE, page)

        assert not Draft.objects.exists()


class TestTokenIsOld:
    @staticmethod
    def strict(user: User | None) -> Client:
        client = Client(enforce_csrf_checks=True)
        if user:
            client.force_login(user)
        return client

    def test_press_is_kept_and_the_form_comes_back_filled(self, film: Team, bob: User) -> None:
        page = typed(signed_in(bob), team="film")
        answer = self.strict(bob).post(PAGE, page, follow=True)

        found = answer.content.decode()
        assert answer.redirect_chain == [(f"{PAGE}?draft={page['draft']}", 302)]
        assert "You signed in again meanwhile, so nothing was sent yet." in found
        assert values_in(found)["prompt"] == "A fox in the snow"
        assert not Generation.objects.exists()

    def test_without_cookies_it_waits_for_the_sign_in(self, film: Team, bob: User) -> None:
        answer = self.strict(None).post(PAGE, typed(signed_in(bob)))

        assert answer.headers["Location"].startswith("/accounts/login/?next=/generations/new/%3Fdraft%3D")
        assert Draft.objects.get().user == bob

    @pytest.mark.parametrize("is_strict", [False, True])
    def test_somebody_else_is_told_and_orders_nothing(
        self, film: Team, bob: User, alice: User, is_strict: bool
    ) -> None:
        page = typed(signed_in(bob), "His secret")
        client = self.strict(alice) if is_strict else signed_in(alice)
        answer = client.post(PAGE, page, follow=True)

        assert "That page was another account’s." in answer.content.decode()
        assert "His secret" not in answer.content.decode()
        assert Draft.objects.get().user == bob
        assert not Generation.objects.exists()

    def test_other_forms_of_ours_can_be_sent_again(self, film: Team, bob: User, alice: User) -> None:
        address = reverse("generation-report", args=[make_generation(alice, film).pk])
        client = self.strict(bob)
        note = "It shows a fox\r\nthat I know. " * 5
        answer = client.post(address, {"reason": "other", "note": note}, headers={"Sec-Fetch-Site": "same-origin"})

        page = answer.content.decode()
        assert answer.status_code == 403
        assert "that I know." in page
        assert f'action="{address}"' in page
        assert "csrfmiddlewaretoken" in page

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
    def test_forms_from_elsewhere_cannot(self, bob: User, site: str) -> None:
        answer = self.strict(bob).post("/accounts/settings/", {"name": "Mallory"}, headers={"Sec-Fetch-Site": site})

        assert answer.status_code == 403
        assert "Mallory" not in answer.content.decode()

    def test_passwords_are_not_shown_again(self, bob: User) -> None:
        data = {"oldpassword": "secret", "password1": "new-secret"}
        headers = {"Sec-Fetch-Site": "same-origin"}
        answer = self.strict(bob).post("/accounts/password/change/", data, headers=headers)

        assert "secret" not in answer.content.decode()


def test_session_tells_who_is_here_and_the_token(bob: User) -> None:
    client = signed_in(bob)
    answer = client.get("/drafts/session")

    assert answer.json()["user"] == bob.pk
    assert len(answer.json()["token"]) > 30
    assert django_settings.CSRF_COOKIE_NAME in answer.cookies
    assert Client().get("/drafts/session").json()["user"] is None


def test_draft_key_is_drawn_by_each_page(film: Team, bob: User) -> None:
    client = signed_in(bob)

    assert uuid.UUID(page_of(client)["draft"]) != uuid.UUID(page_of(client)["draft"])
