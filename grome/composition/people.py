"""The administration of people."""

from grome.accounts.administration import AccountAdministration
from grome.accounts.repository import UserRepository
from grome.accounts.service import AccountService
from grome.accounts.sessions import SessionService
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.factors.service import FactorService
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.mongo.transactions import Transactions
from grome.people.service import PeopleService

people = Providers()


@people.provide
def people_service(container: Container) -> PeopleService:
    get = container.get
    administration = AccountAdministration(get(UserRepository), container.clock)
    accounts = administration, get(AccountService), get(SessionService)
    return PeopleService(accounts, get(FactorService), get(BarberService), get(BookingQueries), get(Transactions))
