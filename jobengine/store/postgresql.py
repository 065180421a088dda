"""A connection to PostgreSQL that does not wait for ever for a server that hangs.

A server whose machine is gone is noticed by the kernel. One that is frozen, or whose disk is, still has a kernel that
acknowledges what it is sent, and no setting of the protocol ends that wait. Rules:
1. A statement may take as long as it takes, while the server lives.
2. Who has heard nothing for a while asks the server for another connection. A server that answers, if only to refuse
   it, lives; one that does not is given up, and the connection with it.
"""

from __future__ import annotations

import time
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.errors import ConnectionTimeout

QUIET_SECONDS = 5.0
"""How long the server may say nothing before it is asked whether it lives; also how long it has to answer that."""


class WaryConnection(Connection[Any]):
    """Raises OperationalError, and closes itself, when the server has fallen silent."""

    def wait(self, gen: PQGen[RV], *arguments: Any, **options: Any) -> RV:
        """Wait for what the server says; every statement, commit and rollback comes through here."""
        return super().wait(self._watched(gen), *arguments, **options)

    def _watched(self, gen: PQGen[RV]) -> PQGen[RV]:
        heard_at = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    heard_at = now
                elif now - heard_at > QUIET_SECONDS:
                    self._require_life()
                    heard_at = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as ended:
            result: RV = ended.value
            return result

    def _require_life(self) -> None:
        try:
            # In the words of this connection, password included; nothing is asked over it.
            words: dict[str, Any] = {
                **self.info.get_parameters(),
                "password": self.info.password,
                "connect_timeout": round(QUIET_SECONDS),
            }
            Connection.connect(**words).close()
        except ConnectionTimeout:
            self.close()
            raise OperationalError("the server has fallen silent") from None
        except OperationalError:
            return
