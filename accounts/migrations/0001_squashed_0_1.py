"""The tables of 0.2. `replaces` names the migrations of 0.1, so that its databases count this one as applied."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.names


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("accounts", "0001_initial"),
        ("accounts", "0002_notices"),
        ("accounts", "0003_budgets_settings"),
        ("accounts", "0004_invitations"),
        ("accounts", "0005_private"),
        ("accounts", "0006_domains"),
        ("accounts", "0007_warnings"),
        ("accounts", "0008_closed_teams"),
        ("accounts", "0009_staff_visits"),
        ("accounts", "0010_approvals"),
        ("accounts", "0012_groups_and_factors"),
        ("accounts", "0013_moderation"),
        ("accounts", "0014_former_memberships"),
        ("accounts", "0016_time_zone"),
        ("accounts", "0017_names_and_invitation_mails"),
        ("accounts", "0019_standard_constraints"),
    ]

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail address")),
                ("name", accounts.names.NameField(blank=True, max_length=150, verbose_name="name")),
                (
                    "email_notices",
                    models.BooleanField(
                        default=True,
                        help_text="A mail when a video is ready or could not be made.",
                        verbose_name="e-mail notices",
                    ),
                ),
                (
                    "browser_notices",
                    models.BooleanField(
                        default=False,
                        help_text="A notice on the screen when that happens while the studio's tab is in the background.",
                        verbose_name="browser notices",
                    ),
                ),
                (
                    "theme",
                    models.CharField(
                        choices=[("auto", "As the device"), ("light", "Light"), ("dark", "Dark")],
                        default="auto",
                        max_length=5,
                        verbose_name="theme",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        help_text="Of dates on pages, in filters and in mails.",
                        max_length=64,
                        verbose_name="time zone",
                    ),
                ),
                (
                    "browser_zone",
                    models.CharField(
                        blank=True, editable=False, max_length=64, verbose_name="time zone of the browser"
                    ),
                ),
                (
                    "avatar_key",
                    models.CharField(blank=True, max_length=300, verbose_name="key of the picture in the bucket"),
                ),
                (
                    "defaults",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="What a fresh form holds, by its field names.",
                        verbose_name="default parameters",
                    ),
                ),
                ("suspended_until", models.DateTimeField(blank=True, null=True, verbose_name="suspended until")),
                (
                    "suspension_reason",
                    models.TextField(blank=True, max_length=1000, verbose_name="reason of the suspension"),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Impersonation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField(help_text="The person reads it.", max_length=500, verbose_name="reason")),
                ("began_at", models.DateTimeField(auto_now_add=True, verbose_name="began at")),
                ("until", models.DateTimeField(verbose_name="until at most")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="impersonations",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="as whom",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="staff",
                    ),
                ),
            ],
            options={
                "ordering": ["-began_at"],
            },
        ),
        migrations.CreateModel(
            name="ImpersonatedRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                ("method", models.CharField(max_length=10, verbose_name="method")),
                ("path", models.CharField(max_length=500, verbose_name="address")),
                ("status_code", models.PositiveSmallIntegerField(verbose_name="answered with")),
                (
                    "impersonation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requests",
                        to="accounts.impersonation",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("admin", "Admin"), ("member", "Member"), ("viewer", "Viewer")],
                        default="member",
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                (
                    "by_group",
                    models.BooleanField(
                        default=False,
                        help_text="Given by a group of the OpenID provider, which may end it.",
                        verbose_name="by group",
                    ),
                ),
                (
                    "monthly_limit_cents",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Of this member; none without it.",
                        null=True,
                        verbose_name="monthly limit in US cents",
                    ),
                ),
                (
                    "own_limit_cents",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="What the member has set themselves.",
                        null=True,
                        verbose_name="own monthly limit in US cents",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", accounts.names.NameField(max_length=100, verbose_name="name")),
                ("slug", models.SlugField(max_length=60, unique=True, verbose_name="slug")),
                (
                    "monthly_limit_cents",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="For all members together; none without it.",
                        null=True,
                        verbose_name="monthly limit in US cents",
                    ),
                ),
                (
                    "approval_above_cents",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Of one press of the button; none without it.",
                        null=True,
                        verbose_name="amount above which a request waits for a yes, in US cents",
                    ),
                ),
                (
                    "domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=253),
                        blank=True,
                        default=list,
                        help_text="Whoever has shown an address there to be theirs may join by themselves, as a member.",
                        size=None,
                        verbose_name="e-mail domains",
                    ),
                ),
                (
                    "is_private",
                    models.BooleanField(
                        default=False,
                        help_text="Nobody but their makers see them, until they say so.",
                        verbose_name="new videos are private",
                    ),
                ),
                (
                    "review",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "As on the whole site"),
                            ("after", "After: others see it at once"),
                            ("before", "Before: others see it when it is approved"),
                        ],
                        default="",
                        max_length=6,
                        verbose_name="review",
                    ),
                ),
                (
                    "needs_second_factor",
                    models.BooleanField(
                        default=False,
                        help_text="Members without one see nothing of it.",
                        verbose_name="needs a second factor",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "closed_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Its books stay, and its videos with whoever got them.",
                        null=True,
                        verbose_name="deleted at",
                    ),
                ),
                (
                    "members",
                    models.ManyToManyField(
                        related_name="teams", through="accounts.Membership", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "personal_of",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="personal_team",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personal of",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="membership",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="accounts.team"
            ),
        ),
        migrations.CreateModel(
            name="InvitationMail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email_hash", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.team"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "email",
                    models.EmailField(
                        blank=True,
                        help_text="Empty: whoever has the link.",
                        max_length=254,
                        verbose_name="e-mail address",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("admin", "Admin"), ("member", "Member"), ("viewer", "Viewer")],
                        default="member",
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True, verbose_name="hash of the token")),
                ("uses_left", models.PositiveIntegerField(default=1, verbose_name="how many may still join by it")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="made at")),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="invitations", to="accounts.team"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FormerMembership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("left_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="left at")),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="notified at")),
                (
                    "removed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="removed by",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_memberships",
                        to="accounts.team",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"), name="user_email_ignores_case"
            ),
        ),
        migrations.AddConstraint(
            model_name="impersonation",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="impersonation_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="impersonation",
            constraint=models.CheckConstraint(
                condition=models.Q(("staff", models.F("person")), _negated=True), name="impersonation_is_of_another"
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("team", "user"), name="membership_once"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["owner", "admin", "member", "viewer"])), name="membership_role_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["owner", "admin", "member", "viewer"])), name="invitation_role_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="formermembership",
            constraint=models.UniqueConstraint(fields=("team", "user"), name="former_membership_once"),
        ),
    ]
