"""Second factors."""

from typing import Final

from grome.accounts.own_password import OwnPassword
from grome.accounts.repository import UserRepository
from grome.accounts.service import AccountService
from grome.accounts.sessions import SessionService
from grome.accounts.sign_in import SignIn
from grome.codes.service import Codes
from grome.factors.authenticator_apps import AuthenticatorApps
from grome.factors.challenger import FactorChallenger
from grome.factors.challenges import Challenges
from grome.factors.changes import FactorChanges
from grome.factors.own_passkeys import OwnPasskeys
from grome.factors.passkeys import RelyingParty
from grome.factors.proofs import FactorProofs
from grome.factors.repository import FactorRepository
from grome.factors.second_step import SecondStep
from grome.factors.service import FactorService
from grome.factors.step_up import StepUps
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.infrastructure.secret_keys import Sealer, SecretKeys

factors = Providers()

_TOTP_SECRETS: Final = "totp secrets 1"


@factors.provide
def repository(container: Container) -> FactorRepository:
    return FactorRepository(container.database)


@factors.provide
def challenges(container: Container) -> Challenges:
    return Challenges(container.get(RedisClients).commands, container.get(Namespace), container.clock)


@factors.provide
def challenger(container: Container) -> FactorChallenger:
    get = container.get
    return FactorChallenger(get(FactorRepository), get(Challenges), get(Codes), get(UserRepository).find)


@factors.provide
def relying_party(container: Container) -> RelyingParty:
    return RelyingParty.of(container.settings)


@factors.provide
def proofs(container: Container) -> FactorProofs:
    get = container.get
    return FactorProofs(
        get(FactorRepository), _sealer(container), get(RelyingParty), get(Challenges), get(Budgets), container.clock
    )


@factors.provide
def second_step(container: Container) -> SecondStep:
    get = container.get
    return SecondStep(
        get(FactorRepository),
        (get(FactorProofs), get(Codes)),
        get(Challenges),
        get(RelyingParty),
        get(AccountService),
        get(SignIn),
    )


@factors.provide
def step_ups(container: Container) -> StepUps:
    get = container.get
    return StepUps(
        get(FactorRepository),
        get(FactorProofs),
        get(Challenges),
        get(RelyingParty),
        get(OwnPassword),
        get(SignIn),
    )


@factors.provide
def changes(container: Container) -> FactorChanges:
    get = container.get
    return FactorChanges(
        get(FactorRepository),
        get(SignIn),
        get(SessionService),
        container.clock,
        is_required=container.settings.accounts.require_second_factor,
    )


@factors.provide
def authenticator_apps(container: Container) -> AuthenticatorApps:
    get = container.get
    return AuthenticatorApps(
        get(FactorRepository), get(FactorChanges), _sealer(container), get(AccountService), container.clock
    )


@factors.provide
def own_passkeys(container: Container) -> OwnPasskeys:
    get = container.get
    return OwnPasskeys(
        get(FactorRepository),
        get(FactorChanges),
        get(Challenges),
        get(RelyingParty),
        get(AccountService),
        container.clock,
    )


@factors.provide
def factor_service(container: Container) -> FactorService:
    get = container.get
    return FactorService(get(FactorRepository), get(FactorChanges), get(SessionService))


def _sealer(container: Container) -> Sealer:
    return Sealer(container.get(SecretKeys), _TOTP_SECRETS)
