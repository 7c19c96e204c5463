"""Define the errors of the chat."""

from grome.common.errors import ApiError


class NoChat(ApiError):
    """The booking was made for a guest, and a guest has no account."""

    status, code, title = 409, "no_chat", "A booking of a guest has no chat, since the guest has no account"
    remedy = "Do not offer the chat for bookings of guests."


class ChatClosed(ApiError):
    """Chats end some time after the visit."""

    status, code, title = 409, "chat_closed", "The chat of this booking has ended and can only be read"
    remedy = "Show the chat without a field for new messages."


class ChatBlocked(ApiError):
    """One side has blocked the other; the answer does not say which side."""

    status, code, title = 403, "chat_blocked", "These two accounts cannot write to each other"
    remedy = "Show the chat without a field for new messages."


class ChatFull(ApiError):
    """The number of messages of a chat is limited."""

    status, code, title = 409, "chat_full", "The chat of this booking has reached the greatest number of messages"
    remedy = "Show the chat without a field for new messages."


class NotYourMessage(ApiError):
    """A sender changes own messages only, and a receiver reports messages of the other side only."""

    status, code, title = (
        403,
        "not_your_message",
        "Its sender can change a message, and its receiver report it",
    )
    remedy = "Offer to change own messages, and to report messages of the other side."


class MessageClosed(ApiError):
    """The time in which its sender can change a message has passed, or it was deleted or changed too often."""

    status, code, title = 409, "message_closed", "This message can no longer be changed"
    remedy = "Write a new message instead."


class TooManyBlocks(ApiError):
    """The number of accounts that an account can block is limited."""

    status, code, title = 409, "too_many_blocks", "You have reached the greatest number of blocked accounts"
    remedy = "Remove a block that is no longer needed."


class ReportResolved(ApiError):
    """Another admin has decided about the report in another way."""

    status, code, title = 409, "report_resolved", "Another decision about this report has been made"
    remedy = "Read the report again and show the decision."
