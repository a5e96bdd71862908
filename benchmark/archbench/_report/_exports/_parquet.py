"""`trials.parquet`: the rows of `trials.csv` with typed columns, for those who ask for it."""

from __future__ import annotations

import io
from collections.abc import Iterable

from archbench._errors import StoreError
from archbench._records import Record
from archbench._report._exports._trials import TRIAL_COLUMNS, make_trial_rows
from archbench._report._schema import Leaderboard


def render_parquet(board: Leaderboard, records: Iterable[Record]) -> bytes:
    """Return the table as Parquet; text is stored as it is, since no program takes it for a formula.

    Raises:
        StoreError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise StoreError(
            "writing Parquet needs pyarrow, which is not installed; run pip install 'archbench[parquet]'"
        ) from None
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, (kind, _) in TRIAL_COLUMNS.items()])
    columns = list(zip(*make_trial_rows(board, records), strict=True)) or [()] * len(schema)
    arrays = [pyarrow.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), out)
    return out.getvalue()
