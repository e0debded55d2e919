"""The chains of the organizations that there are, which take in what was written before; and PostgreSQL's guard.

The guard is a trigger: the application changes how far an event is dispatched, and seals it. Content is taken away,
given to another customer or deleted only in a transaction that has said so (activity/audit/guard.py). TRUNCATE and
whoever owns the table are not kept out: the chain, and the heads that people keep, tell of those.
"""

from datetime import timedelta

from django.db import migrations
from django.utils import timezone

GUARD = """
CREATE FUNCTION activity_keep_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    purpose text := coalesce(current_setting('parley.ledger', true), '');
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF purpose <> 'delete' THEN
            RAISE EXCEPTION 'The ledger is not deleted from: event %', OLD.id USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN OLD;
    END IF;
    IF purpose = 'restate' AND NOT OLD.is_sealed THEN
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.organization_id, NEW.type, NEW.occurred_at, NEW.actor_kind, NEW.actor_id, NEW.actor_label,
        NEW.impersonator_id, NEW.request_id, NEW.depth, NEW.subject_type, NEW.subject_id)
       IS DISTINCT FROM
       (OLD.id, OLD.organization_id, OLD.type, OLD.occurred_at, OLD.actor_kind, OLD.actor_id, OLD.actor_label,
        OLD.impersonator_id, OLD.request_id, OLD.depth, OLD.subject_type, OLD.subject_id)
       OR NEW.source_key IS DISTINCT FROM OLD.source_key
       OR (OLD.is_sealed AND NOT NEW.is_sealed)
       OR (NEW.customer_id IS DISTINCT FROM OLD.customer_id AND purpose <> 'move')
       OR (NEW.payload IS DISTINCT FROM OLD.payload AND purpose <> 'erase')
       OR (NEW.salt <> OLD.salt AND purpose NOT IN ('erase', 'move'))
       OR (NEW.proof <> OLD.proof AND NEW.proof <> '' AND purpose NOT IN ('erase', 'move'))
       OR (NEW.payload IS DISTINCT FROM OLD.payload AND EXISTS (
            SELECT 1 FROM jsonb_each(NEW.payload) AS kept
            WHERE NOT OLD.payload ? kept.key
               OR (jsonb_typeof(kept.value) <> 'object' AND kept.value <> OLD.payload -> kept.key)))
    THEN
        RAISE EXCEPTION 'The ledger is not changed: event %', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER activity_keep_event BEFORE UPDATE OR DELETE ON activity_event
    FOR EACH ROW EXECUTE FUNCTION activity_keep_event();
"""
NO_GUARD = "DROP TRIGGER activity_keep_event ON activity_event; DROP FUNCTION activity_keep_event();"
# Programs of before may write on while they are replaced, without a proof; those rows are taken in as well.
ADOPTED_FOR = timedelta(hours=1)


def begin_chains(apps, schema_editor):
    organizations = apps.get_model("accounts", "Organization")._base_manager.values_list("pk", flat=True)
    chains = apps.get_model("activity", "AuditChain")._base_manager
    until = timezone.now() + ADOPTED_FOR
    chains.bulk_create([chains.model(organization_id=pk, adopts_until=until) for pk in organizations], batch_size=500)


def put_guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(GUARD, params=None)


def take_guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(NO_GUARD, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_squashed"), ("activity", "0002_audit_chain")]

    operations = [
        migrations.RunPython(begin_chains, migrations.RunPython.noop, elidable=False),
        migrations.RunPython(put_guard, take_guard),
    ]
