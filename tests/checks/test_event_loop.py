"""Test the event loop of the tests."""

import asyncio

import uvloop


async def test_tests_run_on_the_event_loop_of_the_server() -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
