"""Accounts, sessions, tokens and preferences."""

from datetime import timedelta

from grome.accounts.attempts import SignInAttempts
from grome.accounts.breached_passwords import BreachedPasswords
from grome.accounts.code_sign_in import CodeSignIn
from grome.accounts.country import Countries
from grome.accounts.failed_sign_ins import FailedSignIns
from grome.accounts.models import SessionLife
from grome.accounts.new_accounts import NewAccounts
from grome.accounts.own_addresses import OwnAddresses
from grome.accounts.own_password import OwnPassword
from grome.accounts.password_reset import PasswordResets
from grome.accounts.password_rules import PasswordRules
from grome.accounts.passwords import PasswordHasher, open_hasher
from grome.accounts.preferences import PreferenceService
from grome.accounts.profile import ProfileService
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.risk import RiskAssessor
from grome.accounts.service import AccountService
from grome.accounts.sessions import SessionService
from grome.accounts.sign_in import SignIn
from grome.accounts.token_families import TokenFamilies
from grome.accounts.tokens import AccessTokens, RefreshTokens, TokenIssuer
from grome.accounts.verified_addresses import VerifiedAddresses
from grome.accounts.verifier import Verifier
from grome.codes.repository import CodeRepository
from grome.codes.service import Codes
from grome.factors.challenger import FactorChallenger
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.rate_limits.limiter import RateLimits
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signing_keys import SigningKeys
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
    return AccessTokens(container.get(SigningKeys), container.settings.accounts.access_ttl_s)


@accounts.provide
def refresh_tokens(container: Container) -> RefreshTokens:
    return RefreshTokens(container.get(SecretKeys))


@accounts.provide
def token_issuer(container: Container) -> TokenIssuer:
    return TokenIssuer(container.get(AccessTokens), container.get(RefreshTokens), container.clock)


@accounts.provide
def session_life(container: Container) -> SessionLife:
    settings = container.settings.accounts
    return SessionLife(timedelta(seconds=settings.idle_ttl_s), timedelta(seconds=settings.session_ttl_s))


@accounts.provide
def token_families(container: Container) -> TokenFamilies:
    get = container.get
    return TokenFamilies(get(SessionRepository), get(Verifier), get(SessionLife), container.clock)


@accounts.provide
def session_service(container: Container) -> SessionService:
    get = container.get
    return SessionService(
        (get(UserRepository), get(SessionRepository)),
        get(TokenFamilies),
        get(RefreshTokens),
        get(TokenIssuer),
        get(Verifier),
        container.clock,
        get(PushDeviceRepository).remove_by_name,
    )


@accounts.provide
def countries(container: Container) -> Countries:
    opened = Countries(container.settings.accounts.country_database)
    container.close_with(opened.close)
    return opened


@accounts.provide
def failed_sign_ins(container: Container) -> FailedSignIns:
    return FailedSignIns(container.get(RedisClients).commands, container.get(Namespace))


@accounts.provide
def risk_assessor(container: Container) -> RiskAssessor:
    get = container.get
    return RiskAssessor(get(SessionRepository), get(Countries), get(FailedSignIns), container.clock)


@accounts.provide
def sign_in(container: Container) -> SignIn:
    get = container.get
    return SignIn(
        (get(UserRepository), get(SessionRepository)),
        get(SessionService),
        get(TokenIssuer),
        get(FactorChallenger),
        get(RiskAssessor),
        get(SessionLife),
        container.clock,
    )


@accounts.provide
def password_hasher(container: Container) -> PasswordHasher:
    hasher = open_hasher(container.settings)
    container.close_with(hasher.close)
    return hasher


@accounts.provide
def password_rules(container: Container) -> PasswordRules:
    settings = container.settings.accounts
    breaches = BreachedPasswords(settings.breached_passwords_url) if settings.breached_passwords_url else None
    rules = PasswordRules(breaches, max_pending=settings.password_queue)
    container.close_with(rules.close)
    return rules


@accounts.provide
def own_password(container: Container) -> OwnPassword:
    get = container.get
    return OwnPassword(
        (get(UserRepository), get(SessionRepository)),
        get(SessionService),
        get(SignIn),
        get(PasswordHasher),
        get(PasswordRules),
        get(SignInAttempts),
        container.clock,
    )


@accounts.provide
def password_resets(container: Container) -> PasswordResets:
    get = container.get
    return PasswordResets(get(UserRepository), get(Codes), get(OwnPassword), get(SessionService))


@accounts.provide
def code_sign_in(container: Container) -> CodeSignIn:
    get = container.get
    return CodeSignIn(get(UserRepository), get(Codes), get(SignIn))


@accounts.provide
def own_addresses(container: Container) -> OwnAddresses:
    get = container.get
    users = get(UserRepository)
    return OwnAddresses(users, get(Codes), get(OwnPassword), VerifiedAddresses(users, container.clock))


@accounts.provide
def profiles(container: Container) -> ProfileService:
    return ProfileService(container.get(UserRepository), container.clock)


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
    users = get(UserRepository)
    return AccountService(
        (users, get(SessionRepository)),
        NewAccounts(users, container.clock),
        get(SignIn),
        get(PasswordHasher),
        get(PasswordRules),
        get(SignInAttempts),
        container.clock,
    )


@accounts.provide
def sign_in_attempts(container: Container) -> SignInAttempts:
    get = container.get
    return SignInAttempts(
        get(RateLimits),
        get(FailedSignIns),
        get(UserRepository),
        get(SessionRepository),
        container.settings.limits,
        container.clock,
    )


@accounts.provide
def codes(container: Container) -> Codes:
    keys = container.get(SecretKeys).derive("codes")
    return Codes(CodeRepository(container.database), container.get(Budgets), keys, container.clock)


@accounts.provide
def preferences(container: Container) -> PreferenceService:
    return PreferenceService(container.get(UserRepository))
