"""Whether staff answer at the sender's address, and what a mail says as a digest, by which a repeat is known."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0007_indexes_of_files")]

    operations = [
        migrations.AddField(
            "conversation",
            "is_answered_at_sender",
            models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            "maildetails",
            "digest",
            models.CharField(
                blank=True,
                db_default="",
                editable=False,
                help_text="Of who wrote it and what it says: a repeat has the same.",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            "maildetails",
            "reply_to",
            models.CharField(blank=True, help_text="Where its writer wants answers, if elsewhere.", max_length=254),
        ),
    ]
