"""The tables of `customers`: customers and all that belongs to them.

Stands for the migrations named in `replaces`, which are gone: a database that has them all has nothing to do, one
that has some of them is refused by `manage.py migrate`.
"""

from typing import Any

import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.ids
import customers.models.customer_import
import customers.models.file


def make_search_index(apps: Any, schema_editor: Any) -> None:
    """Make the index of trigrams by which PostgreSQL finds parts of words, behind the window of the search.

    The organization is in the window. As a column of its own it made the index five times slower: an index of this kind
    goes through all rows of the one large organization to find those that it shares with a word.

    Both extensions come with PostgreSQL and are trusted: the database's owner may create them. Elsewhere the same question
    is answered by looking at every row.
    """
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
        schema_editor.execute(
            "CREATE INDEX IF NOT EXISTS customer_search ON customers_customer "
            "USING gin (search_window, search_text gin_trgm_ops)"
        )


def drop_search_index(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS customer_search")


class Migration(migrations.Migration):
    replaces = [
        ("customers", "0001_initial"),
        ("customers", "0002_records"),
        ("customers", "0003_fill_keys"),
        ("customers", "0004_trigram_index"),
        ("customers", "0005_work"),
        ("customers", "0006_indexes_of_work"),
        ("customers", "0007_fill_pipeline"),
        ("customers", "0008_campaign"),
        ("customers", "0009_beginnings_of_claims"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Stage",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("key", models.SlugField(max_length=40)),
                ("name", models.CharField(max_length=80)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                (
                    "kind",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")], default="open", max_length=8
                    ),
                ),
                ("probability", models.PositiveSmallIntegerField(default=0, help_text="Per cent.")),
                ("color", models.CharField(default="slate", max_length=20)),
                (
                    "sla_hours",
                    models.PositiveIntegerField(
                        blank=True, help_text="Overdue when nothing was said or done for longer.", null=True
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
                    "entry_task",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The task that is made when a customer comes here. Empty: none.",
                        max_length=200,
                    ),
                ),
                ("overdue_told_until", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "ordering": ["position", "key"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "key"), name="stage_key_once"),
                    models.CheckConstraint(
                        condition=models.Q(("probability__lte", 100)), name="stage_probability_is_percent"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=50)),
                ("color", models.CharField(default="slate", max_length=20)),
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
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("organization"), django.db.models.functions.text.Lower("name"), name="tag_name_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("code", models.CharField(editable=False, max_length=20)),
                ("name", models.CharField(max_length=200)),
                ("email", models.CharField(blank=True, max_length=254, verbose_name="e-mail")),
                ("phone", models.CharField(blank=True, help_text="E.164", max_length=20)),
                ("company", models.CharField(blank=True, max_length=200)),
                (
                    "type",
                    models.CharField(
                        choices=[("individual", "Individual"), ("business", "Business")],
                        default="individual",
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("lead", "Lead"),
                            ("prospect", "Prospect"),
                            ("active", "Active"),
                            ("inactive", "Inactive"),
                        ],
                        default="lead",
                        max_length=16,
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=60)),
                ("language", models.CharField(blank=True, help_text="BCP 47, such as en or pt-BR.", max_length=16)),
                ("notes", models.TextField(blank=True)),
                (
                    "address",
                    models.JSONField(blank=True, default=dict, help_text="street, city, state, country, postal_code"),
                ),
                ("do_not_contact", models.BooleanField(default=False)),
                ("next_follow_up_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("last_activity_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("search_text", models.TextField(blank=True, editable=False)),
                (
                    "assigned_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                (
                    "stage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="customers", to="customers.stage"
                    ),
                ),
                ("tags", models.ManyToManyField(blank=True, related_name="customers", to="customers.tag")),
                ("address_key", models.CharField(blank=True, db_default="", editable=False, max_length=150)),
                ("code_number", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ("company_key", models.CharField(blank=True, db_default="", editable=False, max_length=100)),
                (
                    "custom_fields",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value({}, models.JSONField()),
                        default=dict,
                        help_text="Values of the organization's own fields.",
                    ),
                ),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("erased_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "former_codes",
                    models.JSONField(
                        blank=True, db_default=models.Value([], models.JSONField()), default=list, editable=False
                    ),
                ),
                ("is_duplicate_check_due", models.BooleanField(db_default=False, default=False, editable=False)),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                ("search_window", models.BigIntegerField(db_default=0, default=0, editable=False)),
                ("sort_name", models.CharField(blank=True, db_default="", editable=False, max_length=100)),
                (
                    "open_value",
                    models.DecimalField(db_default=0, decimal_places=2, default=0, editable=False, max_digits=16),
                ),
                (
                    "stage_since",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        editable=False,
                    ),
                ),
                (
                    "campaign",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The advertisement that brought them.",
                        max_length=200,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-created_at", "-id"], name="customer_newest"),
                    models.Index(fields=["organization", "-last_activity_at", "-id"], name="customer_latest_activity"),
                    models.Index(
                        fields=["organization", "assigned_to", "-created_at", "-id"], name="customer_of_owner"
                    ),
                    models.Index(fields=["organization", "stage", "-created_at"], name="customer_in_stage"),
                    models.Index(
                        condition=models.Q(("next_follow_up_at__isnull", False)),
                        fields=["organization", "next_follow_up_at"],
                        name="customer_follow_up",
                    ),
                    models.Index(fields=["organization", "sort_name", "id"], name="customer_by_name"),
                    models.Index(fields=["organization", "code_number", "id"], name="customer_by_code"),
                    models.Index(fields=["organization", "-updated_at", "-id"], name="customer_latest_change"),
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", False)),
                        fields=["organization", "-deleted_at"],
                        name="customer_deleted",
                    ),
                    models.Index(
                        condition=models.Q(("company_key", ""), _negated=True),
                        fields=["organization", "company_key"],
                        name="customer_company",
                    ),
                    models.Index(
                        condition=models.Q(("address_key", ""), _negated=True),
                        fields=["organization", "address_key"],
                        name="customer_address",
                    ),
                    models.Index(
                        condition=models.Q(("is_duplicate_check_due", True)),
                        fields=["is_duplicate_check_due"],
                        name="customer_duplicate_check",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=[
                            "organization",
                            "stage",
                            "last_activity_at",
                            "id",
                            "assigned_to",
                            "stage_since",
                            "open_value",
                        ],
                        name="customer_board",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "code"), name="customer_code_once"),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="customer_has_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StageChange",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("actor_kind", models.CharField(max_length=16)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stage_changes",
                        to="customers.customer",
                    ),
                ),
                (
                    "from_stage",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="customers.stage"
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
                    "to_stage",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="customers.stage"
                    ),
                ),
                ("from_name", models.CharField(blank=True, db_default="", default="", editable=False, max_length=80)),
                ("since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("to_name", models.CharField(blank=True, db_default="", default="", editable=False, max_length=80)),
                ("undone_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "customer", "-changed_at"], name="stage_change_of_customer"),
                    models.Index(fields=["organization", "to_stage", "changed_at"], name="stage_change_into"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "channel",
                    models.CharField(
                        blank=True, help_text="whatsapp, sms or email; empty: every channel.", max_length=16
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[("messages", "Messages"), ("financial_inference", "Financial inference")],
                        default="messages",
                        max_length=32,
                    ),
                ),
                ("is_granted", models.BooleanField()),
                ("how", models.CharField(help_text="By what: “wrote STOP”, “told the reception”.", max_length=200)),
                (
                    "proof",
                    models.CharField(blank=True, help_text="What shows it, such as a message's id.", max_length=200),
                ),
                ("actor_label", models.CharField(blank=True, max_length=200)),
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="consents", to="customers.customer"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "customer", "purpose", "-created_at"], name="consent_in_force")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerCounter",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("last_number", models.PositiveIntegerField(default=0)),
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
                "constraints": [models.UniqueConstraint(fields=("organization",), name="customer_counter_once")],
            },
        ),
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("phone", "Phone"), ("email", "E-mail"), ("whatsapp_user", "WhatsApp user")],
                        max_length=16,
                    ),
                ),
                ("value", models.CharField(max_length=254)),
                ("match_key", models.CharField(editable=False, max_length=254)),
                ("is_primary", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="identities", to="customers.customer"
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
                "verbose_name_plural": "identities",
                "ordering": ["-is_primary", "created_at"],
                "indexes": [models.Index(fields=["organization", "customer"], name="identity_of_customer")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "kind", "match_key"), name="identity_has_one_owner")
                ],
            },
        ),
        migrations.CreateModel(
            name="ChangeSet",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("merge", "Merge"), ("bulk", "Bulk change"), ("import", "Import")], max_length=8
                    ),
                ),
                ("summary", models.CharField(help_text="In words: “Moved 40 customers to Contacted”.", max_length=200)),
                ("actor_kind", models.CharField(max_length=16)),
                ("actor_id", models.CharField(blank=True, max_length=64)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                (
                    "detail",
                    models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
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
                "indexes": [models.Index(fields=["organization", "kind", "-created_at"], name="change_set_newest")],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("model", models.CharField(help_text="Such as customers.customer.", max_length=64)),
                ("object_id", models.CharField(max_length=64)),
                ("action", models.CharField(help_text="created, updated, moved", max_length=16)),
                (
                    "before",
                    models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                (
                    "after",
                    models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
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
                    "change_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="customers.changeset"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["change_set", "id"], name="change_of_set")],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "relationship",
                    models.CharField(blank=True, help_text="student, patient, parent, billing, …", max_length=40),
                ),
                ("email", models.CharField(blank=True, max_length=254, verbose_name="e-mail")),
                ("phone", models.CharField(blank=True, help_text="E.164", max_length=20)),
                ("birth_date", models.DateField(blank=True, null=True)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="contacts", to="customers.customer"
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
                "ordering": ["created_at", "id"],
                "indexes": [
                    models.Index(fields=["organization", "customer", "created_at"], name="contact_of_customer"),
                    models.Index(fields=["organization", "-created_at", "-id"], name="contact_newest"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="contact_has_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerFile",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("content", models.FileField(max_length=200, upload_to=customers.models.file.place_of)),
                ("name", models.CharField(max_length=255)),
                ("content_type", models.CharField(blank=True, max_length=100)),
                ("size", models.PositiveBigIntegerField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="customers.customer"
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
                "indexes": [models.Index(fields=["organization", "customer", "-created_at"], name="file_of_customer")],
            },
        ),
        migrations.CreateModel(
            name="CustomerImport",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(help_text="The file's name.", max_length=255)),
                ("source_file", models.FileField(max_length=200, upload_to=customers.models.customer_import.place_of)),
                (
                    "rejected_file",
                    models.FileField(blank=True, max_length=200, upload_to=customers.models.customer_import.place_of),
                ),
                ("format", models.CharField(help_text="csv or xlsx", max_length=8)),
                (
                    "dialect",
                    models.JSONField(blank=True, default=dict, help_text="Encoding and delimiter, or the sheet."),
                ),
                ("headers", models.JSONField(blank=True, default=list)),
                ("row_count", models.PositiveIntegerField(default=0)),
                ("mapping", models.JSONField(blank=True, default=dict, help_text="Column → field; custom.<key> too.")),
                (
                    "on_duplicate",
                    models.CharField(
                        choices=[
                            ("skip", "Leave the customer as they are"),
                            ("update", "Fill in what the file says"),
                            ("create", "Make another customer"),
                        ],
                        default="skip",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("uploaded", "Uploaded"),
                            ("checked", "Tried"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("undone", "Undone"),
                        ],
                        default="uploaded",
                        max_length=8,
                    ),
                ),
                ("job_id", models.UUIDField(blank=True, editable=False, null=True)),
                ("result", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "change_set",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="customers.changeset",
                    ),
                ),
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
                "indexes": [models.Index(fields=["organization", "-created_at", "-id"], name="import_newest")],
            },
        ),
        migrations.CreateModel(
            name="CustomField",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "entity",
                    models.CharField(
                        choices=[("customer", "Customer"), ("contact", "Contact"), ("deal", "Deal")],
                        default="customer",
                        max_length=16,
                    ),
                ),
                (
                    "key",
                    models.SlugField(
                        help_text="What the API and imports call it: letters, digits, _ and -.", max_length=40
                    ),
                ),
                ("label", models.CharField(max_length=80)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("number", "Number"),
                            ("date", "Date"),
                            ("boolean", "Yes or no"),
                            ("choice", "One of several"),
                            ("multi_choice", "Some of several"),
                            ("url", "Link"),
                        ],
                        default="text",
                        max_length=16,
                    ),
                ),
                (
                    "choices",
                    models.JSONField(blank=True, default=list, help_text="For choices: the words to choose from."),
                ),
                ("is_required", models.BooleanField(default=False)),
                ("position", models.PositiveSmallIntegerField(default=0)),
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
            ],
            options={
                "ordering": ["position", "created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "entity", "key"), name="custom_field_key_once"),
                    models.CheckConstraint(
                        condition=models.Q(("label", ""), _negated=True), name="custom_field_has_label"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Deal",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
                ("amount", models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ("currency", models.CharField(default="GBP", help_text="ISO 4217", max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")], default="open", max_length=8
                    ),
                ),
                ("expected_close_on", models.DateField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("lost_reason", models.CharField(blank=True, max_length=300)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deals", to="customers.customer"
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
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "stage",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deals",
                        to="customers.stage",
                    ),
                ),
                (
                    "probability",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="Per cent; empty: that of the stage.", null=True
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "customer", "-created_at"], name="deal_of_customer"),
                    models.Index(fields=["organization", "-created_at", "-id"], name="deal_newest"),
                    models.Index(fields=["organization", "stage", "-updated_at", "-id"], name="deal_board"),
                    models.Index(
                        condition=models.Q(("status", "open")),
                        fields=["organization", "expected_close_on", "id"],
                        name="deal_open_by_close",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("title", ""), _negated=True), name="deal_has_title"),
                    models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="deal_amount_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("status", "open")),
                            models.Q(models.Q(("status", "open"), _negated=True), ("closed_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="deal_closed_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("probability__isnull", True), ("probability__lte", 100), _connector="OR"),
                        name="deal_probability_is_percent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DuplicatePair",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "reasons",
                    models.JSONField(default=list, help_text="phone, email, name_and_company, name_and_address"),
                ),
                ("score", models.PositiveSmallIntegerField(default=0, help_text="0 to 100")),
                (
                    "dismissed_at",
                    models.DateTimeField(blank=True, help_text="When somebody said that they are two.", null=True),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "first",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
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
                    "second",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "-score", "-id"], name="duplicate_likeliest")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "first", "second"), name="duplicate_pair_once"),
                    models.CheckConstraint(
                        condition=models.Q(("first__lt", models.F("second"))), name="duplicate_pair_in_order"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Interaction",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("call", "Call"),
                            ("email", "E-mail"),
                            ("whatsapp", "WhatsApp"),
                            ("sms", "SMS"),
                            ("meeting", "Meeting"),
                            ("note", "Note"),
                            ("other", "Other"),
                        ],
                        default="note",
                        max_length=16,
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[("inbound", "From them"), ("outbound", "From us"), ("internal", "Among us")],
                        default="internal",
                        max_length=16,
                    ),
                ),
                ("content", models.TextField()),
                ("occurred_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("duration_seconds", models.PositiveIntegerField(blank=True, null=True)),
                ("author_label", models.CharField(blank=True, editable=False, max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "author",
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="interactions",
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
                    models.Index(
                        fields=["organization", "customer", "-occurred_at", "-id"], name="interaction_of_customer"
                    ),
                    models.Index(fields=["organization", "-occurred_at", "-id"], name="interaction_newest"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80)),
                (
                    "filter",
                    models.JSONField(blank=True, default=dict, help_text="The list's filters, as its API names them."),
                ),
                ("ordering", models.CharField(blank=True, max_length=40)),
                ("columns", models.JSONField(blank=True, default=list)),
                ("is_shared", models.BooleanField(default=False, help_text="Everybody in the organization sees it.")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
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
                    "owner",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "owner", "name"), name="segment_name_once"),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="segment_has_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "priority",
                    models.CharField(
                        choices=[("low", "Low"), ("normal", "Normal"), ("high", "High"), ("urgent", "Urgent")],
                        default="normal",
                        max_length=8,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("in_progress", "In progress"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("completed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "assigned_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
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
                ("occurrence", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ("origin", models.CharField(blank=True, db_default="", default="", editable=False, max_length=120)),
                ("remind_at", models.DateTimeField(blank=True, null=True)),
                ("repeat_day", models.PositiveSmallIntegerField(blank=True, editable=False, null=True)),
                ("repeat_every", models.PositiveSmallIntegerField(db_default=1, default=1)),
                (
                    "repeat_unit",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("day", "Day"),
                            ("weekday", "Working day"),
                            ("week", "Week"),
                            ("month", "Month"),
                            ("year", "Year"),
                        ],
                        db_default="",
                        default="",
                        max_length=8,
                    ),
                ),
                (
                    "repeat_until",
                    models.DateField(blank=True, help_text="The last day on which one may be due.", null=True),
                ),
                ("series", models.UUIDField(blank=True, editable=False, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "customer", "status"], name="task_of_customer"),
                    models.Index(fields=["organization", "assigned_to", "status", "due_at"], name="task_of_assignee"),
                    models.Index(fields=["organization", "-created_at", "-id"], name="task_newest"),
                    models.Index(
                        condition=models.Q(("status__in", ["open", "in_progress"])),
                        fields=["organization", "due_at", "id"],
                        name="task_open_by_due",
                    ),
                    models.Index(fields=["organization", "created_by", "-created_at"], name="task_of_maker"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("title", ""), _negated=True), name="task_has_title"),
                    models.CheckConstraint(
                        condition=models.Q(("repeat_every__gte", 1)), name="task_repeats_every_one_or_more"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("repeat_unit", ""), ("due_at__isnull", False), _connector="OR"),
                        name="task_repeats_from_a_day",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("series__isnull", False)),
                        fields=("series", "occurrence"),
                        name="task_occurrence_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("origin", ""), _negated=True),
                        fields=("organization", "origin"),
                        name="task_origin_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerSettings",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "follow_up_days",
                    models.PositiveSmallIntegerField(
                        default=7, help_text="So many days after an action comes the next follow-up."
                    ),
                ),
                (
                    "stalled_days",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="A lead is stalled when a message of theirs went unanswered for so many days.",
                    ),
                ),
                (
                    "asks_lost_reason",
                    models.BooleanField(default=True, help_text="Moving a customer to a lost stage asks why."),
                ),
                (
                    "relationships",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value([], models.JSONField()),
                        default=list,
                        help_text="Proposed for contacts.",
                    ),
                ),
                (
                    "lost_deal_stage",
                    models.ForeignKey(
                        blank=True,
                        help_text="Where a lost deal moves its customer who has no other open one. Empty: they stay.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="customers.stage",
                    ),
                ),
                (
                    "organization",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "won_deal_stage",
                    models.ForeignKey(
                        blank=True,
                        help_text="Where a won deal moves its customer. Empty: they stay.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="customers.stage",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "customer settings",
            },
        ),
        migrations.CreateModel(
            name="OutcomeType",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("key", models.SlugField(max_length=40)),
                ("name", models.CharField(max_length=80)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("color", models.CharField(default="slate", max_length=20)),
                ("is_converting", models.BooleanField(default=False, help_text="It counts as a conversion.")),
                (
                    "has_amount",
                    models.BooleanField(default=False, help_text="Money belongs to it: the form asks for it."),
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
                    "stage",
                    models.ForeignKey(
                        blank=True,
                        help_text="Where it moves the customer, forward only; to a lost stage from anywhere. Empty: they stay.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="outcome_types",
                        to="customers.stage",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization", "key"), name="outcome_type_key_once")],
                "ordering": ["position", "key"],
            },
        ),
        migrations.CreateModel(
            name="Outcome",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("amount", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("currency", models.CharField(default="GBP", help_text="ISO 4217", max_length=3)),
                ("occurred_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("note", models.TextField(blank=True)),
                ("author_label", models.CharField(blank=True, editable=False, max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "author",
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="outcomes", to="customers.customer"
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
                    "type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="outcomes", to="customers.outcometype"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__isnull", True), ("amount__gte", 0), _connector="OR"),
                        name="outcome_amount_not_negative",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["organization", "customer", "-occurred_at", "-id"], name="outcome_of_customer"
                    ),
                    models.Index(fields=["organization", "-occurred_at", "-id"], name="outcome_newest"),
                    models.Index(fields=["organization", "type", "occurred_at"], name="outcome_of_type"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Process",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("follow_up", "Follow-up")], default="follow_up", editable=False, max_length=16
                    ),
                ),
                ("name", models.CharField(default="Follow-up", max_length=120)),
                ("channel", models.CharField(blank=True, max_length=40)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="active",
                        max_length=12,
                    ),
                ),
                ("last_action_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("next_follow_up_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="processes", to="customers.customer"
                    ),
                ),
                (
                    "last_action",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="customers.interaction",
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
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "follow_up"), ("status__in", ["pending", "active", "paused"])),
                        fields=("customer",),
                        name="one_open_follow_up_process",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="process_has_name"),
                ],
                "indexes": [
                    models.Index(fields=["organization", "customer", "-created_at"], name="process_of_customer"),
                    models.Index(fields=["organization", "-created_at", "-id"], name="process_newest"),
                ],
                "verbose_name_plural": "processes",
            },
        ),
        migrations.CreateModel(
            name="TaskReminder",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("claim_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("remind_at", models.DateTimeField(editable=False)),
                ("sent_at", models.DateTimeField(blank=True, editable=False, null=True)),
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
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reminder", to="customers.task"
                    ),
                ),
                ("begun_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_error", models.CharField(blank=True, db_default="", default="", editable=False, max_length=300)),
                ("lost_claims", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="task_reminder_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CalendarFeed",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("last_read_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="calendar_feeds", to="accounts.member"
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
                "constraints": [models.UniqueConstraint(fields=("member",), name="calendar_feed_once")],
            },
        ),
        migrations.RunPython(make_search_index, drop_search_index),
    ]
