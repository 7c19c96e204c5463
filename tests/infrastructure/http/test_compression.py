"""gzip of answers, by isal and by zlib where isal has no wheel."""

import gzip
import runpy
import sys

import pytest

from grome.infrastructure.http import compression

CONTENT = b'{"items":[' + b",".join(b'{"id":%d,"name":"Chair"}' % number for number in range(400)) + b"]}"


@pytest.mark.parametrize("has_isal", [True, False])
def test_compressed_content_is_gzip_with_and_without_isal(monkeypatch: pytest.MonkeyPatch, *, has_isal: bool) -> None:
    if not has_isal:
        monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    module = runpy.run_path(compression.__file__)
    assert module["compress"].__module__ == ("isal.isal_zlib" if has_isal else "zlib")
    packed = module["compressed"](CONTENT)
    assert gzip.decompress(packed) == CONTENT
    assert len(packed) < len(CONTENT) / 4
    assert packed == module["compressed"](CONTENT), "without the time of day"
