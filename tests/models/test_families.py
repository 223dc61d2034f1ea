"""Each family: recognised, ids as its own tokenizer gives them, offsets right, hidden states those of its network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grover_probe import models
from grover_probe.batches import gather
from grover_probe.bpe import BPETokenizer
from grover_probe.bpe.merges import Merges
from grover_probe.corpus import tokenize
from grover_probe.errors import InputError
from grover_probe.extract.run import forward
from grover_probe.genome import encode_bases
from grover_probe.kmer import KmerTokenizer
from grover_probe.models.language_model import LanguageModel
from grover_probe.models.loading import check_fits

from . import families

NAMES = ("GROVER", "DNABERT-2", "NT", "NT v2", "HyenaDNA", "3-mers", "RoBERTa", "GPT-2")
MASKED = tuple(name for name in NAMES if name not in ("HyenaDNA", "GPT-2"))
DNA = st.text("ACGTNacgt", max_size=120)


@dataclass(frozen=True)
class Case:
    folder: Path
    model: LanguageModel
    tokenizer: Any


@pytest.fixture(scope="module")
def small_bpe(chr20_tokenizer) -> BPETokenizer:
    return BPETokenizer(Merges(chr20_tokenizer.merges.pairs[:30], chr20_tokenizer.merges.counts[:30]))


@pytest.fixture(scope="module")
def cases(tmp_path_factory, chr20_tokenizer, small_bpe, modules_cache) -> dict[str, Case]:
    root = tmp_path_factory.mktemp("families")
    from .conftest import write_stand_in

    folders = {
        "GROVER": write_stand_in(chr20_tokenizer, families.bert(root / "g", 609)),
        "DNABERT-2": families.dnabert2(root / "d", small_bpe),
        "NT": families.nucleotide_transformer(root / "n"),
        "NT v2": families.nucleotide_transformer_v2(root / "v"),
        "HyenaDNA": families.hyenadna(root / "h"),
        "3-mers": families.kmers(root / "k", KmerTokenizer(3)),
        "RoBERTa": families.roberta(root / "r", small_bpe.n_ids),
        "GPT-2": families.gpt2(root / "c", small_bpe.n_ids),
    }
    families.bert_config(folders["GROVER"])
    for name in ("RoBERTa", "GPT-2"):
        families.write_dnabert2_tokenizer(folders[name], small_bpe, around=name == "RoBERTa")
    return {
        name: Case(folder, models.load(folder, device="cpu", trust_remote_code=True), models.load_tokenizer(folder))
        for name, folder in folders.items()
    }


@pytest.fixture
def case(request, cases) -> Case:
    return cases[request.param]


def every(*names: str):
    return pytest.mark.parametrize("case", names or NAMES, indirect=True)


@pytest.mark.parametrize(
    ("name", "family", "around", "n_layers", "width", "max_tokens", "n_ids"),
    [
        ("GROVER", "GROVER", (True, True), 3, 16, 38, 609),
        ("DNABERT-2", "DNABERT-2", (True, True), 4, 16, 62, 39),
        ("NT", "Nucleotide Transformer", (True, False), 3, 16, 47, 4105),  # 50 positions, 2 before the first
        ("NT v2", "Nucleotide Transformer", (True, False), 3, 8, 47, 4105),
        ("HyenaDNA", "HyenaDNA", (False, False), 3, 8, 64, 9),
        ("3-mers", "fixed k-mers", (True, True), 3, 16, 38, 73),
        ("RoBERTa", "transformers", (True, True), 3, 16, 38, 39),
        ("GPT-2", "transformers", (False, False), 3, 16, 40, 39),
    ],
)
def test_what_is_known_of_each(cases, name, family, around, n_layers, width, max_tokens, n_ids):
    model = cases[name].model
    assert model.family == family
    assert (model.specials.cls is not None, model.specials.sep is not None) == around
    assert (model.n_layers, model.width, model.max_tokens, model.n_ids) == (n_layers, width, max_tokens, n_ids)
    assert model.causal == (name in ("HyenaDNA", "GPT-2"))
    assert (model.id_map is None) == (name in ("GROVER", "3-mers"))
    assert not model.network.training and model.module.base_model is model.network
    check_fits(model, cases[name].tokenizer.lengths, name)


@every()
def test_bases_under_a_token_spell_it(case):
    tokenizer = case.tokenizer

    @settings(max_examples=60, deadline=None)
    @given(DNA)
    def check(text):
        found = tokenizer.encode(encode_bases(text))
        upper = text.upper()
        covered = np.zeros(len(text), dtype=int)
        for token_id, start in zip(found.ids.tolist(), found.starts.tolist(), strict=True):
            length = int(tokenizer.lengths[token_id])
            assert length > 0 and upper[start : start + length] == tokenizer.decode([token_id])
            covered[start : start + length] += 1
        assert covered.tolist() == [int(letter != "N") for letter in upper]
        assert found.ids.dtype == np.uint16

    check()


def own_tokenizer(name: str, folder: Path):
    """The ids that the family's own tokenizer gives a text of A, C, G, T, N; [UNK] and N left out."""
    from tokenizers import Tokenizer
    from transformers import EsmTokenizer

    if name.startswith("NT"):
        esm = EsmTokenizer(str(folder / "vocab.txt"), eos_token=None)
        left_out = set(esm.convert_tokens_to_ids(["N", "<unk>"]))
        return lambda text: [i for i in esm(text, add_special_tokens=False)["input_ids"] if i not in left_out]
    if name == "HyenaDNA":  # as in the released character tokenizer
        return lambda text: ["ACGT".index(letter) + 7 for letter in text if letter != "N"]
    fast = Tokenizer.from_file(str(folder / "tokenizer.json"))
    unknown = fast.token_to_id("[UNK]")
    return lambda text: [i for i in fast.encode(text, add_special_tokens=False).ids if i != unknown]


