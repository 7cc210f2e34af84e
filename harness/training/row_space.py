"""Sparse features in the space of their rows, where linear models are fitted faster."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 2000
"""With more, products of all rows take longer than sparse features, and memory by the square."""


def row_space(rows: Any) -> RowSpace | None:
    """Returns the space of a sparse matrix's rows; None where a model is fitted faster outside."""
    count, columns = rows.shape
    return RowSpace(rows) if count < columns and count <= MOST_ROWS else None


class RowSpace:
    """Sparse rows in as many coordinates as there are rows, with the same inner products.

    A linear model with an L2 penalty is a combination of its training rows (the representer
    theorem), so in these coordinates it is the same model, and with fewer rows than columns it is
    found several times faster.

    Args:
        rows: The training rows, a sparse matrix of shape (rows, columns).
    """

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        products = (rows @ rows.T).toarray()
        values, vectors = np.linalg.eigh(products)
        kept = values > values[-1] * np.finfo(np.float64).eps * len(values)
        self.basis = vectors[:, kept] / np.sqrt(values[kept])

    def coordinates(self, rows: Any) -> NDArray[np.float64]:
        """Returns rows of any sparse matrix with the same columns, shape (rows, coordinates)."""
        return np.asarray((rows @ self.rows.T).toarray() @ self.basis, dtype=np.float64)
