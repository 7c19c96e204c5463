"""The operations of second factors, each once as it is meant."""

from grome.infrastructure.container import Container
from tests.api.story import Story
from tests.builders.factors import App, challenge
from tests.builders.people import register
from tests.support.authenticator import Authenticator


async def tell_factors(told: Story, container: Container) -> None:
    person, authenticator = await register(told.client), Authenticator("http://localhost:8000")
    secret = (await told.ask("begin_totp", person.auth))["secret"]
    code = App(secret, person, []).code(container.clock())
    await told.ask("confirm_totp", person.auth, json={"code": code})
    codes = (await told.ask("renew_recovery_codes", person.auth))["recovery_codes"]
    begun = await told.ask("begin_passkey", person.auth)
    credential = authenticator.create(begun["options"])
    new = {"ceremony": begun["ceremony"], "credential": credential, "name": "Phone"}
    added = await told.ask("add_passkey", person.auth, json=new)
    await told.ask("list_passkeys", person.auth)
    await told.ask("rename_passkey", person.auth, passkey_id=added["passkey"]["id"], json={"name": "Key ring"})
    await told.ask("begin_passkey_step_up", person.auth)

    token = await challenge(told.client, person)
    await told.ask("complete_sign_in", json={"challenge": token, "recovery_code": codes[0]})
    begun = await told.ask("begin_passkey_sign_in", json={})
    sent = {"ceremony": begun["ceremony"], "credential": authenticator.get(begun["options"])}
    await told.ask("finish_passkey_sign_in", json=sent)
    await told.ask("read_factors", person.auth)
    await told.ask("remove_passkey", person.auth, passkey_id=added["passkey"]["id"])
    await told.ask("remove_totp", person.auth)
