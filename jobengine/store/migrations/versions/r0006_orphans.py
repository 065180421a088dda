"""Since when nothing names some bytes in the artifact store.

A revision never changes: it spells the tables as they were when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobengine.store.migrations.spelling import moment, word

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "orphans",
        word("sha256"),
        moment("since"),
        sa.PrimaryKeyConstraint("sha256"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("orphans")
