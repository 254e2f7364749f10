"""`manage.py make_owner`: give a team another owner, when those it has are gone."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.membership import MembershipError, make_owner
from accounts.models import Team, User


class Command(BaseCommand):
    help = "Make a person an owner of a team, whoever owns it now. For a team whose only owner is gone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("team", metavar="TEAM", help="The team's slug: the last part of its page's address.")
        parser.add_argument("email", metavar="EMAIL", help="Who becomes an owner.")

    def handle(self, **options: Any) -> None:
        team = Team.objects.filter(slug=options["team"]).first()
        if team is None:
            raise CommandError(f"No team has the slug {options['team']}.")
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody has the address {options['email']}.")
        try:
            make_owner(team, user)
        except MembershipError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{user.email} is an owner of {team.name} and is told so by mail.")
        if team.needs_second_factor and not user.has_second_factor:
            self.stdout.write("The team requires two-factor authentication: they see it once they have set it up.")
