"""Training against the readable reference and against other exact trainers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe.bpe import reference
from grover_probe.bpe.train import train
from grover_probe.errors import InputError
from grover_probe.genome import encode_bases

texts = st.lists(st.text("ACGTN", min_size=1, max_size=60), min_size=1, max_size=4)
tie_rich = st.lists(
    st.builds(lambda unit, n: unit * n, st.text("ACGT", min_size=1, max_size=4), st.integers(1, 30)),
    min_size=1,
    max_size=4,
)


def as_table(merges):
    return [(*pair, count) for pair, count in zip(merges.pairs.tolist(), merges.counts.tolist(), strict=True)]


@settings(max_examples=150, deadline=None)
@given(texts | tie_rich, st.integers(1, 25))
def test_equals_reference(sequences, n_merges):
    expected = reference.train(sequences, n_merges)
    if not expected:
        with pytest.raises(InputError, match="nothing to learn"):
            train([encode_bases(text) for text in sequences], n_merges, progress=False)
        return
    assert as_table(train([encode_bases(text) for text in sequences], n_merges, progress=False)) == expected
