"""Word2Vec on the tokenised genome: one vector per token, without context."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grover_probe.command import track
from grover_probe.corpus import Corpus
from grover_probe.errors import InputError


def train_word2vec(
    corpus: Corpus,
    windows: np.ndarray,
    *,
    width: int = 768,
    context: int = 5,
    epochs: int = 5,
    negative: int = 5,
    subsample: float = 1e-3,
    seed: int = 0,
    progress: bool = True,
) -> np.ndarray:
    """Train continuous bag of words (Mikolov et al. 2013) with gensim, on one thread so that a seed decides the result.

    Parameters
    ----------
    corpus
        The tokens.
    windows
        Token ranges that are read as sentences, shape (n_windows, 2).
    width
        Size of a vector; the GROVER paper's 768. The paper states no other setting: the rest are gensim's defaults.
    context
        Tokens on either side that predict a token.
    epochs
        Times that each sentence is read.
    negative
        Random tokens per true one.
    subsample
        Tokens more frequent than this share are partly left out.
    seed
        Decides the start and every random draw.
    progress
        Show a progress bar on stderr.

    Returns
    -------
    np.ndarray
        float32, shape (n_ids, width): NaN for tokens that do not occur in the windows.

    Raises
    ------
    InputError
        When the windows hold no two tokens side by side.
    """
    from gensim.models import Word2Vec

    n_tokens = int((windows[:, 1] - windows[:, 0]).sum())
    if not len(windows) or (windows[:, 1] - windows[:, 0]).max() < 2:
        raise InputError("Word2Vec needs windows of at least two tokens")
    with track(total=n_tokens * (epochs + 1), label="Word2Vec", unit="tok", unit_scale=True, progress=progress) as bar:
        model = Word2Vec(
            _Sentences(corpus.ids, windows, bar),
            vector_size=width,
            window=context,
            epochs=epochs,
            negative=negative,
            sample=subsample,
            sg=0,
            min_count=1,
            seed=seed,
            workers=1,
        )
    vectors = np.full((len(corpus.token_lengths), width), np.nan, dtype=np.float32)
    vectors[np.array(model.wv.index_to_key, dtype=np.int64)] = model.wv.vectors
    return vectors


class _Sentences:
    """Windows as lists of words; gensim reads them once for the vocabulary and once per epoch."""

    def __init__(self, ids: np.ndarray, windows: np.ndarray, bar: Any) -> None:
        self._ids, self._windows, self._bar = ids, windows, bar

    def __iter__(self) -> Iterator[list[str]]:
        for begin, stop in self._windows.tolist():
            yield [str(token) for token in self._ids[begin:stop].tolist()]
            self._bar.update(stop - begin)
