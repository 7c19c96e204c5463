"""A Stripe-shaped server on 127.0.0.1 for development and tests, as a process of its own.

Run it with `python -m grome.dev.local_stripe --port P --state FILE --secret-key K`. It imports nothing else of Grome.

How to add a resource: write a module with functions marked `@route("POST", "/v1/things", ThingCreateParams)`
(`routing`), and list the module in `resources.py`. A handler gets a `Call` and returns the object, or raises
`StripeError`. Params are checked against the SDK's class before. Handlers are synchronous, so that each is atomic.

- `call.state.store`: `put(obj)`, `get(kind, id)`, `find(kind, id)`, `newest(kind)`, `delete(obj)`. An object is a dict
  with `id` and `object` (its kind). Keys that begin with `_` never leave the server. `put` again after each change.
- `call.state.now()` is the server's clock in seconds. `schedule(state, at, "name", id)` runs the function marked
  `@task("name")` once the clock has reached that time.
- `emit(state, "charge.succeeded", obj)` records an event; `events.EMITTED` lists all types. `state.listeners` hear it.
- `add_balance_transaction(state, NewLine(...))` moves a balance and returns the `txn_…` object.
- `page(call, objects)` makes the answer to a list call. `expand[]` is applied to each answer.
"""
