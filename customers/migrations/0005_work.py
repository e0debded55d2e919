import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_idempotent_calls"),
        ("customers", "0004_trigram_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="open_value",
            field=models.DecimalField(db_default=0, decimal_places=2, default=0, editable=False, max_digits=16),
        ),
        migrations.AddField(
            model_name="customer",
            name="stage_since",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, editable=False
            ),
        ),
        migrations.AddField(
            model_name="deal",
            name="probability",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="Per cent; empty: that of the stage.", null=True
            ),
        ),
        migrations.AddField(
            model_name="stage",
            name="entry_task",
            field=models.CharField(
                blank=True,
                default="",
                db_default="",
                help_text="The task that is made when a customer comes here. Empty: none.",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="stage",
            name="overdue_told_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="stagechange",
            name="from_name",
            field=models.CharField(blank=True, default="", db_default="", editable=False, max_length=80),
        ),
        migrations.AddField(
            model_name="stagechange",
            name="since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="stagechange",
            name="to_name",
            field=models.CharField(blank=True, default="", db_default="", editable=False, max_length=80),
        ),
        migrations.AddField(
            model_name="stagechange",
            name="undone_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="task",
            name="occurrence",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="task",
            name="origin",
            field=models.CharField(blank=True, default="", db_default="", editable=False, max_length=120),
        ),
        migrations.AddField(
            model_name="task",
            name="remind_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="task",
            name="repeat_day",
            field=models.PositiveSmallIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="task",
            name="repeat_every",
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name="task",
            name="repeat_unit",
            field=models.CharField(
                blank=True,
                choices=[
                    ("day", "Day"),
                    ("weekday", "Working day"),
                    ("week", "Week"),
                    ("month", "Month"),
                    ("year", "Year"),
                ],
                default="",
                db_default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="task",
            name="repeat_until",
            field=models.DateField(blank=True, help_text="The last day on which one may be due.", null=True),
        ),
        migrations.AddField(
            model_name="task",
            name="series",
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="deal",
            constraint=models.CheckConstraint(
                condition=models.Q(("probability__isnull", True), ("probability__lte", 100), _connector="OR"),
                name="deal_probability_is_percent",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(("repeat_every__gte", 1)), name="task_repeats_every_one_or_more"
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(("repeat_unit", ""), ("due_at__isnull", False), _connector="OR"),
                name="task_repeats_from_a_day",
            ),
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
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "key"), name="outcome_type_key_once"),
                ],
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
                    ),
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
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="task_reminder_due"
                    ),
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
                "constraints": [
                    models.UniqueConstraint(fields=("member",), name="calendar_feed_once"),
                ],
            },
        ),
    ]
