"""Does every connection, and every cursor of one, do without the cache that fails?"""

from __future__ import annotations

from riskengine.store.database import connect


def test_a_cursor_does_without_the_cache_too() -> None:
    with connect() as connection:
        for one in (connection, connection.cursor()):
            asked = "SELECT current_setting('debug_enable_caching_operators')"
            assert one.execute(asked).fetchall() == [(False,)]
