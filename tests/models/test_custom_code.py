"""Code of a model's author runs when it was allowed, and never otherwise; a line says what."""

import json

import pytest
import torch

from grover_probe import models
from grover_probe.errors import InputError
from grover_probe.models.custom_code import code_files
from grover_probe.models.files import model_files
from grover_probe.models.folder import describe_model

from . import families


@pytest.fixture
def folder(tmp_path, modules_cache):
    return families.hyenadna(tmp_path / "my hyena")


@pytest.fixture
def marked(folder, tmp_path):
    """A model whose code leaves a mark when it is imported."""
    path = folder / "configuration_hyena.py"
    path.write_text(f"import pathlib\n\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n" + path.read_text())
    return folder


def change(folder, **values):
    config = json.loads((folder / "config.json").read_text()) | values
    (folder / "config.json").write_text(json.dumps(config))


def test_never_by_default(marked, tmp_path, capsys):
    with pytest.raises(InputError) as error:
        models.load(marked, device="cpu")
    assert str(error.value) == (
        "my hyena: needs code of its author, which was not run: configuration_hyena.py, modeling_hyena.py "
        f"(in {marked}). Read these files; if you trust them, allow it with --trust-remote-code "
        "(in Python: trust_remote_code=True)"
    )
    models.load_tokenizer(marked)
    describe_model(marked)
    assert not (tmp_path / "ran").exists()
    assert capsys.readouterr() == ("", "")


def test_a_line_says_what_runs(marked, tmp_path, capsys):
    models.load(marked, device="cpu", trust_remote_code=True)
    assert (tmp_path / "ran").exists()
    out, err = capsys.readouterr()
    assert out == "" and err == (
        f"my hyena: running code of its author (in {marked}): configuration_hyena.py, modeling_hyena.py\n"
    )


def test_a_model_without_code_says_nothing(tmp_path, capsys):
    models.load(families.bert(tmp_path, 20), device="cpu", trust_remote_code=True)
    assert "running code" not in capsys.readouterr().err


def test_code_is_part_of_the_description(folder):
    before = describe_model(folder)
    assert {"modeling_hyena.py", "configuration_hyena.py"} <= set(before["sha256"])
    with (folder / "modeling_hyena.py").open("a") as code:
        code.write("# changed\n")
    assert describe_model(folder) != before


def test_native_type_with_code_is_not_taken_for_the_native_class(tmp_path, modules_cache, chr20_tokenizer):
    """DNABERT-2 says `bert`, but is another network: neither is its code run nor a plain BERT made of it."""
    folder = families.dnabert2(tmp_path / "d", chr20_tokenizer)
    with pytest.raises(InputError, match=r"needs code .*: bert_layers\.py, bert_padding\.py, configuration_bert\.py"):
        models.load(folder, device="cpu")


def test_files_of_another_repository_are_named(folder):
    change(folder, auto_map={"AutoConfig": "some/where--conf.C", "AutoModelForCausalLM": "modeling_hyena.M"})
    files = model_files(folder)
    found = code_files(files, files.config(), "AutoModelForCausalLM")
    assert found == ["configuration_hyena.py", "modeling_hyena.py", "some/where--conf.py"]


def test_imports_in_a_circle(folder):
    with (folder / "configuration_hyena.py").open("a") as code:
        code.write("from . import modeling_hyena\n")
    files = model_files(folder)
    assert code_files(files, files.config(), "AutoModelForCausalLM") == ["configuration_hyena.py", "modeling_hyena.py"]


def test_code_for_another_use(folder):
    change(
        folder, auto_map={"AutoConfig": "configuration_hyena.HyenaConfig", "AutoModel": "modeling_hyena.HyenaDNAModel"}
    )
    with pytest.raises(
        InputError, match=r"its code has no AutoModelForCausalLM .only AutoConfig, AutoModel.; it cannot"
    ):
        models.load(folder, device="cpu", trust_remote_code=True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import a_package_that_is_nowhere\n", "cannot be loaded .its author's code, with transformers .*a_package"),
        ("raise ValueError('no such luck')\n", "cannot be loaded .its author's code, .*no such luck"),
        ("this is not Python\n", "cannot be loaded .its author's code"),
    ],
)
def test_code_that_does_not_import(folder, line, message):
    path = folder / "modeling_hyena.py"
    path.write_text(line + path.read_text())
    with pytest.raises(InputError, match=message) as error:
        models.load(folder, device="cpu", trust_remote_code=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "hidden_states=tuple(states) if",
            "hidden_states=tuple(states[1:]) if",
            "gives 3 hidden states, expected 4",
        ),
        ("states.append(self.ln_f(states[-1]))", "states.append(self.ln_f(states[-1])[:, 1:])", r"\(1, 2, 8\)"),
        ("states = [self", "states = [1 / 0, self", "does not run here: division by zero"),
    ],
)
def test_code_that_does_something_else(folder, old, new, message):
    path = folder / "modeling_hyena.py"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        models.load(folder, device="cpu", trust_remote_code=True)


def test_weights_that_do_not_fit_the_code(folder):
    change(folder, d_model=16)
    with pytest.raises(InputError, match=r"the weights do not fit config\.json: .*expected .*16"):
        models.load(folder, device="cpu", trust_remote_code=True)


def test_half_precision(folder):
    model = models.load(folder, device="cpu", dtype="bf16", trust_remote_code=True)
    assert model.hidden_states(torch.tensor([[5, 6]]))[0].dtype == torch.bfloat16
