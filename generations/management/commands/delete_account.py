"""`manage.py delete_account`: delete a person's account at their request, as their own page of it does."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from generations import tasks
from generations.fal.client import FalClient
from generations.fal.errors import FalError
from generations.fal_account import fal_config
from generations.flows.delete_account import (
    AccountDeletionPlan,
    delete_account,
    fal_requests_of,
    plan_account_deletion,
)


class Command(BaseCommand):
    help = "Delete a person's account: says what goes and what stays, and asks before it does so."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--no-input", action="store_false", dest="asks", help="Do not ask.")
        parser.add_argument("--at-fal", action="store_true", help="Have fal delete its copies of what goes, too.")

    def handle(self, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody has the address {options['email']}.")
        _refuse_last_superuser(user)
        plan = plan_account_deletion(user)
        _refuse_what_stands_in_the_way(plan)
        self.stdout.write(_summary(user, plan))
        if options["asks"] and input("Type the address to delete the account: ").strip().lower() != user.email.lower():
            raise CommandError("Nothing was deleted.")
        at_fal = fal_requests_of(user) if options["at_fal"] else []
        if not delete_account(user):
            raise CommandError("Something began to move this very moment. Nothing was deleted; try again.")
        tasks.wake_cleaner()
        self.stdout.write("The account is deleted. A worker removes the files within seconds.")
        if options["at_fal"]:
            self._delete_at_fal(at_fal)

    def _delete_at_fal(self, request_ids: list[str]) -> None:
        left = []
        with FalClient(fal_config()) as client:
            for request_id in request_ids:
                try:
                    client.delete_payloads(request_id)
                except FalError as error:
                    left.append(f"{request_id}: {error}")
        self.stdout.write(f"fal has deleted {len(request_ids) - len(left)} of {len(request_ids)} requests.")
        if left:
            raise CommandError("\n".join(["Delete these in fal's dashboard:", *left]))


def _refuse_last_superuser(user: User) -> None:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        raise CommandError(f"{user.email} is the only superuser. Make another: manage.py createsuperuser")


def _refuse_what_stands_in_the_way(plan: AccountDeletionPlan) -> None:
    teams = [
        f"{team.name} would have no owner: manage.py make_owner {team.slug} EMAIL" for team in plan.ownerless_teams
    ]
    running = [
        f"Generation {row.pk} is under way ({row.status}): it has to end, or be canceled." for row in plan.running
    ]
    if teams or running:
        raise CommandError("\n".join(["Nothing was deleted:", *teams, *running]))


def _summary(user: User, plan: AccountDeletionPlan) -> str:
    return (
        f"{user.email}: {plan.removed} videos that nobody else can see are deleted, with prompts and pictures. "
        f"{plan.kept} videos stay in teams, under “Former member”. Name, addresses, sessions, keys and settings go; "
        "costs and moderators' decisions stay."
    )
