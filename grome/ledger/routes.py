"""Serve the ledger: `/v1/barbers/me/ledger` for barbers, `/v1/admin/ledger` for admins."""

from sanic import Request

from grome.common.actor import ADMINS, BARBERS, Actor
from grome.infrastructure.http import PageQuery, Routes, resolve
from grome.ledger.schemas import (
    AccountBalancePage,
    AccountBalanceQuery,
    JournalPage,
    JournalQuery,
    StatementPage,
)
from grome.ledger.statements import Statements

ledger = Routes("ledger", "/v1", about="Statements of barbers, and the double-entry journal of all money for admins.")


@ledger.get("/barbers/me/ledger", who=BARBERS)
async def list_statement(request: Request, actor: Actor, query: PageQuery) -> StatementPage:
    """List the changes of your balance, newest first.

    They are visits, tips, refunds, payouts and corrections.
    """
    return await resolve(request, Statements).page_of_barber(actor, query)


@ledger.get("/admin/ledger/entries", who=ADMINS)
async def list_ledger_entries(request: Request, query: JournalQuery) -> JournalPage:
    """List journal entries, newest first.

    All of them, or the entries of one booking, payment or account.
    """
    return await resolve(request, Statements).page_of_entries(query)


@ledger.get("/admin/ledger/balances", who=ADMINS)
async def list_balances(request: Request, query: AccountBalanceQuery) -> AccountBalancePage:
    """List the balances of accounts that are not 0.

    Without `prefix`, the sum of each kind of account; the sums of all kinds in a currency add up to 0.
    """
    return await resolve(request, Statements).page_of_balances(query)
