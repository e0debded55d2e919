from django.urls import path

from core.api.router import Router
from customers.page.api import CustomerViewSet
from messaging.delivery import api as outbound
from messaging.files import api as media
from messaging.inbox import api as inbox
from messaging.inbox import conversations_api as conversations
from messaging.inbox import drafts_api as drafts
from messaging.intake import arrivals_api as arrivals
from messaging.settings import api as channels
from messaging.submissions import api as webhooks
from messaging.texts.templates import api as templates

router = Router()
router.register("channels", channels.ChannelViewSet, "channel")
router.register("conversations", conversations.ConversationViewSet, "conversation")
router.register("outbound-messages", outbound.OutboundViewSet, "outbound-message")
router.register("templates", templates.TemplateViewSet, "template")

urlpatterns = [
    *router.urls,
    path(
        "channels/<uuid:pk>/reconciliations", channels.ReconciliationListView.as_view(), name="channel-reconciliations"
    ),
    path("channels/<uuid:pk>/set-aside", arrivals.SetAsideListView.as_view(), name="channel-set-aside"),
    path("channels/<uuid:pk>/set-aside/<uuid:arrival>/replay", arrivals.ReplayView.as_view(), name="channel-replay"),
    path("media", media.MediaView.as_view(), name="media"),
    path("attachments/<uuid:pk>", media.AttachmentView.as_view(), name="attachment"),
    path("conversations/<uuid:pk>/messages", conversations.MessageListView.as_view(), name="conversation-messages"),
    path("conversations/<uuid:pk>/draft", drafts.DraftView.as_view(), name="conversation-draft"),
    path("inbox/customers", inbox.InboxView.as_view(), name="inbox"),
    path("inbox/counts", inbox.CountsView.as_view(), name="inbox-counts"),
    path("inbox/customers/<uuid:pk>/thread", inbox.ThreadView.as_view(), name="inbox-thread"),
    path(
        "inbox/customers/<uuid:pk>/stage",
        CustomerViewSet.as_view({"post": "stage", "patch": "stage"}),
        name="inbox-stage",
    ),
    path("inbox/customers/<uuid:pk>/followup", inbox.FollowUpView.as_view(), name="inbox-followup"),
    path("inbox/customers/<uuid:pk>/tags/add", CustomerViewSet.as_view({"post": "tags_add"}), name="inbox-tags-add"),
    path(
        "inbox/customers/<uuid:pk>/tags/remove",
        CustomerViewSet.as_view({"post": "tags_remove"}),
        name="inbox-tags-remove",
    ),
    path("inbox/customers/<uuid:pk>/send-text", inbox.SendTextView.as_view(), name="inbox-send-text"),
    path("inbox/customers/<uuid:pk>/send-template", inbox.SendTemplateView.as_view(), name="inbox-send-template"),
    path("webhooks/<str:channel>", webhooks.IncomingView.as_view(), name="incoming"),
]