@every()
def test_ids_are_those_of_the_own_tokenizer(case, cases):
    name = next(name for name, each in cases.items() if each is case)
    theirs = own_tokenizer(name, case.folder)
    to_own = np.arange(609) if case.model.id_map is None else case.model.id_map.numpy()

    @settings(max_examples=80, deadline=None)
    @given(st.text("ACGTN", max_size=150))
    def check(text):
        assert to_own[case.tokenizer.encode(encode_bases(text)).ids].tolist() == theirs(text)

    check()


@pytest.fixture
def windows(case, tiny_genome):
    corpus = tokenize(tiny_genome, case.tokenizer, ["chr2"], progress=False)
    return corpus, np.array([[0, 30], [30, 41], [50, 51], [60, 90]])


@every()
def test_hidden_states_are_those_of_the_network_on_its_own_ids(case, windows):
    """Window by window, nothing padded, ids of its own: against a padded batch of ours."""
    corpus, ranges = windows
    batch = gather(corpus.ids, ranges, case.model.specials)
    found = forward(case.model, batch)
    for row, (begin, stop) in enumerate(ranges.tolist()):
        own = own_input(case, corpus.ids[begin:stop])
        expected = reference_states(case.model, own)
        assert len(expected) == case.model.n_layers == len(found.hidden)
        before = case.model.specials.before
        for ours, theirs in zip(found.hidden, expected, strict=True):
            theirs = theirs[0, before : before + stop - begin]
            torch.testing.assert_close(ours[found.window == row], theirs, rtol=0, atol=2e-5)
        assert found.positions[found.window == row].tolist() == list(range(begin, stop))


def own_input(case: Case, ids: np.ndarray) -> torch.Tensor:
    """The network's own input for some tokens, made by hand."""
    names = {"GROVER": (2, 3), "DNABERT-2": (1, 2), "3-mers": (2, 3), "RoBERTa": (1, 2)}
    around = next((names[name] for name in names if case.folder.name == name[0].lower().replace("3", "k")), (3, None))
    table = np.arange(case.model.n_ids) if case.model.id_map is None else case.model.id_map.numpy()
    row = table[ids].tolist()
    if case.model.specials.cls is not None:
        row = [around[0], *row]
    if case.model.specials.sep is not None:
        row = [*row, around[1]]
    return torch.tensor([row])


