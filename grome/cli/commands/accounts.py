"""`grome create-admin` and `grome reset-factors`: acts on accounts that no route allows."""

import asyncio

import click

from config.settings import Settings
from grome.accounts.service import AccountService
from grome.cli.bootstrap import load_connected_settings, opened_container
from grome.factors.service import FactorService


@click.command("create-admin")
@click.option("--email", required=True, help="Address that the admin signs in with.")
@click.option("--name", required=True, help="Name that others see.")
@click.password_option(envvar="GROME_NEW_PASSWORD", help="Prompted for, or read from GROME_NEW_PASSWORD.")
def create_admin(email: str, name: str, password: str) -> None:
    """Create an admin account, which no route can do.

    For example: grome create-admin --email ada@example.com --name Ada
    """
    asyncio.run(_create_admin(load_connected_settings(), email, name, password))


@click.command("reset-factors")
@click.option("--email", required=True, help="Address of the account.")
def reset_factors(email: str) -> None:
    """Remove the lost second factors of an account.

    Its sessions end, and its owner is told by mail. Make sure that the request is the owner's before you run this.
    """
    asyncio.run(_reset_factors(load_connected_settings(), email))


async def _create_admin(settings: Settings, email: str, name: str, password: str) -> None:
    async with opened_container(settings) as container:
        user = await container.get(AccountService).create_admin(email, name, password)
    click.echo(f"Admin {user.email} has the id {user.id}")


async def _reset_factors(settings: Settings, email: str) -> None:
    async with opened_container(settings) as container:
        user = await container.get(AccountService).find_by_email(email)
        if user is None:
            raise click.UsageError("No account has this email.")
        had_factors = await container.get(FactorService).reset(user.id, None)
    click.echo(f"Account {user.id} has no second factor {'any more' if had_factors else 'to remove'}")
