"""What verifies a delivery later, and a state for those that can't be."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0012_default_channel")]

    operations = [
        migrations.AddField(
            "arrival",
            "proof",
            models.JSONField(
                blank=True,
                editable=False,
                help_text="Signature, address and type as it came; by these it is verified later.",
                null=True,
            ),
        ),
        migrations.AddField(
            "arrival",
            "account_id",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="As the delivery names it.",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            "arrival",
            "state",
            models.CharField(
                choices=[
                    ("pending", "To be processed"),
                    ("done", "Processed"),
                    ("unroutable", "No channel"),
                    ("unverified", "Unverified"),
                    ("set_aside", "Set aside"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
    ]
