"""A provider's template is known by a word that is no single provider's; the column keeps its name."""

from django.db import migrations, models


def _column(**more):
    return models.CharField(blank=True, db_column="content_sid", max_length=64, **more)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_squashed")]

    operations = [
        migrations.AlterField("message", "content_sid", _column(default="", db_default="")),
        migrations.RenameField("message", "content_sid", "provider_template_id"),
        migrations.AlterField("template", "content_sid", _column()),
        migrations.RenameField("template", "content_sid", "provider_template_id"),
    ]
