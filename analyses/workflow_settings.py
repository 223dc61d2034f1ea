"""What the rules of the workflow read from a profile (analyses/config): files by name, and options of commands.

Settings are words, never text for a shell: rules quote them with Snakemake's ``:q``.
"""

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grover_probe.data.cache import Cache
from grover_probe.data.manifest import load_catalogue
from grover_probe.errors import InputError

FROM_CACHE = "data:"  # before an id of `grover-probe data list`
PRETRAIN, TRAIN = "pretrain", "train"  # a model, a tokenizer that the workflow makes itself


def words(options: Mapping[str, Any] | None) -> list[str]:
    """Options of a command line: ``{"n_masked": 5, "html": True}`` gives ``--n-masked 5 --html``.

    A list repeats its option, true is a bare flag; what is false or null is left out.
    """
    found: list[str] = []
    for name, value in (options or {}).items():
        flag = f"--{name.replace('_', '-')}"
        for each in value if isinstance(value, list) else [value]:
            if each is True:
                found.append(flag)
            elif each is not None and each is not False:
                found += [flag, str(each)]
    return found


def repeated(option: str, values: Iterable[str]) -> list[str]:
    """``--option VALUE`` for each value."""
    return [word for value in values for word in (option, value)]


def shell_prefix() -> str:
    """What every shell command begins with.

    A command stops at its first error; ``python``, and what is installed beside it, are those that run the workflow.
    """
    return f"set -euo pipefail; PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "


def folder(wildcards: Any, output: Sequence[str]) -> str:
    """The folder of a rule's first output: the ``--out`` of its command."""
    return str(Path(output[0]).parent)


