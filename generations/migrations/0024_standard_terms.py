"""Names of fields and models become the field's standard terms; rows stay as they are."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("generations", "0023_log_without_prompts"), ("accounts", "0018_standard_terms")]

    operations = [
        migrations.RenameField("Generation", "form_key", "idempotency_key"),
        migrations.RenameField("Generation", "keeper", "assigned_to"),
        migrations.RenameField("Generation", "fixer", "responsible_party"),
        migrations.RenameField("Generation", "fal_words", "provider_message"),
        migrations.RenameField("Generation", "cancel_asked_at", "cancel_requested_at"),
        migrations.RenameField("Generation", "called_at", "webhook_received_at"),
        migrations.RenameField("Generation", "needs_person_since", "needs_attention_since"),
        migrations.RenameField("Generation", "binned_at", "trashed_at"),
        migrations.RenameField("Hold", "told_at", "notified_at"),
        migrations.RenameField("Report", "told_at", "notified_at"),
        migrations.RenameField("Case", "looked_at_by", "viewed_by"),
        migrations.RenameField("Case", "looked_at", "viewed_at"),
        migrations.RenameField("Case", "not_for", "excluded_moderator"),
        migrations.RenameField("StorageDeletion", "asked_at", "requested_at"),
        migrations.RenameField("Upload", "kept_at", "last_used_at"),
        migrations.RenameField("Draft", "kept_at", "last_used_at"),
        migrations.RenameField("BannedFile", "looks", "perceptual_hash"),
        migrations.RenameField("Flag", "words", "matched_text"),
        migrations.RenameModel("Look", "PrivateAccess"),
    ]
