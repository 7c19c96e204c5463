"""`/docs/demo-accounts`: the demo accounts that exist in the database; 404 in production."""

from sanic import Request
from sanic.response import BaseHTTPResponse

from grome.accounts.service import AccountService
from grome.common.errors import NotFound
from grome.dev.demo_accounts.models import DEMO_ACCOUNTS, DEMO_PASSWORD, DemoAccount, DemoAccountList
from grome.infrastructure.http import container_of, reply
from grome.infrastructure.http.pages import Pages

demo_accounts = Pages("demo_accounts")


@demo_accounts.get("/docs/demo-accounts")
async def list_demo_accounts(request: Request) -> BaseHTTPResponse:
    container = container_of(request)
    if container.settings.env == "production":
        raise NotFound("There is no such address.")
    accounts = container.get(AccountService)
    found = [
        DemoAccount(role=role, email=email, password=DEMO_PASSWORD)
        for role, email in DEMO_ACCOUNTS.items()
        if await accounts.find_by_email(email)
    ]
    return reply(request, DemoAccountList(found))
