"""Every call to Stripe in the code is in a marked method, and every marked method calls once."""

import ast
from collections.abc import Iterator
from pathlib import Path

from grome.infrastructure.stripe import connect, customers, history, payments
from grome.infrastructure.stripe.calls import STRIPE_CALLS

ROOT = Path(__file__).parents[3]
GATEWAYS = [Path(module.__file__) for module in (connect, customers, history, payments)]


def calls_of(node: ast.AST) -> Iterator[str]:
    """Yield the calls of the SDK's client below a node, e.g. `v1.refunds.create_async`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            chain = ast.unparse(inner.func)
            if chain.endswith("_async") and ("client.v" in chain or "client.raw_request" in chain):
                yield chain.partition("client.")[2]


def marked_methods(path: Path) -> Iterator[tuple[str, ast.AsyncFunctionDef]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "stripe_call":
                    yield ast.literal_eval(decorator.args[0]), node


def test_every_call_to_stripe_is_in_a_marked_method() -> None:
    everywhere = [
        (path.relative_to(ROOT).as_posix(), call)
        for top in ("grome", "workers")
        for path in (ROOT / top).rglob("*.py")
        if "local_stripe" not in path.parts
        for call in calls_of(ast.parse(path.read_text(encoding="utf-8")))
    ]
    marked = [
        (path.relative_to(ROOT).as_posix(), call)
        for path in GATEWAYS
        for _, method in marked_methods(path)
        for call in calls_of(method)
    ]
    assert sorted(everywhere) == sorted(marked)
    assert len(marked) == len(STRIPE_CALLS) > 30


def test_marked_method_makes_exactly_the_call_of_its_name() -> None:
    for path in GATEWAYS:
        for name, method in marked_methods(path):
            calls = list(calls_of(method))
            assert len(calls) == 1, name
            if name != "events.list_next":
                assert calls[0].removesuffix("_async").endswith(name), (name, calls)


def test_names_of_calls_are_unique() -> None:
    assert len(set(STRIPE_CALLS)) == len(STRIPE_CALLS)


def test_writing_method_takes_the_key_first_and_passes_it_on() -> None:
    for path in GATEWAYS:
        for name, method in marked_methods(path):
            arguments = [argument.arg for argument in method.args.args]
            writes = any(verb in name for verb in ("create", "capture", "cancel", "detach", "update"))
            assert (arguments[1:2] == ["key"]) is writes, name
            assert ('{"idempotency_key": key}' in ast.unparse(method).replace("'", '"')) is writes, name
