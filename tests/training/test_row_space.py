import numpy as np
import pytest

from harness.training import row_space as module
from harness.training.logistic import LogisticHead
from harness.training.row_space import RowSpace, row_space


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
def test_in_the_space_of_its_rows_it_is_the_same_model(strength):
    from scipy.sparse import random
    from sklearn.linear_model import LogisticRegression

    features = random(40, 900, density=0.05, format="csr", random_state=0)
    new = random(20, 900, density=0.05, format="csr", random_state=1)
    targets = np.arange(40) % 3
    exact = {"C": strength, "max_iter": 5000, "tol": 1e-9}  # until both have really arrived
    space = RowSpace(features)
    here = LogisticRegression(**exact).fit(space.coordinates(features), targets)
    there = LogisticRegression(**exact).fit(features, targets)
    np.testing.assert_allclose(
        here.predict_proba(space.coordinates(new)), there.predict_proba(new), rtol=0, atol=1e-5
    )
    head = LogisticHead(strength=strength, max_iter=5000).fit(space.coordinates(features), targets)
    found = head.probabilities(space.coordinates(new), 3)
    np.testing.assert_allclose(found, there.predict_proba(new), rtol=0, atol=2e-2)


def test_equal_and_empty_rows_have_coordinates_too():
    from scipy.sparse import csr_matrix

    rows = csr_matrix(np.array([[1.0, 0, 0, 2, 0], [1, 0, 0, 2, 0], [0, 0, 0, 0, 0]]))
    space = RowSpace(rows)
    found = space.coordinates(rows)
    np.testing.assert_allclose(found @ found.T, (rows @ rows.T).toarray(), atol=1e-12)


@pytest.mark.parametrize(("shape", "there"), [((3, 4), True), ((4, 4), False), ((5, 9), False)])
def test_with_many_rows_or_few_columns_features_stay_as_they_are(shape, there, monkeypatch):
    from scipy.sparse import random

    monkeypatch.setattr(module, "MOST_ROWS", 4)
    found = row_space(random(*shape, density=0.9, format="csr", random_state=0))
    assert (found is not None) == there
