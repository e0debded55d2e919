"""The tables of `activity`: the ledger with its receipts, jobs, heartbeats, the installation.

Stands for the migrations named in `replaces`, which are gone: a database that has them all has nothing to do, one
that has some of them is refused by `manage.py migrate`.
"""

import uuid

import django.core.serializers.json
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    replaces = [
        ("activity", "0001_initial"),
        ("activity", "0002_heartbeat"),
        ("activity", "0003_job"),
        ("activity", "0004_feed_by_organization"),
        ("activity", "0005_beginnings_of_claims"),
        ("activity", "0006_due_in_turn"),
        ("activity", "0007_installation"),
        ("activity", "0008_installation_database"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("type", models.CharField(max_length=64)),
                ("occurred_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("user", "user"),
                            ("api_key", "api_key"),
                            ("workflow", "workflow"),
                            ("system", "system"),
                        ],
                        max_length=16,
                    ),
                ),
                ("actor_id", models.CharField(blank=True, max_length=64)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("impersonator_id", models.CharField(blank=True, max_length=64)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("depth", models.PositiveSmallIntegerField(default=0)),
                ("subject_type", models.CharField(max_length=64)),
                ("subject_id", models.CharField(max_length=64)),
                ("customer_id", models.UUIDField(blank=True, null=True)),
                ("payload", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("source_key", models.CharField(blank=True, max_length=200, null=True)),
                (
                    "dispatch_state",
                    models.CharField(
                        choices=[("pending", "to be dispatched"), ("done", "dispatched"), ("set_aside", "set aside")],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("last_error", models.TextField(blank=True)),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-occurred_at", "-id"], name="event_newest"),
                    models.Index(
                        fields=["organization", "customer_id", "-occurred_at", "-id"], name="event_of_customer"
                    ),
                    models.Index(
                        fields=["organization", "subject_type", "subject_id", "-occurred_at"], name="event_of_subject"
                    ),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["organization", "due_at"],
                        name="event_due_in_turn",
                    ),
                    models.Index(
                        condition=models.Q(("dispatch_state", "set_aside")),
                        fields=["organization", "-occurred_at"],
                        name="event_set_aside",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("source_key__isnull", False)),
                        fields=("organization", "type", "source_key"),
                        name="event_source_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("subscriber", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="receipts", to="activity.event"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("event", "subscriber"), name="receipt_once")],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True)),
                ("beat_at", models.DateTimeField()),
                ("detail", models.JSONField(blank=True, default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("kind", models.CharField(max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Working"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("params", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("state", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("result", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("error", models.TextField(blank=True, help_text="In plain words; the log has the details.")),
                ("actor", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("is_cancel_requested", models.BooleanField(default=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
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
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-created_at", "-id"], name="job_newest"),
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="job_due"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("identity", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("former", models.JSONField(default=list, editable=False)),
                ("name", models.CharField(blank=True, editable=False, max_length=100)),
                ("epoch", models.PositiveBigIntegerField(default=0, editable=False)),
                ("advanced_at", models.DateTimeField(editable=False)),
                ("held_since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("held_why", models.CharField(blank=True, editable=False, max_length=300)),
                ("database", models.CharField(blank=True, db_default="", default="", editable=False, max_length=100)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="installation_is_one")],
            },
        ),
    ]
