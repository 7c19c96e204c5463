"""The parts of `make upgrade` that need no earlier release."""

from grome.migrations import MIGRATIONS
from tests.upgrade.checks import differences
from tests.upgrade.release import ROOT, Release


def test_differences_name_lost_and_changed_fields_and_ignore_new_fields() -> None:
    before = {"id": "1", "price": 3, "services": [{"name": "Cut"}, {"name": "Wash"}], "note": None}
    after = {"id": "1", "price": 4, "services": [{"name": "Cut", "new": 1}, {"name": "Dry"}], "new": 2}
    assert list(differences(before, after)) == [
        ".price was 3 and is 4",
        ".services[].name was 'Wash' and is 'Dry'",
        ".note is gone",
    ]
    assert list(differences([1, 2], [1])) == [" was [1, 2] and is [1]"]
    assert list(differences(before, before)) == []


def test_release_tells_its_settings_and_migrations() -> None:
    present = Release("present", "", ROOT)
    assert [present.knows(name) for name in ("secrets_keys", "pepper", "no_such_setting")] == [True, True, False]
    assert present.migrations == len(MIGRATIONS)
