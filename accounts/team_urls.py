"""URLs below `/teams/`."""

from django.urls import path

from accounts.views import invitations, teams

urlpatterns = [
    path("", teams.teams, name="teams"),
    path("join/<str:token>/", invitations.join_by_link, name="invitation-link"),
    path("invitations/<int:pk>", invitations.accept, name="invitation-accept"),
    path("<slug:slug>/", teams.team, name="team"),
    path("<slug:slug>/join", invitations.join_by_domain, name="team-join"),
    path("<slug:slug>/second-factor", teams.second_factor, name="team-second-factor"),
    path("<slug:slug>/domains", teams.domains, name="team-domains"),
    path("<slug:slug>/own-limit", teams.own_limit, name="team-own-limit"),
    path("<slug:slug>/approval-amount", teams.approval_amount, name="team-approval-amount"),
    path("<slug:slug>/budget", teams.budget, name="team-budget"),
    path("<slug:slug>/members/<int:pk>", teams.member, name="team-member"),
    path("<slug:slug>/invitations", invitations.invite_by_email, name="team-invite"),
    path("<slug:slug>/links", invitations.create_link, name="team-link"),
    path("<slug:slug>/invitations/<int:pk>", invitations.change, name="team-invitation"),
]