class Settings:
    """A profile.

    Parameters
    ----------
    config
        Content of its YAML file.
    root
        Folder of the repository: files of a profile are looked for there when the working folder has none of them.

    Raises
    ------
    InputError
        When a section is missing.
    """

    def __init__(self, config: Mapping[str, Any], root: Path) -> None:
        self.config, self.root = config, root
        missing = [name for name in ("results", "figures", "genome", "model", "annotation") if name not in config]
        if missing:
            raise InputError(f"the profile has no {missing[0]!r}; see analyses/config/sample.yaml for all keys")
        self.results: str = str(config["results"])
        self.figures: str = str(config["figures"])

    def __getitem__(self, name: str) -> Any:
        return self.config[name]

    def options(self, *names: str) -> list[str]:
        """Words of the ``options`` of a section, with files resolved."""
        section: Any = self.config
        for name in names:
            section = section.get(name) or {}
        return words(self.resolve(section.get("options")))

    def resolve(self, value: Any) -> Any:
        """A value of the profile with files found, and results, model, tokenizer, derived in braces filled in."""
        if isinstance(value, Mapping):
            return {name: self.resolve(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        return self.source(value) if isinstance(value, str) else value

    def source(self, text: str) -> str:
        """Path of ``data:ID``, or of a file of the repository; other text as it is."""
        text = text.replace("{results}", self.results).replace("{derived}", str(self.config.get("derived") or ""))
        for name in ("model", "tokenizer"):
            if f"{{{name}}}" in text:
                text = text.replace(f"{{{name}}}", getattr(self, name))
        if text.startswith(FROM_CACHE):
            return str(Cache().path(load_catalogue().get(text.removeprefix(FROM_CACHE))))
        if text.startswith(self.results):
            return text
        in_repository = self.root / text
        if text and not Path(text).exists() and in_repository.exists():
            return os.path.relpath(in_repository) if Path.cwd() == self.root else str(in_repository)
        return text

    # Where things are ------------------------------------------------------------------------------------------------

    def at(self, *parts: str) -> str:
        """A path in the folder of results."""
        return "/".join((self.results, *parts))

    @property
    def fetched(self) -> list[str]:
        """The list of fetched resources; empty where a profile needs none."""
        return [self.at("inputs.tsv")] if self.config.get("fetch") else []

    @property
    def genome(self) -> str:
        """The sequence file."""
        made = self.config["genome"].get("chromosomes")
        return self.at("genome", f"{self.config['name']}.2bit") if made else self.source(self.config["genome"]["file"])

    def tracked(self, *paths: str) -> list[str]:
        """Those of some files whose age decides; what lies in the data cache is fixed by its checksum."""
        cache = Cache().root
        return [path for path in dict.fromkeys(paths) if path and not Path(path).is_relative_to(cache)]

    @property
    def regions(self) -> list[str]:
        """``--regions BED`` of the passes; empty for the whole genome."""
        return words(self.resolve({"regions": self.config["genome"].get("regions")}))

    @property
    def model(self) -> str:
        """Folder or hub id of the model."""
        source = self.config["model"]["source"]
        return self.at("pretrain", "checkpoint") if source == PRETRAIN else self.source(source)

    @property
    def tokenizer(self) -> str:
        """Folder of the tokenizer, or its name."""
        source = self.config["model"]["tokenizer"]
        return self.at("tokenizer") if source == TRAIN else self.source(source)

    @property
    def model_files(self) -> list[str]:
        """What has to be there before the model can be used; nothing for the id of a hub."""
        if self.config["model"]["source"] == PRETRAIN:
            return [f"{self.model}/config.json"]
        return [str(path) for path in (Path(self.model) / "config.json",) if path.exists()]

    @property
    def tokenizer_files(self) -> list[str]:
        """What has to be there before the tokenizer can be used."""
        if self.config["model"]["tokenizer"] == TRAIN:
            return [f"{self.tokenizer}/tokenizer.json"]
        return [str(path) for path in (Path(self.tokenizer) / "tokenizer.json",) if path.exists()]

    def launch(self, section: str) -> list[str]:
        """How a rule that can use several GPUs begins: ``python``, or ``torchrun`` with as many processes."""
        processes = (self.config.get(section) or {}).get("processes") or 1
        return ["python"] if processes == 1 else ["torchrun", "--standalone", "--nproc-per-node", str(processes)]

    @property
    def controls(self) -> list[str]:
        """Untrained models that are read as the model is: ``initial``, ``random``."""
        return list(self.config.get("controls") or ())

    @property
    def passes(self) -> list[str]:
        """Names of the passes: the model's own and those of the controls."""
        return ["pass", *(f"pass-{name}" for name in self.controls)]

    def control_model(self, which: str) -> str:
        """The model, for an empty text; that of a control, for ``-random`` or ``-initial``."""
        return self.at(which.removeprefix("-")) if which else self.model

    def control_files(self, which: str) -> list[str]:
        """What has to be there before `control_model` can be used."""
        return [f"{self.control_model(which)}/config.json"] if which else self.model_files

    # Annotation ------------------------------------------------------------------------------------------------------

    def annotation(self, name: str) -> str:
        """``FILE`` or ``FILE:COLUMN`` of an annotation by its name in the profile.

        Raises
        ------
        InputError
            When the profile has none of that name.
        """
        known = self.config["annotation"]
        if name not in known:
            raise InputError(f"annotation {name!r} is not in the profile, which has {', '.join(known)}")
        path, colon, column = str(known[name]).partition(":")
        if known[name].startswith(FROM_CACHE):
            path, colon, column = known[name], "", ""
        return f"{self.source(path)}{colon}{column}"

    def annotation_file(self, name: str) -> str:
        """The file of an annotation, without its column."""
        return self.annotation(name).partition(":")[0]

    def annotation_files(self, *names: str) -> list[str]:
        """Files of some annotations, each once."""
        return list(dict.fromkeys(self.annotation_file(name) for name in names))

    def labelled(self, names: Mapping[str, Any] | Sequence[str], separator: str = ":") -> list[str]:
        """``NAME=FILE[:COLUMN][SEPARATOR RULE]`` of some annotations; a mapping has the rule of each, or null."""
        rules = names if isinstance(names, Mapping) else dict.fromkeys(names)
        return [
            f"{name}={self.annotation(name)}" + (f"{separator}{rule}" if rule else "") for name, rule in rules.items()
        ]

    def probed(self, name: str) -> list[str]:
        """Names of all annotations that probes of a folder ask for."""
        section = self.config["probes"][name]
        named = [*(section.get("annotation") or ())]
        for option in ("signal", "distance", "strand"):
            named += [value or key for key, value in _items(section.get(option) or {})]
        return named

    def probe_words(self, name: str) -> list[str]:
        """Words for what probes of a folder ask for: annotations (rules after an @), signals, distances, strands."""
        section = self.config["probes"][name]
        found = repeated("--annotation", self.labelled(section.get("annotation") or (), "@"))
        for option in ("signal", "distance", "strand"):
            named = [f"{key}={self.annotation_file(value or key)}" for key, value in _items(section.get(option) or {})]
            found += repeated(f"--{option}", named)
        return found

    def probed_passes(self, name: str) -> dict[str, str]:
        """Passes that probes of a folder read, by option: ``extracted`` and each control."""
        own = self.at(self.config["probes"][name].get("pass") or "pass")
        return {"extracted": own, **{control: f"{own}-{control}" for control in self.controls}}

    # The sweep -------------------------------------------------------------------------------------------------------

    @property
    def systems(self) -> dict[str, str]:
        """Systems of the next-k-mer sweep: a name for files, and what ``nextkmer cell --system`` takes."""
        section = self.config["nextkmer"]
        models = self.resolve(section.get("models") or {})
        return {
            **{name: name for name in section.get("baselines") or ()},
            **{name: f"{name}={place}" for name, place in models.items()},
            **{f"bpe-{cycles}": f"bpe-{cycles}" for cycles in section["cycles"]},
            **{f"{k}-mer": f"{k}-mer" for k in section["kmers"]},
        }

    @property
    def is_trained_here(self) -> dict[str, bool]:
        """Whether the model of each system of the sweep is trained by it."""
        section = self.config["nextkmer"]
        given = {*(section.get("baselines") or ()), *(section.get("models") or {})}
        return {name: name not in given for name in self.systems}

    def sweep_words(self) -> list[str]:
        """``--cycles`` to ``--train-seeds`` of ``nextkmer sweep``."""
        section = self.config["nextkmer"]
        lists = {name: ",".join(map(str, section.get(name) or ())) for name in ("cycles", "kmers", "baselines")}
        models = [self.systems[name] for name in section.get("models") or {}]
        return words({**lists, "models": models, "train_seeds": ",".join(map(str, section["train_seeds"]))})

    @property
    def sweep_genomes(self) -> list[str]:
        """Sequence files of the sweep: the profile's genome unless it names others."""
        return self.resolve(self.config["nextkmer"].get("genomes")) or [self.genome]

    @property
    def sweep_files(self) -> list[str]:
        """Recipe and held-out regions."""
        options = self.resolve(self.config["nextkmer"]["options"])
        return [options[name] for name in ("recipe", "heldout")]

    # Tasks -----------------------------------------------------------------------------------------------------------

    def task_words(self, name: str) -> list[str]:
        """Options of ``grover-probe tasks``: those of all tasks of the kind, and the task's own."""
        task = self.config["tasks"][name]
        shared = self.config["task_options"]
        own = {key: value for key, value in task.items() if key != "task"}
        return words(self.resolve({**(shared.get("all") or {}), **(shared.get(task["task"]) or {}), **own}))

    def task_files(self, name: str) -> list[str]:
        """Files among the options of a task."""
        found = (word for word in self.task_words(name) if "/" in word)
        return [file for word in found for file in (self.tokenizer_files if word == self.tokenizer else [word])]

    def compare_words(self, name: str) -> list[str]:
        """Options of the comparison on a task: those of all, and the task's own."""
        section = self.config["compare"]
        return words(self.resolve({**section["options"], **((section.get("per_task") or {}).get(name) or {})}))


def _items(names: Mapping[str, Any] | Sequence[str]) -> list[tuple[str, Any]]:
    return list(names.items()) if isinstance(names, Mapping) else [(name, None) for name in names]
