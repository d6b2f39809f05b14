"""Machine code where nothing can be written."""

from numba.core import caching

from pipelines.compiled import compiled


def test_a_function_is_compiled_where_no_cache_can_be_written(monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    @compiled
    def twice(number):
        return 2 * number

    assert twice(4) == 8
