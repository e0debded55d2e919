"""The tables of `messaging`: channels, conversations, messages, files, templates, deliveries.

Stands for the migrations named in `replaces`, which are gone: a database that has them all has nothing to do, one
that has some of them is refused by `manage.py migrate`.
"""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.encryption
import core.ids
import messaging.models.media


class Migration(migrations.Migration):
    replaces = [
        ("messaging", "0001_initial"),
        ("messaging", "0002_conversation_snooze_ends"),
        ("messaging", "0003_second_threads"),
        ("messaging", "0004_templates"),
        ("messaging", "0005_conversation_waiting"),
        ("messaging", "0006_providers"),
        ("messaging", "0007_indexes_of_files"),
        ("messaging", "0008_answers_and_repeats"),
        ("messaging", "0009_beginnings_of_claims"),
        ("messaging", "0010_due_in_turn"),
        ("messaging", "0011_drafts"),
        ("messaging", "0012_default_channel"),
        ("messaging", "0013_unverified_arrivals"),
        ("messaging", "0014_old_unverified_arrivals"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed"),
        ("customers", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Channel",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("whatsapp", "whatsapp"), ("sms", "sms"), ("email", "email"), ("web", "web")],
                        max_length=16,
                    ),
                ),
                ("provider", models.CharField(max_length=32)),
                ("name", models.CharField(max_length=80)),
                ("address", models.CharField(help_text="E.164 or an e-mail address.", max_length=254)),
                ("credentials", core.encryption.EncryptedJSONField(blank=True, default=dict)),
                ("settings", models.JSONField(blank=True, default=dict)),
                ("is_enabled", models.BooleanField(default=True)),
                ("account_id", models.CharField(blank=True, editable=False, max_length=64)),
                ("messaging_service_id", models.CharField(blank=True, editable=False, max_length=64)),
                (
                    "rate_per_second",
                    models.FloatField(blank=True, help_text="Empty: the provider's usual limit.", null=True),
                ),
                ("paced_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_turn_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_error", models.CharField(blank=True, editable=False, max_length=500)),
                ("last_error_at", models.DateTimeField(blank=True, editable=False, null=True)),
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
                    "is_default",
                    models.BooleanField(
                        db_default=False, default=False, help_text="First messages of its kind leave by it."
                    ),
                ),
            ],
            options={
                "ordering": ["created_at"],
                "indexes": [
                    models.Index(fields=["provider", "kind", "address"], name="channel_by_address"),
                    models.Index(fields=["provider", "account_id"], name="channel_by_account"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "kind", "address"), name="channel_address_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("rate_per_second__isnull", True), ("rate_per_second__gt", 0), _connector="OR"
                        ),
                        name="channel_rate_is_positive",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("organization", "kind"),
                        name="channel_default_once",
                    ),
                ],
            },
        ),
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
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
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
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
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
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="mailbox_due")
                ],
                "verbose_name_plural": "mailboxes",
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
                ("content", models.JSONField(blank=True, editable=False, null=True)),
                (
                    "content_reason",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=300),
                ),
                (
                    "content_status",
                    models.CharField(
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
                ("content_synced_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "sharing",
                    models.CharField(
                        choices=[("everybody", "Everybody"), ("team", "One team"), ("author", "Only me")],
                        db_default="everybody",
                        default="everybody",
                        max_length=12,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                ("files", models.ManyToManyField(blank=True, related_name="templates", to="messaging.mediafile")),
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
        migrations.CreateModel(
            name="Conversation",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("address", models.CharField(max_length=254)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("pending", "Pending"),
                            ("snoozed", "Snoozed"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[("low", "Low"), ("normal", "Normal"), ("high", "High"), ("urgent", "Urgent")],
                        default="normal",
                        max_length=8,
                    ),
                ),
                ("snoozed_until", models.DateTimeField(blank=True, null=True)),
                ("unread_count", models.PositiveIntegerField(default=0)),
                ("last_inbound_at", models.DateTimeField(blank=True, null=True)),
                ("last_outbound_at", models.DateTimeField(blank=True, null=True)),
                (
                    "waiting_since",
                    models.DateTimeField(blank=True, help_text="Since when the customer has no answer.", null=True),
                ),
                ("last_message_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_message_preview", models.CharField(blank=True, max_length=200)),
                ("last_message_direction", models.CharField(blank=True, max_length=8)),
                ("last_message_status", models.CharField(blank=True, max_length=16)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conversations",
                        to="messaging.channel",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conversations",
                        to="customers.customer",
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
                    models.Index(fields=["organization", "-last_message_at", "-id"], name="conversation_newest"),
                    models.Index(
                        fields=["organization", "status", "-last_message_at", "-id"], name="conversation_by_status"
                    ),
                    models.Index(
                        condition=models.Q(("snoozed_until__isnull", False)),
                        fields=["snoozed_until"],
                        name="conversation_snooze_ends",
                    ),
                    models.Index(
                        condition=models.Q(("waiting_since__isnull", False)),
                        fields=["organization", "waiting_since", "id"],
                        name="conversation_waiting",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("direction", models.CharField(choices=[("inbound", "In"), ("outbound", "Out")], max_length=8)),
                ("is_private", models.BooleanField(default=False)),
                ("subject", models.CharField(blank=True, max_length=500)),
                ("body", models.TextField(blank=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("queued", "Waiting to be sent"),
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("read", "Read"),
                            ("failed", "Not delivered"),
                            ("cancelled", "Cancelled"),
                            ("unconfirmed", "Not confirmed"),
                            ("note", "Note"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "address",
                    models.CharField(blank=True, help_text="The other side: from whom, or to whom.", max_length=254),
                ),
                (
                    "origin",
                    models.CharField(
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
                ("provider_message_id", models.CharField(blank=True, max_length=254)),
                ("error_code", models.CharField(blank=True, max_length=32)),
                ("error_message", models.CharField(blank=True, max_length=500)),
                ("not_before_at", models.DateTimeField(blank=True, null=True)),
                ("cancel_on_inbound", models.BooleanField(default=False)),
                ("request_began_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("reconcile_attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("location", models.JSONField(blank=True, null=True)),
                ("button", models.JSONField(blank=True, null=True)),
                ("referral", models.JSONField(blank=True, null=True)),
                ("extra", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                (
                    "author",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="messages", to="messaging.channel"
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="messaging.conversation",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="customers.customer"
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
                (
                    "reply_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.message",
                    ),
                ),
                ("content_sid", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("content_variables", models.JSONField(blank=True, null=True)),
                (
                    "fallback_template",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.template",
                    ),
                ),
                ("fallback_variables", models.JSONField(blank=True, null=True)),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.template",
                    ),
                ),
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["conversation", "-created_at", "-id"], name="message_thread"),
                    models.Index(fields=["organization", "customer", "-created_at", "-id"], name="message_of_customer"),
                    models.Index(fields=["organization", "direction", "-created_at", "-id"], name="message_newest"),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["channel", "due_at"], name="message_due"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("provider_message_id", ""), _negated=True),
                        fields=("channel", "provider_message_id"),
                        name="message_of_provider_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("content_type", models.CharField(max_length=100)),
                ("filename", models.CharField(blank=True, max_length=255)),
                ("size", models.PositiveBigIntegerField(blank=True, null=True)),
                ("source_url", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("remote", "At the provider"),
                            ("stored", "Stored"),
                            ("failed", "Could not be fetched"),
                        ],
                        default="remote",
                        max_length=8,
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
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attachments", to="messaging.message"
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("content_id", models.CharField(blank=True, db_default="", default="", max_length=255)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "is_inline",
                    models.BooleanField(
                        db_default=False, default=False, help_text="A picture inside an e-mail's text."
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="Why it is not here.", max_length=300
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="messaging.mediafile",
                    ),
                ),
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                "ordering": ["position"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="attachment_due"
                    ),
                    models.Index(
                        condition=models.Q(("file__isnull", False)), fields=["file"], name="attachment_of_file"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("message", "position"), name="attachment_position_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Arrival",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("key", models.CharField(help_text="The same key is the same arrival.", max_length=200, unique=True)),
                ("provider", models.CharField(max_length=32)),
                ("kind", models.CharField(help_text="whatsapp, sms, email or web.", max_length=16)),
                ("type", models.CharField(choices=[("message", "Message"), ("status", "Status")], max_length=8)),
                (
                    "body",
                    models.BinaryField(
                        help_text="As received: bytes, since a text column can't hold all that arrives."
                    ),
                ),
                ("query", models.CharField(blank=True, max_length=500)),
                (
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
                ("outcome", models.CharField(blank=True, max_length=200)),
                ("last_error", models.TextField(blank=True)),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.channel",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="arrivals",
                        to="messaging.message",
                    ),
                ),
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
                (
                    "proof",
                    models.JSONField(
                        blank=True,
                        editable=False,
                        help_text="Signature, address and type as it came; by these it is verified later.",
                        null=True,
                    ),
                ),
                (
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
            ],
            options={
                "indexes": [
                    models.Index(fields=["state", "-received_at"], name="arrival_by_state"),
                    models.Index(fields=["organization", "-received_at"], name="arrival_newest"),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["organization", "due_at"],
                        name="arrival_due_in_turn",
                    ),
                ],
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
                (
                    "reply_to",
                    models.CharField(
                        blank=True, help_text="Where its writer wants answers, if elsewhere.", max_length=254
                    ),
                ),
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
                (
                    "digest",
                    models.CharField(
                        blank=True,
                        db_default="",
                        editable=False,
                        help_text="Of who wrote it and what it says: a repeat has the same.",
                        max_length=64,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "mail details",
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("mode", models.CharField(choices=[("reply", "Reply"), ("note", "Note")], max_length=8)),
                ("body", models.TextField(blank=True)),
                ("subject", models.CharField(blank=True, max_length=255)),
                (
                    "cc",
                    models.CharField(blank=True, help_text="As it was typed: addresses, with commas.", max_length=2000),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="One more with every save, sending and throwing away."
                    ),
                ),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="messaging.conversation"
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="accounts.member"
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
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.template",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "conversation", "member", "mode"), name="draft_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["reply", "note"])), name="draft_mode_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("mode", "reply"),
                            models.Q(("cc", ""), ("subject", ""), ("template__isnull", True)),
                            _connector="OR",
                        ),
                        name="draft_note_has_only_text",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="conversation",
            name="last_message",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="messaging.message",
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="thread_number",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, editable=False),
        ),
        migrations.AddField(
            model_name="conversation",
            name="window_closed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="is_answered_at_sender",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(
                fields=("organization", "customer", "channel", "thread_number"), name="conversation_thread_once"
            ),
        ),
    ]
