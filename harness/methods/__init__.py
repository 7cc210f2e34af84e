"""The ways of transfer, one file each, and their name table."""

from __future__ import annotations

import dataclasses
from typing import Literal

from harness.core.registry import Entry, Registry
from harness.models.catalog import ModelKind
from harness.tasks.kinds import kinds_answered_by

CLASSIFICATION = kinds_answered_by("label", "choice", "labels")
EVERY = kinds_answered_by("label", "choice", "labels", "text")
Use = Literal["labels", "unlabelled", "test_inputs", "seed", "prompt", "label_words"]


@dataclasses.dataclass(frozen=True, slots=True)
class MethodEntry(Entry):
    """What a plan must know of a method before importing it.

    Attributes:
        way: The way of transfer it belongs to.
        kinds: The task kinds it can do.
        models: The kinds of model it needs, the one it is about first.
        uses: What its predictions depend on beside the test row itself: the labelled examples,
            the unlabelled ones, all test inputs at once (transductive), the draw's seed (on the
            same examples), a prompt template, the words of the labels. What is not named here is
            not handed over, or is left out of identity. Settings may do without some of these
            and of the models; see :attr:`harness.methods.base.Method.unused`.
        libraries: The packages, beside those the model brings, whose version may change them.
        imports: Modules that every cell needs; a run imports them before its clocks start.
        version: Raised whenever the same settings would predict otherwise than before.
    """

    way: Literal["control", "zero-shot", "few-shot", "feature extraction", "fine-tuning"]
    kinds: tuple[str, ...] = CLASSIFICATION
    models: tuple[ModelKind, ...] = ()
    uses: tuple[Use, ...] = ("labels",)
    libraries: tuple[str, ...] = ("numpy",)
    imports: tuple[str, ...] = ()
    version: int = 1


METHODS: Registry[MethodEntry] = Registry(
    "method",
    [
        MethodEntry(
            "majority",
            "harness.methods.majority:Majority",
            "always the target most frequent in the budget",
            way="control",
            kinds=EVERY,
        ),
        MethodEntry(
            "tfidf",
            "harness.methods.tfidf:Tfidf",
            "TF-IDF of words and character n-grams, logistic regression",
            way="control",
            uses=("labels", "label_words"),
            libraries=("scikit-learn", "scipy", "numpy"),
            imports=("sklearn.linear_model", "sklearn.feature_extraction.text"),
            version=7,
        ),
        MethodEntry(
            "zero_shot",
            "harness.methods.zero_shot:ZeroShot",
            "a prompt; the label most likely as its continuation, or the text that follows",
            way="zero-shot",
            kinds=EVERY,
            models=("causal_lm",),
            uses=("unlabelled", "test_inputs", "prompt", "label_words"),
            version=2,
        ),
        MethodEntry(
            "label_embedding",
            "harness.methods.label_embedding:LabelEmbedding",
            "nearest label name or description, or choice, in embedding space",
            way="zero-shot",
            models=("encoder",),
            uses=("label_words",),
        ),
        MethodEntry(
            "few_shot",
            "harness.methods.few_shot:FewShot",
            "the same prompt with k demonstrations from the budget",
            way="few-shot",
            kinds=EVERY,
            models=("causal_lm", "encoder"),
            uses=("labels", "unlabelled", "test_inputs", "seed", "prompt", "label_words"),
            version=3,
        ),
        MethodEntry(
            "nearest_neighbours",
            "harness.methods.nearest_neighbours:NearestNeighbours",
            "votes of the nearest training examples in embedding space",
            way="feature extraction",
            models=("encoder",),
            uses=("labels", "label_words"),
            version=5,
        ),
        MethodEntry(
            "prototypes",
            "harness.methods.prototypes:Prototypes",
            "nearest class mean in embedding space",
            way="feature extraction",
            models=("encoder",),
            uses=("labels", "label_words"),
            version=4,
        ),
        MethodEntry(
            "linear_probe",
            "harness.methods.linear_probe:LinearProbe",
            "logistic or ridge regression or a linear SVM on frozen embeddings",
            way="feature extraction",
            models=("encoder",),
            uses=("labels", "label_words"),
            libraries=("scikit-learn", "scipy", "numpy"),
            imports=("sklearn.linear_model", "sklearn.model_selection"),
            version=6,
        ),
        MethodEntry(
            "fine_tune",
            "harness.methods.fine_tune:FineTune",
            "all weights of the encoder trained with a classification head",
            way="fine-tuning",
            models=("encoder",),
            uses=("labels", "seed", "label_words"),
            version=7,
        ),
        MethodEntry(
            "last_layers",
            "harness.methods.last_layers:LastLayers",
            "the encoder's last layers trained with a classification head",
            way="fine-tuning",
            models=("encoder",),
            uses=("labels", "seed", "label_words"),
            version=5,
        ),
        MethodEntry(
            "lora",
            "harness.methods.lora:Lora",
            "low-rank additions to the encoder's weights, with a classification head",
            way="fine-tuning",
            models=("encoder",),
            uses=("labels", "seed", "label_words"),
            libraries=("peft", "numpy"),
            version=5,
        ),
        MethodEntry(
            "contrastive",
            "harness.methods.contrastive:Contrastive",
            "the encoder trained to draw texts of a class together, then logistic regression",
            way="fine-tuning",
            models=("encoder",),
            uses=("labels", "seed", "label_words"),
            libraries=("scikit-learn", "scipy", "numpy"),
            imports=("sklearn.linear_model", "sklearn.model_selection"),
            version=7,
        ),
        MethodEntry(
            "self_training",
            "harness.methods.self_training:SelfTraining",
            "another method, taught again by its sure answers to unlabelled texts",
            way="fine-tuning",
            models=("encoder",),
            uses=("labels", "unlabelled", "seed", "label_words"),
            libraries=("peft", "scikit-learn", "scipy", "numpy"),
            imports=("sklearn.linear_model", "sklearn.model_selection"),
            version=5,
        ),
    ],
    group="harness.methods",
)
