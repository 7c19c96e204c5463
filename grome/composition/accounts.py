"""Accounts, sessions, tokens and preferences."""

from grome.accounts.preferences import PreferenceService
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.service import AccountService
from grome.accounts.tokens import AccessTokens
from grome.accounts.verifier import Verifier
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.notifications.repository import PushDeviceRepository

accounts = Providers()


@accounts.provide
def user_repository(container: Container) -> UserRepository:
    return UserRepository(container.database)


@accounts.provide
def sessions(container: Container) -> SessionRepository:
    return SessionRepository(container.database)


@accounts.provide
def access_tokens(container: Container) -> AccessTokens:
    settings = container.settings.accounts
    return AccessTokens(settings.signing_key, settings.access_ttl_s)


@accounts.provide
def verifier(container: Container) -> Verifier:
    get, redis = container.get, container.get(RedisClients)
    started = Verifier(
        get(AccessTokens),
        get(SessionRepository),
        redis.commands,
        redis.subscriptions,
        get(Namespace),
        container.clock,
    )
    started.start()
    container.close_with(started.close)
    return started


@accounts.provide
def account_service(container: Container) -> AccountService:
    get = container.get
    service = AccountService(
        get(UserRepository),
        get(SessionRepository),
        get(AccessTokens),
        get(Verifier),
        container.settings.accounts,
        container.clock,
        get(PushDeviceRepository).remove_by_name,
    )
    container.close_with(service.close)
    return service


@accounts.provide
def preferences(container: Container) -> PreferenceService:
    return PreferenceService(container.get(UserRepository))
