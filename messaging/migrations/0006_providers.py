import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.ids
import messaging.models.media


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_idempotent_calls"),
        ("messaging", "0005_conversation_waiting"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("done", "Done"), ("failed", "Failed")],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("inbound_listed", models.PositiveIntegerField(default=0)),
                ("inbound_found", models.PositiveIntegerField(default=0)),
                ("outbound_listed", models.PositiveIntegerField(default=0)),
                ("statuses_found", models.PositiveIntegerField(default=0)),
                (
                    "elsewhere_found",
                    models.PositiveIntegerField(default=0, help_text="Sent from this number, but not by Parley."),
                ),
                (
                    "found",
                    models.JSONField(blank=True, default=list, help_text="The first of what was found, a row each."),
                ),
                ("error", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reconciliations",
                        to="messaging.channel",
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="reconciliation_due"
                    ),
                    models.Index(fields=["organization", "-created_at"], name="reconciliation_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")), fields=("channel",), name="reconciliation_one_waiting"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("since__lt", models.F("until"))), name="reconciliation_has_a_range"
                    ),
                ],
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="StoppedAddress",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                ("address", models.CharField(max_length=254)),
                ("code", models.CharField(blank=True, max_length=32)),
                ("reason", models.CharField(max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "message",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.message",
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
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "kind", "address"), name="stopped_address_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ContentSync",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("synced_at", models.DateTimeField(blank=True, null=True)),
                ("count", models.PositiveIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=500)),
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="content_sync", to="messaging.channel"
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="content_sync_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Mailbox",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("folder", models.CharField(default="INBOX", max_length=255)),
                (
                    "uidvalidity",
                    models.BigIntegerField(blank=True, help_text="Another one: all UIDs mean other mails.", null=True),
                ),
                ("last_uid", models.BigIntegerField(default=0)),
                (
                    "newest_at",
                    models.DateTimeField(blank=True, help_text="When the newest mail that was read came.", null=True),
                ),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=500)),
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mailbox", to="messaging.channel"
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
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="mailbox_due")
                ],
                "verbose_name_plural": "mailboxes",
            },
        ),
        migrations.CreateModel(
            name="MailDetails",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("html", models.TextField(blank=True, help_text="Cleaned; shown in a sandboxed frame only.")),
                (
                    "folded",
                    models.TextField(
                        blank=True, help_text="Quoted text and signature, which the message's body lacks."
                    ),
                ),
                ("to", models.JSONField(blank=True, default=list)),
                ("cc", models.JSONField(blank=True, default=list)),
                (
                    "references",
                    models.JSONField(blank=True, default=list, help_text="Message-IDs without brackets, oldest first."),
                ),
                ("reply_to", models.CharField(blank=True, max_length=254)),
                ("automatic", models.CharField(blank=True, help_text="Why it is no person's own mail.", max_length=60)),
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mail", to="messaging.message"
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
                "verbose_name_plural": "mail details",
            },
        ),
        migrations.CreateModel(
            name="MediaFile",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("content", models.FileField(max_length=200, upload_to=messaging.models.media.place_of)),
                ("thumbnail", models.FileField(blank=True, max_length=200, upload_to=messaging.models.media.place_of)),
                ("name", models.CharField(max_length=255)),
                ("content_type", models.CharField(max_length=100)),
                ("size", models.PositiveBigIntegerField()),
                ("width", models.PositiveIntegerField(blank=True, null=True)),
                ("height", models.PositiveIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="media_file_by_age")],
            },
        ),
        migrations.AddField(
            model_name="attachment",
            name="attempts",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="attachment",
            name="claim_token",
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="attachment",
            name="content_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AddField(
            model_name="attachment",
            name="due_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="attachment",
            name="is_inline",
            field=models.BooleanField(db_default=False, default=False, help_text="A picture inside an e-mail's text."),
        ),
        migrations.AddField(
            model_name="attachment",
            name="reason",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Why it is not here.", max_length=300
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="window_closed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="content_sid",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="message",
            name="content_variables",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="fallback_template",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="messaging.template",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="fallback_variables",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="template",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="messaging.template",
            ),
        ),
        migrations.AddField(
            model_name="template",
            name="content",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="template",
            name="content_reason",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=300),
        ),
        migrations.AddField(
            model_name="template",
            name="content_status",
            field=models.CharField(
                blank=True,
                choices=[
                    ("approved", "Approved"),
                    ("pending", "Waiting for approval"),
                    ("rejected", "Rejected"),
                    ("paused", "Paused"),
                    ("disabled", "Disabled"),
                    ("unsubmitted", "Not submitted"),
                    ("gone", "Deleted at the provider"),
                    ("", "Not known yet"),
                ],
                db_default="",
                default="",
                editable=False,
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="template",
            name="content_synced_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="template",
            name="sharing",
            field=models.CharField(
                choices=[("everybody", "Everybody"), ("team", "One team"), ("author", "Only me")],
                db_default="everybody",
                default="everybody",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="template",
            name="team",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.team",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="origin",
            field=models.CharField(
                choices=[
                    ("person", "Person"),
                    ("workflow", "Workflow"),
                    ("sequence", "Sequence"),
                    ("api", "API"),
                    ("elsewhere", "Elsewhere"),
                ],
                default="person",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="attachment",
            name="file",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attachments",
                to="messaging.mediafile",
            ),
        ),
        migrations.AddField(
            model_name="template",
            name="files",
            field=models.ManyToManyField(blank=True, related_name="templates", to="messaging.mediafile"),
        ),
    ]