@torch.no_grad()
def reference_states(model: LanguageModel, own: torch.Tensor) -> list[torch.Tensor]:
    """Layer by layer, without the reader of the family."""
    if model.family == "DNABERT-2":
        network = model.network
        states = [network.embeddings.word_embeddings(own)]
        for block in network.encoder.layer:
            states.append(torch.tanh(block.mix(states[-1] + states[-1].mean(1, keepdim=True))))
        return states
    if model.family == "HyenaDNA":
        network = model.network
        states = [network.word_embeddings(own)]
        for layer in network.layers:
            states.append(layer(states[-1]))
        return [*states[:-1], network.ln_f(states[-1])]
    return list(model.network(own, output_hidden_states=True).hidden_states)


@every()
def test_logits_at_selected_positions_are_those_of_the_whole_network(case, windows):
    corpus, ranges = windows
    batch = gather(corpus.ids, ranges, case.model.specials)
    ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
    selected = (torch.rand(ids.shape, generator=torch.Generator().manual_seed(0)) < 0.3) & (mask > 0)
    if case.model.specials.mask is not None:
        ids = ids.masked_fill(selected & (torch.arange(ids.shape[1]) % 2 > 0), case.model.specials.mask)
    with torch.no_grad():
        found = case.model.logits(ids, mask, selected)
        assert found.shape == (int(selected.sum()), case.model.n_ids)
        own = case.model.own_ids(ids)
        options = {} if case.model.family == "HyenaDNA" else {"attention_mask": mask}
        whole = case.model.module(input_ids=own, **options).logits[selected]
        if not case.model.causal:
            assert torch.equal(case.model.masked_logits(ids, mask, selected), found)
    pieces = torch.arange(5, case.model.n_ids)
    torch.testing.assert_close(found[:, 5:], whole[:, case.model.own_ids(pieces)], rtol=0, atol=2e-5)
    if case.model.id_map is not None:
        assert torch.isinf(found[:, :5]).all(0).tolist() == (case.model.id_map[:5] < 0).tolist()


@every("HyenaDNA", "GPT-2")
def test_a_causal_model_predicts_no_masked_token(case):
    ids = torch.tensor([[5, 6, 7]])
    with pytest.raises(InputError, match="a causal model predicts the next token, not masked ones"):
        case.model.masked_logits(ids, None, ids > 5)


@every(*MASKED)
def test_masked_ids_are_the_models_own(case):
    expected = {"g": 4, "k": 4, "d": 4, "r": 4, "n": 2, "v": 2}[case.folder.name]
    assert case.model.own_ids(torch.tensor([case.model.specials.mask])).tolist() == [expected]


@every("HyenaDNA", "GPT-2")
def test_a_causal_model_sees_nothing_after_a_token(case):
    ids = torch.tensor([[5, 6, 7, 8, 5]])
    with torch.no_grad():
        one, two = case.model.hidden_states(ids), case.model.hidden_states(torch.tensor([[5, 6, 7, 8, 6]]))
    for layer_one, layer_two in zip(one, two, strict=True):
        torch.testing.assert_close(layer_one[:, :4], layer_two[:, :4], rtol=0, atol=1e-6)
        assert not torch.allclose(layer_one[:, 4], layer_two[:, 4])


def test_nt_scales_layer_0_where_tokens_are_masked(cases):
    """The quirk that the file of the family describes: masked tokens change layer 0 of the others."""
    model = cases["NT"].model
    ids = torch.tensor([[2, *range(9, 19)]])
    masked = ids.clone()
    masked[0, 3] = 4
    with torch.no_grad():
        plain, changed = model.hidden_states(ids)[0][0, 1], model.hidden_states(masked)[0][0, 1]
    words = model.network.embeddings.word_embeddings.weight[model.id_map[9]]
    torch.testing.assert_close(plain - changed, words * 0.88 * (1 - 11 / 10), rtol=0, atol=1e-5)


