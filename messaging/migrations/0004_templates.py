import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_idempotent_calls"),
        ("messaging", "0003_second_threads"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Template",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("key", models.SlugField(help_text="What rules call it by; one for each language.", max_length=40)),
                ("name", models.CharField(max_length=120)),
                (
                    "channel",
                    models.CharField(
                        choices=[("whatsapp", "whatsapp"), ("sms", "sms"), ("email", "email"), ("web", "web")],
                        max_length=16,
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        default="und", help_text="BCP 47, such as en or pt-BR; und: for everybody.", max_length=16
                    ),
                ),
                ("category", models.CharField(blank=True, max_length=60)),
                ("subject", models.CharField(blank=True, max_length=200)),
                ("body", models.TextField()),
                ("content_sid", models.CharField(blank=True, max_length=64)),
                ("content_variables", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "language", "id"],
                "indexes": [models.Index(fields=["organization", "channel", "name"], name="template_of_channel")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "key", "channel", "language"), name="template_key_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("name", ""), _negated=True), models.Q(("body", ""), _negated=True)
                        ),
                        name="template_says_something",
                    ),
                ],
            },
        ),
    ]
