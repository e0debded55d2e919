from django.urls import path

from core.api.router import Router
from customers.page.api import CustomerViewSet
from messaging.costs.api import RateCardViewSet
from messaging.delivery.api import OutboundViewSet
from messaging.files.api import AttachmentViewSet, MediaViewSet
from messaging.inbox.api import InboxViewSet
from messaging.inbox.conversations_api import ConversationViewSet
from messaging.inbox.drafts_api import DraftViewSet
from messaging.settings.api import ChannelViewSet
from messaging.submissions.api import SubmissionViewSet
from messaging.texts.templates.api import TemplateViewSet

router = Router()
router.register("attachments", AttachmentViewSet, "attachment")
router.register("channels", ChannelViewSet, "channel")
router.register("conversations", ConversationViewSet, "conversation")
router.register("inbox/customers", InboxViewSet, "inbox")
router.register("media", MediaViewSet, "media-file")
router.register("outbound-messages", OutboundViewSet, "outbound-message")
router.register("rate-cards", RateCardViewSet, "rate-card")
router.register("templates", TemplateViewSet, "template")

draft = DraftViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"})
customer = CustomerViewSet.as_view
urlpatterns = [
    *router.urls,
    path("conversations/<uuid:pk>/draft", draft, name="conversation-draft"),
    path("inbox/counts", InboxViewSet.as_view({"get": "counts"}), name="inbox-counts"),
    # What is done with the customer of a row, as at the customer's own address.
    path("inbox/customers/<uuid:pk>/stage", customer({"post": "stage", "patch": "stage"}), name="inbox-stage"),
    path("inbox/customers/<uuid:pk>/tags/add", customer({"post": "tags_add"}), name="inbox-tags-add"),
    path("inbox/customers/<uuid:pk>/tags/remove", customer({"post": "tags_remove"}), name="inbox-tags-remove"),
    path(
        "inbox/customers/<uuid:pk>/followup",
        customer({"post": "set_follow_up"}, schema_tags=["inbox"]),
        name="inbox-followup",
    ),
    path("webhooks/<str:channel>", SubmissionViewSet.as_view({"post": "create"}), name="incoming"),
]
