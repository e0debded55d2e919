from django.urls import path

from messaging.delivery import api as outbound
from messaging.files import api as media
from messaging.inbox import api as inbox
from messaging.inbox import conversations_api as conversations
from messaging.inbox import drafts_api as drafts
from messaging.intake import arrivals_api as arrivals
from messaging.settings import api as channels
from messaging.submissions import api as webhooks
from messaging.texts.templates import api as templates

urlpatterns = [
    path("channels", channels.ChannelListView.as_view(), name="channels"),
    path("channels/<uuid:pk>", channels.ChannelView.as_view(), name="channel"),
    path("channels/<uuid:pk>/check", channels.ChannelCheckView.as_view(), name="channel-check"),
    path(
        "channels/<uuid:pk>/reconciliations", channels.ReconciliationListView.as_view(), name="channel-reconciliations"
    ),
    path("channels/<uuid:pk>/set-aside", arrivals.SetAsideListView.as_view(), name="channel-set-aside"),
    path("channels/<uuid:pk>/set-aside/<uuid:arrival>/replay", arrivals.ReplayView.as_view(), name="channel-replay"),
    path("media", media.MediaView.as_view(), name="media"),
    path("attachments/<uuid:pk>", media.AttachmentView.as_view(), name="attachment"),
    path("conversations", conversations.ConversationListView.as_view(), name="conversations"),
    path("conversations/<uuid:pk>", conversations.ConversationView.as_view(), name="conversation"),
    path("conversations/<uuid:pk>/messages", conversations.MessageListView.as_view(), name="conversation-messages"),
    path("conversations/<uuid:pk>/read", conversations.ReadView.as_view(), name="conversation-read"),
    path("conversations/<uuid:pk>/resolve", conversations.ResolveView.as_view(), name="conversation-resolve"),
    path("conversations/<uuid:pk>/reopen", conversations.ReopenView.as_view(), name="conversation-reopen"),
    path("conversations/<uuid:pk>/snooze", conversations.SnoozeView.as_view(), name="conversation-snooze"),
    path("conversations/<uuid:pk>/draft", drafts.DraftView.as_view(), name="conversation-draft"),
    path("conversations/<uuid:pk>/typing", conversations.TypingView.as_view(), name="conversation-typing"),
    path("outbound-messages", outbound.OutboundListView.as_view(), name="outbound-messages"),
    path("outbound-messages/<uuid:pk>", outbound.OutboundView.as_view(), name="outbound-message"),
    path("outbound-messages/<uuid:pk>/cancel", outbound.CancelView.as_view(), name="outbound-message-cancel"),
    path("outbound-messages/<uuid:pk>/retry", outbound.RetryView.as_view(), name="outbound-message-retry"),
    path("inbox/customers", inbox.InboxView.as_view(), name="inbox"),
    path("inbox/counts", inbox.CountsView.as_view(), name="inbox-counts"),
    path("inbox/customers/<uuid:pk>/thread", inbox.ThreadView.as_view(), name="inbox-thread"),
    path("inbox/customers/<uuid:pk>/stage", inbox.StageView.as_view(), name="inbox-stage"),
    path("inbox/customers/<uuid:pk>/followup", inbox.FollowUpView.as_view(), name="inbox-followup"),
    path("inbox/customers/<uuid:pk>/tags/add", inbox.TagsAddView.as_view(), name="inbox-tags-add"),
    path("inbox/customers/<uuid:pk>/tags/remove", inbox.TagsRemoveView.as_view(), name="inbox-tags-remove"),
    path("inbox/customers/<uuid:pk>/send-text", inbox.SendTextView.as_view(), name="inbox-send-text"),
    path("inbox/customers/<uuid:pk>/send-template", inbox.SendTemplateView.as_view(), name="inbox-send-template"),
    path("templates", templates.TemplateListView.as_view(), name="templates"),
    path("templates/<uuid:pk>", templates.TemplateView.as_view(), name="template"),
    path("templates/<uuid:pk>/preview", templates.TemplatePreviewView.as_view(), name="template-preview"),
    path("webhooks/<str:channel>", webhooks.IncomingView.as_view(), name="incoming"),
]
