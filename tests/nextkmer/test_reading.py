"""What a model is given, and which hidden state is read."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from grover_probe.batches import SpecialIds
from grover_probe.bpe.merges import CLS_ID, MASK_ID, SEP_ID
from grover_probe.errors import InputError
from grover_probe.genome import decode_bases
from grover_probe.kmer import KmerTokenizer
from grover_probe.nextkmer.reading import features, make_inputs, tokenize_contexts
from grover_probe.nextkmer.sequences import Examples, sample_examples


@pytest.fixture(scope="module")
def examples(chance) -> Examples:
    return chance.test.take(np.arange(40))


def changed(examples: Examples) -> Examples:
    """The same contexts followed by other bases."""
    codes = examples.codes.copy()
    codes[:, -6:] = 3 - codes[:, -6:]
    return replace(examples, codes=codes)


@pytest.mark.parametrize("flank", (0, 13, 100))
@pytest.mark.parametrize("align", ("start", "end"))
def test_tokens_spell_the_context_and_nothing_after_it(chance, tiny_tokenizer, flank, align):
    examples = sample_examples(chance.stretches[0], 60, flank=flank)
    for tokenizer in (tiny_tokenizer, KmerTokenizer(4), KmerTokenizer(6)):
        found = tokenize_contexts(examples, tokenizer, align)
        again = tokenize_contexts(changed(examples), tokenizer, align)
        assert all(map(np.array_equal, found, again))
        for tokens, row in zip(found, examples.context, strict=True):
            assert tokenizer.decode(tokens) in decode_bases(row)
            if flank == 0 and not (align == "end" and isinstance(tokenizer, KmerTokenizer)):
                assert tokenizer.decode(tokens) == decode_bases(row)


@pytest.mark.parametrize("flank", (0, 3, 100))
@pytest.mark.parametrize("k", (4, 5, 6))
def test_kmers_that_fit_the_end(chance, k, flank):
    examples = sample_examples(chance.stretches[0], 30, flank=flank)
    tokenizer = KmerTokenizer(k)
    for tokens, row in zip(tokenize_contexts(examples, tokenizer, "end"), examples.context, strict=True):
        assert set(tokenizer.lengths[tokens]) == {k}
        assert decode_bases(row).endswith(tokenizer.decode(tokens))
        assert len(tokens) == 50 // k
    single = tokenize_contexts(examples, KmerTokenizer(4), "start")
    assert flank != 0 or all((KmerTokenizer(4).lengths[tokens] == 1).sum() == 2 for tokens in single)


def test_what_is_read(tiny_model, tiny_tokenizer, examples):
    states = {}
    for read in ("cls", "last", "mask", "mean"):
        inputs = make_inputs(tiny_model, examples, tiny_tokenizer, read=read)
        found = features(tiny_model, inputs, progress=False)
        for row in (0, 7, 39):  # one by one, in the plainest way
            tokens = tokenize_contexts(examples, tiny_tokenizer)[row]
            ids = [CLS_ID, *tokens, *([MASK_ID] if read == "mask" else []), SEP_ID]
            assert inputs.ids[row].tolist() == ids
            hidden = tiny_model.hidden_states(torch.tensor([ids]))[-1][0].detach().numpy()
            place = {"cls": 0, "last": -2, "mask": -2}.get(read)
            expected = hidden[1:-1].mean(axis=0) if place is None else hidden[place]
            np.testing.assert_allclose(found[row], expected, atol=2e-5)
        states[read] = found
    assert not np.allclose(states["last"], states["mask"])


def test_auto_is_the_last_token_without_cls_and_of_causal_models(tiny_model, tiny_tokenizer, examples):
    assert make_inputs(tiny_model, examples, tiny_tokenizer).read == "cls"
    plain = replace(tiny_model, specials=SpecialIds(cls=None))
    causal = replace(tiny_model, causal=True)
    for model in (plain, causal):
        inputs = make_inputs(model, examples, tiny_tokenizer)
        assert inputs.read == "last"
        with pytest.raises(InputError, match="use --read last"):
            make_inputs(model, examples, tiny_tokenizer, read="cls")
        found = features(model, inputs, progress=False)
        last = model.hidden_states(torch.from_numpy(inputs.ids[3])[None])[-1][0, -2].detach().numpy()
        np.testing.assert_allclose(found[3], last, atol=2e-5)
    with pytest.raises(InputError, match="no masked language model"):
        make_inputs(causal, examples, tiny_tokenizer, read="mask")


def test_what_does_not_fit(tiny_model, tiny_tokenizer, examples):
    with pytest.raises(InputError, match="the model takes 10"):
        make_inputs(replace(tiny_model, max_tokens=10), examples, tiny_tokenizer)
    for option in ({"read": "first"}, {"align": "middle"}):
        with pytest.raises(InputError, match=f"--{next(iter(option))}"):
            make_inputs(tiny_model, examples, tiny_tokenizer, **option)
