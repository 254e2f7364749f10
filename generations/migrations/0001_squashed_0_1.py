"""The tables of 0.2. `replaces` names the migrations of 0.1, so that its databases count this one as applied."""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.names
import generations.fal.arguments
import generations.models.search


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("generations", "0001_initial"),
        ("generations", "0003_waiting_canceling_deleting"),
        ("generations", "0004_cancel_sent"),
        ("generations", "0005_uploads_kept"),
        ("generations", "0006_organizing"),
        ("generations", "0007_due_by_status"),
        ("generations", "0008_prompt_words"),
        ("generations", "0009_fair_queue"),
        ("generations", "0010_private"),
        ("generations", "0011_warnings"),
        ("generations", "0012_approvals"),
        ("generations", "0013_usage_days"),
        ("generations", "0014_moderation"),
        ("generations", "0016_unconfirmed"),
        ("generations", "0017_picture_changes"),
        ("generations", "0019_long_addresses"),
        ("generations", "0020_drafts"),
        ("generations", "0021_looks"),
        ("generations", "0022_names"),
        ("generations", "0024_standard_terms"),
        ("generations", "0025_standard_constraints"),
    ]

    dependencies = [
        ("accounts", "0001_squashed_0_1"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Generation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "idempotency_key",
                    models.UUIDField(
                        default=uuid.uuid4,
                        help_text="Drawn with the form: one form, one video.",
                        verbose_name="form key",
                    ),
                ),
                (
                    "relation",
                    models.CharField(
                        blank=True,
                        choices=[("retry", "Another try"), ("remix", "A remix")],
                        max_length=5,
                        verbose_name="how it was made from it",
                    ),
                ),
                (
                    "batch",
                    models.UUIDField(
                        blank=True,
                        help_text="Shared by all of one press of the button.",
                        null=True,
                        verbose_name="batch",
                    ),
                ),
                ("batch_index", models.PositiveSmallIntegerField(default=0, verbose_name="place in its batch")),
                (
                    "is_private",
                    models.BooleanField(
                        default=False, help_text="Nobody but its maker sees it.", verbose_name="private"
                    ),
                ),
                (
                    "awaits_review",
                    models.BooleanField(
                        default=False,
                        help_text="Others see it only when a moderator has approved it.",
                        verbose_name="awaits review",
                    ),
                ),
                ("taken_down_at", models.DateTimeField(blank=True, null=True, verbose_name="taken down at")),
                (
                    "quarantined_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Its objects lie where no address leads.",
                        null=True,
                        verbose_name="in quarantine since",
                    ),
                ),
                (
                    "fal_copy_deleted_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="fal's copy deleted at"),
                ),
                (
                    "endpoint",
                    models.CharField(
                        choices=[
                            ("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", "Text to video"),
                            ("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", "Image to video"),
                        ],
                        max_length=100,
                        verbose_name="endpoint",
                    ),
                ),
                ("prompt", models.TextField(max_length=2500, verbose_name="prompt")),
                (
                    "negative_prompt",
                    models.TextField(
                        blank=True,
                        default="blur, distort, and low quality",
                        max_length=2500,
                        verbose_name="negative prompt",
                    ),
                ),
                ("cfg_scale", models.FloatField(default=0.5, verbose_name="CFG scale")),
                (
                    "duration",
                    models.PositiveSmallIntegerField(
                        choices=[(5, "5 seconds"), (10, "10 seconds")], verbose_name="seconds"
                    ),
                ),
                (
                    "aspect_ratio",
                    models.CharField(
                        blank=True,
                        choices=[("16:9", "16:9"), ("9:16", "9:16"), ("1:1", "1:1")],
                        max_length=4,
                        verbose_name="aspect ratio",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("held", "Held for a moderator"),
                            ("queued", "Waiting to be sent"),
                            ("submitting", "Being sent to fal"),
                            ("rendering", "At fal"),
                            ("cancelling", "Being canceled"),
                            ("mirroring", "Made, being copied"),
                            ("done", "Done"),
                            ("rejected", "Rejected"),
                            ("canceled", "Canceled"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="A short code of what went wrong.", max_length=60, verbose_name="reason"
                    ),
                ),
                (
                    "message",
                    models.TextField(
                        blank=True, help_text="What went wrong and what to do, for a person.", verbose_name="message"
                    ),
                ),
                (
                    "responsible_party",
                    models.CharField(
                        blank=True,
                        choices=[("user", "User"), ("team", "Team"), ("provider", "Provider"), ("us", "Us")],
                        max_length=10,
                        verbose_name="who can fix it",
                    ),
                ),
                ("provider_message", models.TextField(blank=True, verbose_name="fal's own words")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="changed at"),
                ),
                ("submitted_at", models.DateTimeField(blank=True, null=True, verbose_name="sent to fal at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "cancel_requested_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="cancel asked for at"),
                ),
                ("cancel_sent_at", models.DateTimeField(blank=True, null=True, verbose_name="cancel taken by fal at")),
                ("webhook_received_at", models.DateTimeField(blank=True, null=True, verbose_name="webhook came at")),
                (
                    "needs_attention_since",
                    models.DateTimeField(blank=True, null=True, verbose_name="needs a person since"),
                ),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="person told at")),
                ("trashed_at", models.DateTimeField(blank=True, null=True, verbose_name="put into the bin at")),
                ("deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted at")),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, default=django.utils.timezone.now, null=True, verbose_name="to be looked at next"
                    ),
                ),
                ("lease", models.UUIDField(blank=True, null=True, verbose_name="lease")),
                ("lease_until", models.DateTimeField(blank=True, null=True, verbose_name="held by a worker until")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="failed tries in this state")),
                (
                    "request_id",
                    models.CharField(
                        blank=True, max_length=100, null=True, unique=True, verbose_name="fal's request id"
                    ),
                ),
                (
                    "unconfirmed_id",
                    models.CharField(
                        blank=True,
                        help_text="From an answer that was an error.",
                        max_length=100,
                        verbose_name="id that fal may know it by",
                    ),
                ),
                (
                    "unknown_since",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="fal first said that it knows no such id at"
                    ),
                ),
                ("status_url", models.URLField(blank=True, max_length=500, verbose_name="status address")),
                ("response_url", models.URLField(blank=True, max_length=500, verbose_name="result address")),
                ("cancel_url", models.URLField(blank=True, max_length=500, verbose_name="cancel address")),
                (
                    "queue_position",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="requests ahead at fal"),
                ),
                ("logs", models.JSONField(blank=True, default=list, verbose_name="log lines")),
                ("inference_seconds", models.FloatField(blank=True, null=True, verbose_name="seconds of rendering")),
                ("source_url", models.TextField(blank=True, verbose_name="fal's file")),
                ("copied_bytes", models.PositiveBigIntegerField(default=0, verbose_name="bytes copied")),
                ("total_bytes", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="bytes in all")),
                ("cost_cents", models.PositiveIntegerField(verbose_name="cost in US cents")),
                (
                    "billable_units",
                    models.DecimalField(
                        blank=True, decimal_places=4, max_digits=12, null=True, verbose_name="fal's billable units"
                    ),
                ),
                (
                    "assigned_to",
                    models.ForeignKey(
                        blank=True,
                        help_text="Has it in the maker’s place, who has left the team; the books keep the maker.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="passed on to",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="StorageDeletion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=300, unique=True, verbose_name="key in the bucket")),
                ("requested_at", models.DateTimeField(auto_now_add=True, verbose_name="asked for at")),
                (
                    "due_at",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name="next try"),
                ),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="failed tries")),
                ("error", models.TextField(blank=True, verbose_name="last error")),
            ],
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False, verbose_name="day")),
                ("our_videos", models.PositiveIntegerField(verbose_name="our charged requests")),
                ("our_cents", models.PositiveIntegerField(verbose_name="our books in US cents")),
                (
                    "our_units",
                    models.DecimalField(
                        decimal_places=4, max_digits=14, verbose_name="units that fal told us with each"
                    ),
                ),
                (
                    "fal_units",
                    models.DecimalField(decimal_places=4, max_digits=14, null=True, verbose_name="fal's units"),
                ),
                ("fal_cents", models.PositiveIntegerField(null=True, verbose_name="fal's charge in US cents")),
                ("problem", models.TextField(blank=True, verbose_name="problem")),
                ("compared_at", models.DateTimeField(auto_now=True, verbose_name="compared at")),
            ],
            options={
                "verbose_name": "day beside fal's books",
                "verbose_name_plural": "days beside fal's books",
                "ordering": ["-day"],
            },
        ),
        migrations.CreateModel(
            name="BulkDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("approve", "Approve"),
                            ("reject", "Reject"),
                            ("take_down", "Take down"),
                            ("restore", "Restore"),
                            ("warn", "Warn"),
                            ("suspend", "Suspend"),
                            ("lift", "Lift a suspension"),
                        ],
                        max_length=10,
                        verbose_name="decision",
                    ),
                ),
                ("why", models.TextField(max_length=1000, verbose_name="why")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                (
                    "cases",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="Those that are left.",
                        size=None,
                        verbose_name="cases",
                    ),
                ),
                ("total", models.PositiveIntegerField(verbose_name="how many in all")),
                ("decided", models.PositiveIntegerField(default=0, verbose_name="decided")),
                (
                    "skipped",
                    models.PositiveIntegerField(
                        default=0, help_text="Decided by others, or one's own.", verbose_name="skipped"
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "causes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("hold", "held by a rule"),
                                ("flag", "flagged by a rule"),
                                ("report", "reported"),
                                ("review", "to be seen before others do"),
                                ("appeal", "appealed"),
                                ("banned", "a banned file came back"),
                            ],
                            max_length=10,
                        ),
                        size=None,
                        verbose_name="why",
                    ),
                ),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="opened at")),
                ("viewed_at", models.DateTimeField(blank=True, null=True, verbose_name="looked at")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
                (
                    "excluded_moderator",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose decision is appealed.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="rather for another than",
                    ),
                ),
                (
                    "viewed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="open with",
                    ),
                ),
            ],
            options={
                "ordering": ["opened_at", "pk"],
                "permissions": [("moderate", "Can decide cases")],
            },
        ),
        migrations.CreateModel(
            name="Collection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", accounts.names.NameField(max_length=60, verbose_name="name")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="collections",
                        to="accounts.team",
                        verbose_name="team",
                    ),
                ),
            ],
            options={
                "ordering": [django.db.models.functions.text.Lower("name")],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("approve", "Approve"),
                            ("reject", "Reject"),
                            ("take_down", "Take down"),
                            ("restore", "Restore"),
                            ("warn", "Warn"),
                            ("suspend", "Suspend"),
                            ("lift", "Lift a suspension"),
                        ],
                        max_length=10,
                        verbose_name="decision",
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="at")),
                (
                    "why",
                    models.TextField(
                        help_text="The person whom it is about reads it.", max_length=1000, verbose_name="why"
                    ),
                ),
                ("until", models.DateTimeField(help_text="Of a suspension.", null=True, verbose_name="until")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="generations.case",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=2000, verbose_name="text")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="appeal", to="generations.decision"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Video",
            fields=[
                (
                    "generation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="video",
                        serialize=False,
                        to="generations.generation",
                    ),
                ),
                ("key", models.CharField(max_length=300, unique=True, verbose_name="key in the bucket")),
                ("poster_key", models.CharField(max_length=300, unique=True, verbose_name="key of the poster")),
                ("size", models.PositiveBigIntegerField(verbose_name="bytes")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("content_type", models.CharField(max_length=50, verbose_name="media type")),
                ("width", models.PositiveIntegerField(verbose_name="width in px")),
                ("height", models.PositiveIntegerField(verbose_name="height in px")),
                ("duration", models.FloatField(verbose_name="duration in seconds")),
                ("fps", models.FloatField(verbose_name="frames a second")),
                ("codec", models.CharField(max_length=30, verbose_name="codec")),
                ("preview_key", models.CharField(blank=True, max_length=300, verbose_name="key of the preview")),
                (
                    "placeholder",
                    models.TextField(
                        blank=True,
                        help_text="A blurred picture of a few px as a data: address, for the HTML.",
                        verbose_name="placeholder",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
            ],
        ),
        migrations.AddField(
            model_name="generation",
            name="collection",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="generations",
                to="generations.collection",
                verbose_name="collection",
            ),
        ),
        migrations.AddField(
            model_name="generation",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="children",
                to="generations.generation",
                verbose_name="made from",
            ),
        ),
        migrations.AddField(
            model_name="generation",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="generations",
                to="accounts.team",
                verbose_name="team",
            ),
        ),
        migrations.AddField(
            model_name="generation",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="generations",
                to=settings.AUTH_USER_MODEL,
                verbose_name="made by",
            ),
        ),
        migrations.CreateModel(
            name="Favourite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favourites",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favourites",
                        to="generations.generation",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="at")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("held", "Held for a moderator"),
                            ("queued", "Waiting to be sent"),
                            ("submitting", "Being sent to fal"),
                            ("rendering", "At fal"),
                            ("cancelling", "Being canceled"),
                            ("mirroring", "Made, being copied"),
                            ("done", "Done"),
                            ("rejected", "Rejected"),
                            ("canceled", "Canceled"),
                            ("failed", "Failed"),
                        ],
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("message", models.TextField(blank=True, verbose_name="message")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="generations.generation"
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
            },
        ),
        migrations.AddField(
            model_name="decision",
            name="generation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decisions",
                to="generations.generation",
                verbose_name="video",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="generation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="cases", to="generations.generation"
            ),
        ),
        migrations.CreateModel(
            name="BannedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64, unique=True, verbose_name="SHA-256")),
                (
                    "perceptual_hash",
                    models.CharField(
                        blank=True,
                        help_text="Of pictures: 64 bits in hexadecimal.",
                        max_length=16,
                        verbose_name="perceptual hash",
                    ),
                ),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="made at")),
                (
                    "made_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="generations.generation",
                        verbose_name="found in",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at"],
            },
        ),
        migrations.CreateModel(
            name="InputPicture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=300, verbose_name="key in the bucket")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("media_type", models.CharField(max_length=20, verbose_name="media type")),
                ("width", models.PositiveIntegerField(verbose_name="width in px")),
                ("height", models.PositiveIntegerField(verbose_name="height in px")),
                ("size", models.PositiveIntegerField(verbose_name="bytes")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "slot",
                    models.CharField(
                        choices=[("start", "Start picture"), ("tail", "End picture")], max_length=5, verbose_name="slot"
                    ),
                ),
                ("fal_url", models.URLField(blank=True, max_length=1000, verbose_name="address at fal")),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pictures",
                        to="generations.generation",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Preset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", accounts.names.NameField(max_length=60, verbose_name="name")),
                ("values", models.JSONField(default=dict, verbose_name="values")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="presets", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": [django.db.models.functions.text.Lower("name")],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "endpoint",
                    models.CharField(
                        choices=[
                            ("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", "Text to video"),
                            ("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", "Image to video"),
                        ],
                        max_length=100,
                        verbose_name="endpoint",
                    ),
                ),
                (
                    "seconds",
                    models.PositiveSmallIntegerField(
                        choices=[(5, "5 seconds"), (10, "10 seconds")], verbose_name="seconds"
                    ),
                ),
                ("cents", models.PositiveIntegerField(verbose_name="US cents")),
                (
                    "read_on",
                    models.DateField(help_text="The day on which fal's price list said so.", verbose_name="read on"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("endpoint", "seconds", "read_on"), name="price_once_a_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="PrivateAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField(max_length=500, verbose_name="reason")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="private_accesses",
                        to="generations.case",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PromptRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("word", "Word: as a whole word"),
                            ("phrase", "Phrase: words in this order"),
                            ("pattern", "Pattern: a regular expression"),
                        ],
                        default="word",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("text", models.CharField(max_length=500, verbose_name="text")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("flag", "Flag: it is made, and moderators see it"),
                            ("hold", "Hold: it waits for a moderator, its money is held, nothing is sent"),
                            ("block", "Block: it is refused, nothing is spent"),
                        ],
                        default="flag",
                        max_length=10,
                        verbose_name="action",
                    ),
                ),
                (
                    "message",
                    models.CharField(
                        blank=True,
                        help_text="For the person who wrote it; a plain one without it.",
                        max_length=300,
                        verbose_name="message",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="made at")),
                (
                    "made_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the whole site.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.team",
                        verbose_name="team",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at"],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("approval", "An admin of the team says yes first"),
                            ("rule", "A moderator says yes first"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "reason",
                    models.TextField(
                        help_text="Why it waits, for the person who asked for the video.", verbose_name="reason"
                    ),
                ),
                ("opened_at", models.DateTimeField(auto_now_add=True, verbose_name="opened at")),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="deciders told at")),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[("released", "Released"), ("refused", "Refused")],
                        max_length=10,
                        verbose_name="verdict",
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                ("note", models.TextField(blank=True, verbose_name="note")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="holds", to="generations.generation"
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="generations.promptrule",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Flag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("matched_text", models.CharField(max_length=500, verbose_name="what hit")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="flags", to="generations.generation"
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="generations.promptrule",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="decision",
            name="rule",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="generations.promptrule"
            ),
        ),
        migrations.CreateModel(
            name="QueueTurn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="served at")),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.team"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("sexual", "Sexual content"),
                            ("violence", "Violence or cruelty"),
                            ("hate", "Hate or harassment"),
                            ("person", "A real person without their consent"),
                            ("copyright", "Somebody else’s work"),
                            ("other", "Something else"),
                        ],
                        max_length=10,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.TextField(blank=True, max_length=1000, verbose_name="note")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="told at")),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reports",
                        to="generations.decision",
                        verbose_name="decision",
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reports", to="generations.generation"
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="reported by",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SubmitPause",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("reason", models.CharField(max_length=60, verbose_name="reason")),
                ("message", models.TextField(verbose_name="message")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("try_at", models.DateTimeField(verbose_name="next try")),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="submit_pause_is_one")],
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", accounts.names.NameField(max_length=60, verbose_name="name")),
                (
                    "generations",
                    models.ManyToManyField(
                        related_name="tags", to="generations.generation", verbose_name="generations"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tags",
                        to="accounts.team",
                        verbose_name="team",
                    ),
                ),
            ],
            options={
                "ordering": [django.db.models.functions.text.Lower("name")],
            },
        ),
        migrations.CreateModel(
            name="TeamPause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "note",
                    models.CharField(blank=True, help_text="Why, for the team.", max_length=200, verbose_name="note"),
                ),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="began at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                (
                    "began_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="paused by",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="resumed by",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="pauses", to="accounts.team"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("media_type", models.CharField(max_length=20, verbose_name="media type")),
                ("width", models.PositiveIntegerField(verbose_name="width in px")),
                ("height", models.PositiveIntegerField(verbose_name="height in px")),
                ("size", models.PositiveIntegerField(verbose_name="bytes")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=300, unique=True, verbose_name="key in the bucket")),
                ("changes", models.JSONField(blank=True, default=list, verbose_name="what was changed on its way in")),
                (
                    "last_used_at",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="last in a form at"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="uploads", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.UUIDField(help_text="Drawn by the page that has it open.", verbose_name="key of the page"),
                ),
                ("version", models.PositiveIntegerField(default=0, verbose_name="version")),
                ("values", models.JSONField(default=dict, verbose_name="values")),
                ("last_used_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="kept at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "start",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="drafts_from",
                        to="generations.upload",
                        verbose_name="start",
                    ),
                ),
                (
                    "tail",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="drafts_to",
                        to="generations.upload",
                        verbose_name="end",
                    ),
                ),
            ],
            options={
                "ordering": ["-last_used_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="BudgetWarning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(help_text="Its first day.", verbose_name="month")),
                ("percent", models.PositiveSmallIntegerField(verbose_name="percent")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="at")),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.team"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        help_text="Empty: the whole team's budget.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("team", "user", "month", "percent"), name="budget_warning_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.UniqueConstraint(
                models.F("team"), django.db.models.functions.text.Lower("name"), name="collection_name_once_a_team"
            ),
        ),
        migrations.AddConstraint(
            model_name="video",
            constraint=models.CheckConstraint(
                condition=models.Q(("duration__gt", 0), ("height__gt", 0), ("size__gt", 0), ("width__gt", 0)),
                name="video_is_not_empty",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["status", "due_at"], name="generation_due"
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(fields=["team", "-created_at", "-id"], name="generation_of_team"),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(fields=["user", "-created_at", "-id"], name="generation_of_user"),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(fields=["team", "-changed_at"], name="generation_moved"),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.CombinedSearchVector(
                    django.contrib.postgres.search.CombinedSearchVector(
                        django.contrib.postgres.search.SearchVector("prompt", config="english"),
                        "||",
                        django.contrib.postgres.search.SearchVector("prompt", config="simple"),
                        django.contrib.postgres.search.SearchConfig("english"),
                    ),
                    "||",
                    generations.models.search.Owners(
                        generations.models.search.Lexeme("user_id"), generations.models.search.Lexeme("team_id")
                    ),
                    django.contrib.postgres.search.SearchConfig("english"),
                ),
                name="generation_prompt_words",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(
                    ("taken_down_at__isnull", False), ("quarantined_at__isnull", False), _connector="OR"
                ),
                fields=["taken_down_at"],
                name="generation_taken_down",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("trashed_at__isnull", False)), fields=["trashed_at"], name="generation_in_trash"
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("batch__isnull", False)),
                fields=["batch", "batch_index"],
                name="generation_of_batch",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("status", "queued")),
                fields=["team", "user", "due_at", "batch_index", "id"],
                include=("lease_until",),
                name="generation_queued",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False), ("notified_at", None)),
                fields=["finished_at"],
                name="generation_to_tell",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.UniqueConstraint(fields=("user", "idempotency_key"), name="generation_once_a_form"),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "held",
                            "queued",
                            "submitting",
                            "rendering",
                            "cancelling",
                            "mirroring",
                            "done",
                            "rejected",
                            "canceled",
                            "failed",
                        ],
                    )
                ),
                name="generation_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "endpoint__in",
                        [
                            generations.fal.arguments.Endpoint["TEXT_TO_VIDEO"],
                            generations.fal.arguments.Endpoint["IMAGE_TO_VIDEO"],
                        ],
                    )
                ),
                name="generation_endpoint_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(("duration__in", [5, 10])), name="generation_duration_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(("cfg_scale__gte", 0), ("cfg_scale__lte", 1)), name="generation_cfg_in_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "aspect_ratio__in",
                            [
                                generations.fal.arguments.AspectRatio["LANDSCAPE"],
                                generations.fal.arguments.AspectRatio["PORTRAIT"],
                                generations.fal.arguments.AspectRatio["SQUARE"],
                            ],
                        ),
                        ("endpoint", generations.fal.arguments.Endpoint["TEXT_TO_VIDEO"]),
                    ),
                    models.Q(("aspect_ratio", ""), ("endpoint", generations.fal.arguments.Endpoint["IMAGE_TO_VIDEO"])),
                    _connector="OR",
                ),
                name="generation_aspect_ratio_for_text_only",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("finished_at__isnull", False), ("status__in", ["canceled", "done", "failed", "rejected"])
                    ),
                    models.Q(
                        ("finished_at__isnull", True),
                        ("status__in", ["cancelling", "held", "mirroring", "queued", "rendering", "submitting"]),
                    ),
                    _connector="OR",
                ),
                name="generation_finished_is_terminal",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("due_at__isnull", False),
                        ("status__in", ["cancelling", "mirroring", "queued", "rendering", "submitting"]),
                    ),
                    models.Q(
                        models.Q(
                            ("status__in", ["cancelling", "mirroring", "queued", "rendering", "submitting"]),
                            _negated=True,
                        ),
                        ("due_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="generation_open_is_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "failed"), _negated=True),
                    models.Q(
                        models.Q(("reason", ""), _negated=True),
                        models.Q(("message", ""), _negated=True),
                        models.Q(("responsible_party", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="generation_failed_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["rendering", "cancelling", "mirroring", "done"]), _negated=True),
                    ("request_id__isnull", False),
                    _connector="OR",
                ),
                name="generation_at_fal_has_request_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("unconfirmed_id", ""), ("unknown_since", None)), ("status", "submitting"), _connector="OR"
                ),
                name="generation_unconfirmed_is_submitting",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("deleted_at", None), ("status__in", ["canceled", "done", "failed", "rejected"]), _connector="OR"
                ),
                name="generation_deleted_is_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("taken_down_at", None), ("status__in", ["canceled", "done", "failed", "rejected"]), _connector="OR"
                ),
                name="generation_taken_down_is_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("trashed_at", None), ("status__in", ["canceled", "done", "failed", "rejected"]), _connector="OR"
                ),
                name="generation_trashed_is_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["mirroring", "done"]), _negated=True),
                    models.Q(("source_url", ""), _negated=True),
                    _connector="OR",
                ),
                name="generation_made_has_source",
            ),
        ),
        migrations.AddConstraint(
            model_name="favourite",
            constraint=models.UniqueConstraint(fields=("user", "generation"), name="favourite_once"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["generation", "at"], name="event_by_generation"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(condition=models.Q(("closed_at", None)), fields=["opened_at", "id"], name="case_open"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("closed_at", None)), fields=["causes"], name="case_causes"
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)), fields=("generation",), name="case_one_open_a_video"
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(("causes", []), _negated=True), name="case_has_a_cause"
            ),
        ),
        migrations.AddConstraint(
            model_name="inputpicture",
            constraint=models.UniqueConstraint(fields=("generation", "slot"), name="picture_once_a_slot"),
        ),
        migrations.AddConstraint(
            model_name="inputpicture",
            constraint=models.CheckConstraint(
                condition=models.Q(("slot__in", ["start", "tail"])), name="picture_slot_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="preset",
            constraint=models.UniqueConstraint(
                models.F("user"), django.db.models.functions.text.Lower("name"), name="preset_name_once_a_user"
            ),
        ),
        migrations.AddIndex(
            model_name="privateaccess",
            index=models.Index(fields=["case", "by", "at"], name="look_of_case"),
        ),
        migrations.AddConstraint(
            model_name="promptrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="prompt_rule_says_something"
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(condition=models.Q(("verdict", "")), fields=["kind", "opened_at"], name="hold_open"),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verdict", "")), fields=("generation", "kind"), name="hold_once_a_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("verdict", "")),
                    models.Q(models.Q(("verdict", ""), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="hold_decided_says_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("verb__in", ["lift", "suspend", "warn"]), ("generation__isnull", False), _connector="OR"
                ),
                name="decision_names_its_video",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("why", ""), _negated=True), ("verb__in", ["approve", "lift"]), _connector="OR"
                ),
                name="decision_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="queueturn",
            constraint=models.UniqueConstraint(fields=("team", "user"), name="queue_turn_once"),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_by", None)),
                fields=("generation", "reporter"),
                name="report_one_open_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(
                models.F("team"), django.db.models.functions.text.Lower("name"), name="tag_name_once_a_team"
            ),
        ),
        migrations.AddConstraint(
            model_name="teampause",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)), fields=("team",), name="team_pause_one_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="upload",
            constraint=models.UniqueConstraint(fields=("user", "sha256"), name="upload_once_a_user"),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(fields=("user", "key"), name="draft_key_once_a_user"),
        ),
    ]
