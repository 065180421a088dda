"""How many jobs a batch was submitted with.

A revision never changes: it spells the tables as they were when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    # With a default: processes of the release before go on writing batches without it.
    op.add_column("batches", sa.Column("job_count", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    # What was deleted before is not known any more.
    op.execute("UPDATE batches SET job_count = (SELECT count(*) FROM jobs WHERE jobs.batch_id = batches.id)")


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("batches", "job_count")
