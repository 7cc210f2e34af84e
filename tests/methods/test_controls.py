import numpy as np
import pytest

from harness.core.types import Example
from harness.training import row_space


def test_majority_gives_the_frequencies(fit, tiny_task, test_rows):
    [prediction, *_] = fit("majority", tiny_task.train[2:]).predict(test_rows)
    assert prediction.output == "top_up"
    assert prediction.probabilities == pytest.approx([6 / 22, 8 / 22, 4 / 22, 4 / 22])


def test_of_equals_the_first_label_of_the_task(fit, tiny_task, test_rows):
    train = [tiny_task.train[place] for place in (12, 8, 4)]
    assert fit("majority", train).predict(test_rows)[0].output == "top_up"


def test_tfidf_learns_words(fit, tiny_task):
    method = fit("tfidf")
    asked = [Example(0, {"text": "TOP UP!"}), Example(1, {"text": "which exchange rate?"})]
    assert [one.output for one in method.predict(asked)] == ["top_up", "exchange_rate"]


def test_tfidf_weights_words_and_characters_alike(fit, tiny_task):
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [tiny_task.text(example) for example in tiny_task.train]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\b\w+\b")
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    expected = np.hstack([part.fit_transform(texts).toarray() for part in (words, characters)])
    found = fit("tfidf:label_examples=0").vectorizer_.transform(texts).toarray()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_with_many_rows_the_weights_stay_as_they_are(fit, test_rows, monkeypatch):
    inside = fit("tfidf:C=0.01")
    monkeypatch.setattr(row_space, "MOST_ROWS", len(inside.space_.rows.indptr) - 2)
    outside = fit("tfidf:C=0.01")
    assert outside.space_ is None
    found = [
        [one.probabilities for one in method.predict(test_rows)] for method in (inside, outside)
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_tfidf_of_a_text_that_shares_nothing_is_the_prior(fit):
    [nothing] = fit("tfidf:C=1").predict([Example(0, {"text": "丢失"})])
    assert max(nothing.probabilities) < 0.5
