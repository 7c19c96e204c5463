"""A desk that messages pass over, and what happens to bookings as events."""

import pytest

from config.settings import Settings
from grome.composition import AppContext
from grome.notifications.context_loader import ContextLoader
from grome.notifications.delivery import Deliverer, Transports
from grome.notifications.dispatcher import Dispatcher
from grome.notifications.planner import Planner
from grome.notifications.recipients import Recipients
from grome.notifications.sender import MessageSender
from grome.notifications.unsubscribe import UnsubscribeLinks
from tests.notifications.recorders import Desk, Mailbox, Phones, RecordedJobs, Texts
from tests.support.one_grome import apart, app, context, database, http

__all__ = ["app", "context", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "notifications", 14)


@pytest.fixture
def links(context: AppContext) -> UnsubscribeLinks:
    return UnsubscribeLinks(context.settings.accounts.signing_key, "https://grome.example")


@pytest.fixture
def desk(context: AppContext, links: UnsubscribeLinks) -> Desk:
    jobs, mailbox, phones, texts = RecordedJobs(), Mailbox(), Phones(), Texts()
    log, devices, clock = context.notification_log, context.push_devices, context.clock
    recipients = Recipients(context.accounts, devices)
    services = (context.accounts, context.bookings, context.barbers, context.reviews, context.webhooks)
    stories = ContextLoader(*services, "https://grome.example", clock)
    delivery = Deliverer(Transports(mailbox, phones, texts), links)
    return Desk(
        jobs=jobs,
        planner=Planner(jobs),
        dispatching=Dispatcher(recipients, stories, log, jobs, clock),
        sending=MessageSender(recipients, stories, log, devices, delivery, context.message_budgets, clock),
        mailbox=mailbox,
        phones=phones,
        texts=texts,
    )
