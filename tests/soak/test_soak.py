"""Run hostile accounts for some seconds; `make soak` runs them for twenty minutes and compares latencies."""

from pathlib import Path

import pytest

from tests.soak.hostile import ACTS
from tests.soak.run import soak

# Forged tokens and an invalid body are refused each time.
REFUSED = {"make_up_access_token": 401, "make_up_refresh_token": 401, "send_large_body": 422}


@pytest.mark.alone
async def test_hostile_accounts_leave_memory_relay_and_jobs_unchanged(tmp_path: Path) -> None:
    outcome = await soak(tmp_path, seconds=3, quiet_s=0.5, progress=lambda _: None)
    assert outcome.faults() == []
    for act in ACTS:
        statuses = {status for name, status in outcome.answers if name == act.__name__}
        expected = REFUSED.get(act.__name__)
        assert statuses == {expected} if expected else min(statuses) < 300, (act.__name__, statuses)
