"""Provide the message pipeline with recording transports."""

import pytest

from config.settings import Settings
from grome.accounts.service import AccountService
from grome.bookings.queries import BookingQueries
from grome.infrastructure.container import Container
from grome.infrastructure.secret_keys import SecretKeys
from grome.notifications.account_contexts import AccountContexts
from grome.notifications.budgets import MessageBudgets
from grome.notifications.chat_contexts import ChatContexts
from grome.notifications.context_loader import ContextLoader
from grome.notifications.delivery import Deliverer, Transports
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.dispatcher import Dispatcher
from grome.notifications.payment_contexts import PaymentContexts
from grome.notifications.people_names import PeopleNames
from grome.notifications.planner import Planner
from grome.notifications.push_devices import PushDevices
from grome.notifications.recipients import Recipients
from grome.notifications.sender import MessageSender
from grome.notifications.unsubscribe import UnsubscribeLinks
from grome.notifications.verification_contexts import VerificationContexts
from grome.reviews.service import ReviewService
from grome.webhooks.service import WebhookService
from tests.notifications.recorders import Pipeline, RecordedJobs, RecordingMailer, RecordingPusher, RecordingSmsSender
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "notifications", 14)


@pytest.fixture
def links(container: Container) -> UnsubscribeLinks:
    return UnsubscribeLinks(container.get(SecretKeys), "https://grome.example")


@pytest.fixture
def pipeline(container: Container, links: UnsubscribeLinks) -> Pipeline:
    jobs, mailbox, phones, texts = RecordedJobs(), RecordingMailer(), RecordingPusher(), RecordingSmsSender()
    log, devices, clock = container.get(NotificationLog), container.get(PushDevices), container.clock
    recipients = Recipients(container.get(AccountService), devices)
    services = (
        container.get(PeopleNames),
        container.get(BookingQueries),
        container.get(ReviewService),
        container.get(WebhookService),
        (
            container.get(PaymentContexts),
            container.get(ChatContexts),
            container.get(AccountContexts),
            container.get(VerificationContexts),
        ),
    )
    stories = ContextLoader(*services, "https://grome.example", clock)
    delivery = Deliverer(Transports(mailbox, phones, texts), links)
    return Pipeline(
        jobs=jobs,
        planner=Planner(jobs),
        dispatcher=Dispatcher(recipients, stories, log, jobs, clock),
        sender=MessageSender(recipients, stories, log, devices, delivery, container.get(MessageBudgets), clock),
        mailbox=mailbox,
        phones=phones,
        texts=texts,
    )
