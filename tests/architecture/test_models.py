"""Every record belongs to an organization, and a query without one raises."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from core.fields import OneLine
from core.tenancy import ScopeError

# The models that belong to no organization, each with the reason.
WITHOUT_ORGANIZATION = {
    "accounts.Organization": "it is the organization",
    "accounts.OrganizationDeletion": "what is left of an organization that was destroyed",
    "accounts.User": "a person, who may be a member of several organizations; what they may see is said by Member",
    "accounts.SignInAttempt": "made before anybody knows who signs in",
    "accounts.PasswordReset": "a user may be a member of several; whose address it is, nobody is told",
    "accounts.AuthenticatorApp": "a user's, whichever organizations they are in",
    "accounts.RecoveryCode": "a user's, whichever organizations they are in",
    "accounts.TrustedBrowser": "a user's, whichever organizations they are in",
    "accounts.Passkey": "a user's, whichever organizations they are in",
    "accounts.BrowserSession": "a user's, whichever organizations they are in",
    "accounts.SecurityNotice": "a user's, whichever organizations they are in",
    "messaging.Arrival": "stored before anybody knows whose it is; the machinery and the installation's admin read it",
    "activity.Installation": "the installation itself, not a customer's record",
    "activity.Heartbeat": "the installation's machinery, not a customer's record",
    "activity.InstallationCheck": "the installation's machinery, not a customer's record",
    "activity.InstallationSample": "sums over all organizations, for whoever runs the installation",
    "activity.ProcessFigures": "the installation's machinery, not a customer's record",
}
# The models that belong to one by way of another record, with the path; their managers are closed all the same.
BY_WAY_OF = {"activity.Receipt": "event", "workflows.WorkflowVersion": "workflow"}
# The indexes for look-ups before the organization is known, or within one record of it, each with the reason.
ACROSS_ORGANIZATIONS = {
    "attachment_of_file": "where one file is used, and a file belongs to one organization",
    "media_file_by_age": "the beat throws away what nothing needs, of all organizations at once",
    "conversation_snooze_ends": "the beat ends the snoozes of all organizations at once",
    "change_of_set": "one change set's, and a change set belongs to one organization",
    "customer_duplicate_check": "the worker looks for the duplicates of all organizations' new customers",
    "handed_over_age": "the beat forgets the old ones of all organizations at once",
    "idempotent_call_age": "the beat forgets the old ones of all organizations at once",
    "member_of_user": "somebody signs in, and may be a member of several",
    "channel_by_address": "a webhook is there, and its channel says whose it is",
    "channel_by_account": "a webhook is there, and its channel says whose it is",
    "message_thread": "one conversation's, and a conversation belongs to one organization",
    "organization_sample_age": "the beat deletes the old ones of all organizations at once",
    "evaluation_oldest": "the beat forgets the old ones of all organizations at once",
    "workflow_run_newest": "one rule's, and a rule belongs to one organization",
    "workflow_run_oldest": "the beat forgets the old ones of all organizations at once",
    "rehearsal_newest": "one rule's, and a rule belongs to one organization",
    "rehearsal_oldest": "the beat forgets the old ones of all organizations at once",
    "rehearsed_event_newest": "one rehearsal's, and a rehearsal belongs to one organization",
    "notification_read_age": "the beat forgets the old ones of all organizations at once",
    "message_cost_set_aside": "the operator's list of what was set aside, of all organizations at once",
    "message_due": "the machinery claims fairly, channel by channel",
    "impersonation_unended": "those that nobody ended, of all organizations at once: their time is over",
}

OURS = ("core", "activity", "accounts", "customers", "messaging", "workflows", "analytics")
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]
TENANTS = [model for model in MODELS if model._meta.label not in WITHOUT_ORGANIZATION]


def label(model):
    return model._meta.label


def fields_of(model):
    return {field.name: field for field in model._meta.get_fields()}


def test_a_model_belongs_to_an_organization(subtests):
    for model in TENANTS:
        with subtests.test(label(model)):
            if label(model) in BY_WAY_OF:
                way = fields_of(model)[BY_WAY_OF[label(model)]]
                assert not way.null
                model = way.related_model
            field = fields_of(model).get("organization")
            assert field is not None, (
                f"{label(model)} has no organization: add it, or a reason to WITHOUT_ORGANIZATION."
            )
            assert field.related_model._meta.label == settings.TENANT_MODEL
            assert not field.null


@pytest.mark.django_db
def test_a_query_outside_an_organization_raises(subtests):
    for model in TENANTS:
        with subtests.test(label(model)):
            with pytest.raises(ScopeError):
                model._default_manager.count()
            with pytest.raises(ScopeError):
                model._default_manager.filter(pk=None).exists()


def test_every_index_begins_with_the_organization_or_is_one_of_the_machinery(subtests):
    """What the machinery claims across organizations is found by its `due_at`; all else by organization first."""
    for model in TENANTS:
        with subtests.test(label(model)):
            for index in model._meta.indexes:
                first = index.fields[0].lstrip("-") if index.fields else "organization"
                assert first in {"organization", "due_at"} or index.name in ACROSS_ORGANIZATIONS, index.name


def test_a_model_can_be_distinguished_by_a_person(subtests):
    for model in MODELS:
        with subtests.test(label(model)):
            assert "__str__" in {name for base in model.__mro__[:-3] for name in vars(base)}, (
                f"{label(model)} has no __str__."
            )


def test_the_lists_of_exceptions_hold_nothing_that_is_gone():
    assert {*WITHOUT_ORGANIZATION, *BY_WAY_OF} <= {label(model) for model in MODELS}
    assert {*ACROSS_ORGANIZATIONS} <= {index.name for model in MODELS for index in model._meta.indexes}


# The texts that are no line of somebody's: neither a person nor a foreign system writes them, or it can't hold a break.
NO_ONE_LINE = {
    "hash": "a digest that we compute",
    "salt": "digits that we draw",
    "proof": "a digest that we compute",
    "signature": "base64 that we compute",
    "key": "a name or key that we make, or that is hashed when it is unclean",
    "color": "one of our tokens",
    "kind": "one of our words",
    "type": "one of our words",
    "provider": "a name in our registry",
    "id": "an id that we make",
    "path": "numbers and dots that we make",
    "prefix": "the beginning of a key that we made",
    "pack": "a name in our registry",
    "timezone": "checked against the list of zones",
    "country": "checked against the list of countries",
    "region": "checked against the list of regions",
    "currency": "checked against the list of currencies",
    "market": "checked against the list of countries",
    "language": "checked as BCP 47",
    "slug": "small letters, digits and hyphens",
    "subscriber": "a name in our code",
    "event": "a type of event in our code",
    "model": "a model's label",
    "action": "one of our words",
    "format": "csv or xlsx",
    "channel": "a kind of channel",
    "ordering": "checked against the orders that there are",
    "digest": "a digest that we compute",
    "query": "cleaned of controls, and it is never shown",
    "direction": "one of our words",
    "status": "one of our words",
    "name": "of a part of the machinery",
    "code": "a customer's, from our own counter",
    "reason": "one of our words",
    "password": "a digest that we compute",
}
MACHINERY_NAMES = {"activity.Heartbeat.name"}


def one_line_texts():
    for model in MODELS:
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.CharField) and not isinstance(field, models.SlugField | models.EmailField):
                yield field


def test_a_text_of_one_line_takes_no_line_breaks(subtests):
    for field in one_line_texts():
        if isinstance(field, OneLine) or field.choices:
            continue
        with subtests.test(str(field)):
            assert field.name != "name" or str(field) in MACHINERY_NAMES, f"{field}: make it a OneLine."
            last = field.name.rpartition("_")[2]
            assert last in NO_ONE_LINE, f"{field}: make it a OneLine, or add a reason to NO_ONE_LINE."


def test_the_reasons_against_one_line_are_needed():
    used = {
        field.name.rpartition("_")[2]
        for field in one_line_texts()
        if not isinstance(field, OneLine) and not field.choices
    }
    assert set(NO_ONE_LINE) == used