def test_tokens_of_another_model_do_not_fit(cases):
    with pytest.raises(InputError, match=r"6-mer: other tokens than those of h, .* use the model's tokenizer"):
        check_fits(cases["HyenaDNA"].model, np.array([0] * 5 + [2] * 4), "6-mer")
    with pytest.raises(InputError, match="the tokenizer has ids up to 4104, but h has 9 embedding rows"):
        check_fits(cases["HyenaDNA"].model, KmerTokenizer(6).lengths, "6-mer")


def test_id_609_fits_no_grover(cases):
    with pytest.raises(InputError, match="the tokenizer has ids up to 609, but g has 609 embedding rows"):
        check_fits(cases["GROVER"].model, np.zeros(610), "tokenizer.json as it is")
    with pytest.raises(IndexError):
        cases["GROVER"].model.hidden_states(torch.tensor([[2, 609, 3]]))


@pytest.mark.parametrize("tail", ["bases", "drop"])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_kmer_tokenizers_are_files_that_transformers_reads(tmp_path, k, tail):
    from transformers import AutoTokenizer

    ours = KmerTokenizer(k, tail)
    path = families.save_kmer_tokenizer(ours, tmp_path)
    assert models.load_tokenizer(tmp_path).hash == models.load_tokenizer(path).hash == ours.hash
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    text = "ACGTACGTTAGNCANNACGTTAG"
    ids = theirs(text)["input_ids"]
    assert ids[0] == 2 and ids[-1] == 3
    assert [i for i in ids[1:-1] if i != 1] == ours.encode_text(text).ids.tolist()


def test_kmer_table_of_others(tmp_path):
    path = families.save_kmer_tokenizer(KmerTokenizer(2), tmp_path)
    path.write_text(path.read_text().replace('"AC": 10', '"AC": 11').replace('"AG": 11', '"AG": 10'))
    with pytest.raises(InputError, match="a tokenizer of 2-mers whose ids are not those of this project"):
        models.load_tokenizer(tmp_path)


def test_nt_with_a_token_missing(tmp_path):
    folder = families.nucleotide_transformer(tmp_path / "nucleotide-transformer-x")
    tokens = families.nt_tokens(1)
    (folder / "vocab.txt").write_text("\n".join(token for token in tokens if token != "ACGTAC"))
    with pytest.raises(InputError, match=r"nucleotide-transformer-x/vocab.txt: does not list all k-mers"):
        models.load(folder)
    (folder / "vocab.txt").unlink()
    with pytest.raises(InputError, match=r"has no vocab.txt, which this kind of model needs"):
        models.load(folder)


def test_weights_and_tokenizer_of_two_models(tmp_path, small_bpe):
    folder = families.roberta(tmp_path / "r", 20)
    families.write_dnabert2_tokenizer(folder, small_bpe)
    with pytest.raises(InputError, match="its tokenizer has ids up to 38, but the weights have 20 embedding rows"):
        models.load(folder)


def test_encoder_without_head_gives_no_logits(tmp_path):
    folder = families.bert(tmp_path / "b", 20)
    models.load(folder, device="cpu").module.bert.save_pretrained(folder)
    model = models.load(folder, device="cpu")
    ids = torch.tensor([[2, 9, 3]])
    assert len(model.hidden_states(ids)) == 3
    with pytest.raises(InputError, match="the weights hold no prediction head"):
        model.masked_logits(ids, None, ids > 5)


def test_position_of_windows_not_said(tmp_path):
    from transformers import MambaConfig, MambaForCausalLM

    MambaForCausalLM(MambaConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, state_size=2)).save_pretrained(
        tmp_path
    )
    with pytest.raises(InputError, match="does not say how long a window can be"):
        models.load(tmp_path)


def test_tokenizer_by_name(tmp_path):
    assert models.load_tokenizer("6-mer").hash == KmerTokenizer(6).hash
    families.bert(tmp_path, 20)
    with pytest.raises(InputError, match=r"has no tokenizer.json; name the tokenizer that the model was trained with"):
        models.load_tokenizer(tmp_path)
    with pytest.raises(InputError, match="a folder, which has no revisions"):
        models.load(tmp_path, revision="main")
