from collections.abc import Callable
from typing import cast

from django.http import HttpResponseBase
from django.urls import path

from messaging.costs import views as costs
from messaging.delivery import views as messages
from messaging.files import views as files
from messaging.inbox import composer_views as composer
from messaging.inbox import conversation_views as conversations
from messaging.inbox import draft_views as drafts
from messaging.inbox import live_views as live
from messaging.inbox import mention_views as mentioned
from messaging.inbox import views as inbox
from messaging.inbox.template_views import offered
from messaging.inbox.upload_views import upload
from messaging.settings import backfill_views as catch_up
from messaging.settings import views as channels
from messaging.simulator import views as simulator
from messaging.texts import views as templates

app_name = "messaging"

urlpatterns = [
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/mentions/", mentioned.offered, name="mentions"),
    path("inbox/changes/", inbox.changes, name="changes"),
    path("inbox/write/<uuid:customer_id>/", conversations.write, name="write"),
    path("inbox/<uuid:pk>/", inbox.conversation, name="conversation"),
    path("inbox/<uuid:pk>/reply/", composer.reply, name="reply"),
    path("inbox/<uuid:pk>/note/", composer.note, name="note"),
    path("inbox/<uuid:pk>/draft/<str:mode>/", drafts.draft, name="draft"),
    path("inbox/<uuid:pk>/resolve/", conversations.resolve, name="resolve"),
    path("inbox/<uuid:pk>/reopen/", conversations.reopen, name="reopen"),
    path("inbox/<uuid:pk>/assign/", conversations.assign, name="assign"),
    path("inbox/<uuid:pk>/read/", conversations.read, name="read"),
    path("inbox/<uuid:pk>/upload/", upload, name="upload"),
    path("inbox/<uuid:pk>/fallbacks/", composer.fallbacks, name="fallbacks"),
    path("inbox/<uuid:pk>/typing/", composer.typing, name="typing"),
    path("inbox/<uuid:pk>/allow-address/", composer.allow_address, name="allow_address"),
    path("inbox/<uuid:pk>/answers-to/", composer.answers_to, name="answers_to"),
    path("inbox/<uuid:pk>/templates/<uuid:template_id>/", composer.send_template, name="send_template"),
    path("messages/<uuid:pk>/mail/", files.mail, name="mail"),
    path("attachments/<uuid:pk>/", files.attachment, name="attachment"),
    path("attachments/<uuid:pk>/fetch/", files.fetch_again, name="fetch_again"),
    path("inbox/<uuid:pk>/templates/", offered, name="offered_templates"),
    path("templates/", templates.template_list, name="templates"),
    path("templates/new/", templates.new_template, name="new_template"),
    path("templates/preview/", templates.preview, name="template_preview"),
    path("templates/<uuid:pk>/", templates.edit_template, name="edit_template"),
    path("templates/<uuid:pk>/delete/", templates.delete_template, name="delete_template"),
    path("channels/", channels.channel_list, name="channels"),
    path("channels/simulators-off/", channels.switch_off_simulators, name="switch_off_simulators"),
    path("channels/<uuid:pk>/default/", channels.make_default, name="make_default"),
    path("rate-cards/", costs.rate_list, name="rates"),
    path("rate-cards/new/", costs.new_rate, name="new_rate"),
    path("rate-cards/import/", costs.import_rates, name="import_rates"),
    path("rate-cards/work-out/", costs.work_out, name="work_out_costs"),
    path("rate-cards/<uuid:pk>/", costs.edit_rate, name="edit_rate"),
    path("rate-cards/<uuid:pk>/delete/", costs.delete_rate, name="delete_rate"),
    path("channels/new/", channels.new_channel, name="new_channel"),
    path("channels/<uuid:pk>/", channels.channel, name="channel"),
    path("channels/<uuid:pk>/edit/", channels.edit_channel, name="edit_channel"),
    path("channels/<uuid:pk>/check/", channels.check_channel, name="check_channel"),
    path("channels/<uuid:pk>/delete/", channels.delete_channel, name="delete_channel"),
    path("channels/<uuid:pk>/templates/", channels.read_templates, name="read_templates"),
    path("channels/<uuid:pk>/catch-up/", catch_up.catch_up, name="catch_up"),
    path("channels/<uuid:pk>/arrivals/<uuid:arrival_id>/again/", catch_up.process_again, name="process_again"),
    path("messages/<uuid:pk>/retry/", messages.retry, name="retry"),
    path("messages/<uuid:pk>/cancel/", messages.cancel, name="cancel"),
    path("messages/<uuid:pk>/mark-as-sent/", messages.mark_as_sent, name="mark_as_sent"),
    path(
        "live/", cast("Callable[..., HttpResponseBase]", live.live), name="live"
    ),  # async, which the stubs of `path` do not know
    path("simulator/", simulator.simulator, name="simulator"),
    path("simulator/send/", simulator.send, name="simulator_send"),
    path("simulator/behaviour/", simulator.behaviour, name="simulator_behaviour"),
]
