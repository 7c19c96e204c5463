"""The audit trail, and the keys of persons."""

from grome.accounts.country import Countries
from grome.audit.address_keys import AddressKeys
from grome.audit.chain import AuditChain
from grome.audit.heads import AuditHeads
from grome.audit.queries import AuditQueries
from grome.audit.repository import AddressKeyRepository, AuditHeadRepository, AuditRepository
from grome.audit.service import AuditTrail
from grome.audit.verifier import AuditVerifier
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.person_keys.repository import PersonKeyRepository
from grome.infrastructure.person_keys.service import PersonKeys
from grome.infrastructure.secret_keys import Macs, Sealer, SecretKeys
from grome.infrastructure.signing_keys import SigningKeys
from grome.payments.queries import PaymentQueries

audit = Providers()


@audit.provide
def person_keys(container: Container) -> PersonKeys:
    sealer = Sealer(container.get(SecretKeys), "person keys")
    return PersonKeys(PersonKeyRepository(container.database), sealer, container.clock)


@audit.provide
def address_keys(container: Container) -> AddressKeys:
    sealer, days = Sealer(container.get(SecretKeys), "address keys"), container.settings.audit.address_days
    return AddressKeys(AddressKeyRepository(container.database), sealer, days, container.clock)


@audit.provide
def audit_repository(container: Container) -> AuditRepository:
    return AuditRepository(container.database)


@audit.provide
def audit_trail(container: Container) -> AuditTrail:
    get = container.get
    chain = AuditChain(get(AuditRepository), _macs(container))
    keys, address_keys = get(PersonKeys), get(AddressKeys)
    return AuditTrail(chain, get(PaymentQueries), keys, address_keys, get(Countries).find, container.clock)


@audit.provide
def audit_queries(container: Container) -> AuditQueries:
    get = container.get
    return AuditQueries(get(AuditRepository), get(PersonKeys), get(AddressKeys))


@audit.provide
def audit_heads(container: Container) -> AuditHeads:
    get, heads = container.get, AuditHeadRepository(container.database)
    return AuditHeads(get(AuditRepository), heads, get(SigningKeys), _macs(container), container.clock)


@audit.provide
def audit_verifier(container: Container) -> AuditVerifier:
    get, heads = container.get, AuditHeadRepository(container.database)
    return AuditVerifier(get(AuditRepository), heads, get(SigningKeys), _macs(container))


def _macs(container: Container) -> Macs:
    return Macs(container.get(SecretKeys).derive("audit records"))
