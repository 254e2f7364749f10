"""`manage.py api_key`: make a key for a person, from a shell."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Action
from api.models import Key, Scope
from api.models.key import DEFAULT_RESULT_DAYS, MAX_RESULT_DAYS, validate_network
from generations.models import Collection
from generations.models.collections import clean_name


class Command(BaseCommand):
    help = "Make a key by which a program acts for a person in a team. The last line printed is the key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, metavar="EMAIL", help="For whom it acts.")
        parser.add_argument("--team", default="", metavar="SLUG", help="In which team; the personal one if not given.")
        parser.add_argument("--name", required=True, metavar="NAME", help="What it is for.")
        parser.add_argument(
            "--scope", action="append", choices=Scope.values, help="What it allows; may be repeated. All if not given."
        )
        parser.add_argument("--days", type=int, metavar="N", help="Until it expires; never if not given.")
        parser.add_argument(
            "--network", action="append", default=[], metavar="CIDR", help="Where it may come from; may be repeated."
        )
        parser.add_argument("--monthly-limit", type=int, metavar="CENTS", help="What it may spend in a month.")
        parser.add_argument("--project", default="", metavar="NAME", help="In which it orders; a new one is made.")
        parser.add_argument(
            "--result-days", type=int, default=DEFAULT_RESULT_DAYS, metavar="N", help="How long a result's link lives."
        )

    def handle(self, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"--user: nobody signs in as {options['user']}.")
        team = _team(user, options["team"])
        key = Key(user=user, team=team, name=" ".join(options["name"].split()), **_columns(options))
        _check(key)
        if options["project"]:
            key.project = _project(key, options["project"])
        token = key.save_with_token()
        self.stderr.write(f"{key} acts for {user.email} in {team.name}. It is shown this once:")
        self.stdout.write(token)


def _team(user: User, slug: str) -> Team:
    which = {"slug": slug} if slug else {"personal_of": user}
    team = Team.objects.get_queryset().filter(**which, closed_at=None).first()
    if team is None:
        raise CommandError(f"--team: no team has the slug {slug}." if slug else f"{user.email} has no personal team.")
    if not Membership.objects.may(user, Action.VIEW, team):
        raise CommandError(f"--team: {user.email} may do nothing in {team.name}.")
    return team


def _project(key: Key, name: str) -> Collection:
    if not (name := clean_name(name)):
        raise CommandError("--project: nothing of this name can be seen.")
    return Collection.objects.get_or_create_named(key.team_id, name)


def _columns(options: dict[str, Any]) -> dict[str, Any]:
    days = options["days"]
    if days is not None and days < 1:
        raise CommandError("--days: give at least 1.")
    if options["monthly_limit"] is not None and options["monthly_limit"] < 0:
        raise CommandError("--monthly-limit: give whole cents, at least 0.")
    if not 1 <= options["result_days"] <= MAX_RESULT_DAYS:
        raise CommandError(f"--result-days: give 1 to {MAX_RESULT_DAYS}.")
    return {
        "scopes": list(dict.fromkeys(options["scope"] or Scope.values)),
        "expires_at": timezone.now() + timedelta(days=days) if days else None,
        "allowed_networks": options["network"],
        "monthly_limit_cents": options["monthly_limit"],
        "result_days": options["result_days"],
    }


def _check(key: Key) -> None:
    try:
        for network in key.allowed_networks:
            validate_network(network)
        key.clean_fields(exclude=["prefix", "digest"])
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
