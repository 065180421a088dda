"""Tables as CSV, safe to open in a spreadsheet, and the aggregates over objects."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from statistics import fmean, median, pstdev
from typing import Any

AGGREGATED = ("area_px2", "area_um2", "eccentricity", "solidity")


def safe_cell(value: object) -> object:
    """The value; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def write_csv(rows: Sequence[Mapping[str, Any]], first: Sequence[str] = ()) -> bytes:
    """Rows as CSV in UTF-8: the columns of ``first``, then all others in the order in which they come up."""
    columns = list(dict.fromkeys([*first, *(name for row in rows for name in row)]))
    target = io.StringIO()
    writer = csv.DictWriter(target, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: safe_cell(value) for name, value in row.items()} for row in rows)
    return target.getvalue().encode()


def aggregate(file_id: str, file_name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many objects there are, and mean, median and standard deviation (of the population) of their features."""
    summary: dict[str, Any] = {"file_id": file_id, "file_name": file_name, "objects": len(rows)}
    features = [*AGGREGATED, *sorted({name for row in rows for name in row if name.endswith("_mean")})]
    for name in features:
        values = [float(row[name]) for row in rows if name in row]
        if values:
            summary |= {f"{name}_mean": fmean(values), f"{name}_median": median(values), f"{name}_sd": pstdev(values)}
    return summary
