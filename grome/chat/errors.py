"""Define the errors of the chat."""

from grome.common.errors import ApiError


class NoChat(ApiError):
    status, code, title = 409, "no_chat", "A booking of a guest has no chat, since the guest has no account"


class ChatClosed(ApiError):
    status, code, title = 409, "chat_closed", "The chat of this booking has ended and can only be read"


class ChatBlocked(ApiError):
    """Does not say which side has blocked the other."""

    status, code, title = 403, "chat_blocked", "These two accounts cannot write to each other"


class ChatFull(ApiError):
    status, code, title = 409, "chat_full", "The chat of this booking has reached the greatest number of messages"


class NotYourMessage(ApiError):
    status, code, title = (
        403,
        "not_your_message",
        "Its sender can change a message, and its receiver report it",
    )


class MessageClosed(ApiError):
    status, code, title = 409, "message_closed", "This message can no longer be changed"


class TooManyBlocks(ApiError):
    status, code, title = 409, "too_many_blocks", "You have reached the greatest number of blocked accounts"


class ReportResolved(ApiError):
    status, code, title = 409, "report_resolved", "Another decision about this report has been made"
