"""The operations of one's own account, each once as it is meant."""

from grome.infrastructure.container import Container
from tests.api.story import Story
from tests.builders.codes import code_sent_to
from tests.builders.people import PASSWORD, new_email, new_phone, register


async def tell_account(told: Story, container: Container) -> None:
    person = await register(told.client, email=new_email())
    await told.ask("change_profile", person.auth, json={"name": "Another name", "language": "fr"})
    await told.ask("verify_email", person.auth)
    code = await code_sent_to(container, person.email)
    await told.ask("confirm_email", person.auth, json={"code": code})
    await told.ask("step_up", person.auth, json={"password": PASSWORD})
    await told.ask("change_email", person.auth, json={"email": new_email(), "password": PASSWORD})
    await told.ask("change_phone", person.auth, json={"phone": new_phone(), "password": PASSWORD})
    await told.ask("forget_password", json={"email": person.email})
    code = await code_sent_to(container, person.email)
    await told.ask("reset_password", json={"code": code, "email": person.email, "password": f"{PASSWORD} two"})

    phone = new_phone()
    caller = await register(told.client, email=None, phone=phone)
    await told.ask("verify_phone", caller.auth)
    await told.ask("confirm_phone", caller.auth, json={"code": await code_sent_to(container, phone)})
    request_id = (await told.ask("request_sign_in_code", json={"phone": phone}))["request_id"]
    login = {"request_id": request_id, "code": await code_sent_to(container, phone)}
    await told.ask("login_with_code", json=login)
    await told.ask("change_password", caller.auth, json={"current": PASSWORD, "new": f"{PASSWORD} two"})
