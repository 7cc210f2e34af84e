"""Going on with pre-training, on texts of the domain and without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.core.errors import HarnessError
from harness.models.device import half_precision
from harness.models.embedding_tables import check_tokens
from harness.training.backbone import Backbone
from harness.training.batches import shuffled
from harness.training.loop import Recipe, optimise, seeded
from harness.training.vocabulary import used_words

TITLE = "adapting to the domain"
MASKED = 0.15
KEPT_WORDS, RANDOM_WORDS = 0.1, 0.1
IGNORED = -100


def adapt_by_simcse(
    backbone: Backbone, texts: Sequence[str], *, recipe: Recipe, temperature: float, seed: int
) -> None:
    """Trains an encoder so that a text lies near itself under other dropout, in place.

    Unsupervised SimCSE: Gao, Yao and Chen 2021, "SimCSE: Simple Contrastive Learning of Sentence
    Embeddings", section 3.

    Args:
        backbone: The encoder.
        texts: The texts; of equal ones one is taken, for none could be told from the other.
        recipe: How to train; the other texts of a batch are what a text is told apart from.
        temperature: What cosines are divided by.
        seed: Of dropout and the order.

    Raises:
        DivergedError: The loss stopped being a number.
        HarnessError: The encoder has no dropout, or there are not two texts.
    """
    import torch

    ids = list(dict.fromkeys(map(tuple, backbone.tokenise(texts))))
    if len(ids) < 2:
        raise HarnessError("the texts are all alike; it takes two or more that differ")
    if not _varies(backbone, ids[:1], seed):
        raise HarnessError(
            "this encoder has no dropout, so a text cannot be told from itself\n"
            "  hint:     adapted(MODEL,objective=masked_lm), or objective=causal_lm for a causal LM"
        )

    def loss(batch: Sequence[int]) -> Any:
        """Returns how badly each row is told from the others by itself, a tensor of one number."""
        rows = [ids[row] for row in batch]
        scores = backbone.embed(rows) @ backbone.embed(rows).T / temperature
        wanted = torch.arange(len(rows), device=scores.device)
        return torch.nn.functional.cross_entropy(scores, wanted)

    batches = shuffled(ids, recipe.batch_size, seed)
    with used_words(backbone.encoder, ids):
        optimise(backbone.encoder, loss, batches, recipe=recipe, seed=seed, title=TITLE)


def _varies(backbone: Backbone, ids: Sequence[Sequence[int]], seed: int) -> bool:
    """Returns whether an encoder gives a text another embedding every time it trains on it."""
    import torch

    backbone.encoder.train()
    with seeded(seed), torch.no_grad():
        return not torch.equal(backbone.embed(ids), backbone.embed(ids))


class LanguageModelLoss:
    """The loss of a language model that fills in or continues texts.

    Masked: 15 % of the tokens are to be found, of which 80 % are masked, 10 % are another token
    and 10 % stay (Devlin et al. 2019, "BERT", section 3.1); which ones changes every time.

    Args:
        model: A masked or causal LM of transformers.
        tokenizer: Its tokenizer.
        ids: The token ids of every text.
        masked: Whether tokens are masked, or each is said from those before it.

    Attributes:
        tokens_run: Tokens run so far, padding left out.
    """

    def __init__(
        self, model: Any, tokenizer: Any, ids: Sequence[Sequence[int]], *, masked: bool
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.ids = ids
        self.masked = masked
        self.tokens_run = 0

    def __call__(self, batch: Sequence[int]) -> Any:
        """Returns the loss of a batch, a tensor of one number."""
        import torch

        rows = [self.ids[row] for row in batch]
        self.tokens_run += sum(map(len, rows))
        features = _features(rows, self.tokenizer, self.model.device)
        if self.masked:
            known = self.model.get_input_embeddings().num_embeddings  # an added token may have none
            words = min(len(self.tokenizer), known)
            features["input_ids"], wanted = _mask(features, self.tokenizer, words)
        else:
            wanted = features["input_ids"].masked_fill(features["attention_mask"] == 0, IGNORED)
        kind = self.model.device.type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=half_precision(kind)):
            return self.model(**features, labels=wanted).loss


def adapt_language_model(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    masked: bool,
    limit: int,
    recipe: Recipe,
    seed: int,
) -> int:
    """Goes on training a language model on texts, in place.

    Args:
        model: A masked or causal LM of transformers.
        tokenizer: Its tokenizer.
        texts: The texts; those without a word are left out.
        masked: See :class:`LanguageModelLoss`.
        limit: Tokens of a text that are read.
        recipe: How to train.
        seed: Of dropout, masks and the order.

    Returns:
        How many tokens were run.

    Raises:
        DivergedError: The loss stopped being a number.
        HarnessError: Fewer than two texts have words, or a token has no embedding.
    """
    read = tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]
    special = set(tokenizer.all_special_ids)
    ids = [row for row in read if len(row) > 1 and not special.issuperset(row)]
    if len(ids) < 2:
        raise HarnessError(f"{len(ids)} of the texts have words in them; it takes two or more")
    check_tokens(model, tokenizer, ids)
    loss = LanguageModelLoss(model, tokenizer, ids, masked=masked)
    batches = shuffled(ids, recipe.batch_size, seed)
    optimise(model, loss, batches, recipe=recipe, seed=seed, title=TITLE)
    return loss.tokens_run


def _features(ids: Sequence[Sequence[int]], tokenizer: Any, device: Any) -> dict[str, Any]:
    """Returns ids and mask, shape (rows, longest), filled up with padding on the right."""
    import torch

    length = max(map(len, ids))
    padding = tokenizer.pad_token_id or 0
    inputs = torch.full((len(ids), length), padding, dtype=torch.long)
    mask = torch.zeros((len(ids), length), dtype=torch.long)
    for place, row in enumerate(ids):
        inputs[place, : len(row)] = torch.tensor(row)
        mask[place, : len(row)] = 1
    return {"input_ids": inputs.to(device), "attention_mask": mask.to(device)}


def _mask(features: dict[str, Any], tokenizer: Any, vocabulary: int) -> tuple[Any, Any]:
    """Returns the ids with some of them hidden, and the hidden ones where all else is ignored."""
    import torch

    ids = features["input_ids"]
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids, device=ids.device))
    free = features["attention_mask"].bool() & ~special
    chosen = free & (torch.rand(ids.shape, device=ids.device) < MASKED)
    if not chosen.any():  # a batch of short texts: there is always one word to find
        place = free.flatten().float().argmax()
        chosen.view(-1)[place] = bool(free.any())
    fate = torch.rand(ids.shape, device=ids.device)
    words = torch.randint(vocabulary, ids.shape, device=ids.device)
    hidden = ids.masked_fill(chosen & (fate < 1 - KEPT_WORDS), tokenizer.mask_token_id)
    other = chosen & (fate < RANDOM_WORDS)
    return torch.where(other, words, hidden), ids.masked_fill(~chosen, IGNORED)
