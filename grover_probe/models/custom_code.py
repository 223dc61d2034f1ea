"""Code of a model's author: which files it is, and that it runs only when it was asked for.

A configuration with an ``auto_map`` names classes in files of the model's own repository (or of another one).
Loading such a model imports these files, which can do whatever the user can. Nothing of that happens without
``trust_remote_code``; with it, a line says what will run. Files are read here, never imported.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from grover_probe.command import note
from grover_probe.errors import InputError
from grover_probe.models.files import ModelFiles

_IMPORT = re.compile(r"^\s*(?:from\s+\.(\w+)\s+import\s|from\s+\.\s+import\s+(\w+)|import\s+\.(\w+))", re.MULTILINE)


def has_code(config: dict[str, Any]) -> bool:
    """Whether a configuration names classes of its author."""
    return any(name.startswith("AutoModel") or name == "AutoConfig" for name in config.get("auto_map") or {})


def code_files(files: ModelFiles, config: dict[str, Any], auto_class: str) -> list[str]:
    """Files that loading would import: those that hold the classes, and what these import from beside them.

    Returns
    -------
    list of str
        Sorted; files of another repository as ``owner/name--file.py``.
    """
    wanted = [str((config.get("auto_map") or {}).get(name, "")) for name in ("AutoConfig", auto_class)]
    queue = [reference.rpartition(".")[0] for reference in wanted if reference]
    found: set[str] = set()
    while queue:
        module = queue.pop()
        name = f"{module}.py"
        if name in found:
            continue
        found.add(name)
        if "--" not in module and files.has(name):
            text = files.path(name).read_text(encoding="utf-8", errors="replace")
            queue += [next(filter(None, groups)) for groups in _IMPORT.findall(text)]
    return sorted(found)


def require_trust(files: ModelFiles, config: dict[str, Any], auto_class: str, trusted: bool, revision: str) -> None:
    """Refuse a model that needs its author's code, or say on stderr what will run.

    Raises
    ------
    InputError
        When it is not trusted, or has no code for this use.
    """
    if auto_class not in (config.get("auto_map") or {}):
        named = ", ".join(sorted(config.get("auto_map") or {}))
        raise InputError(f"{files.name}: its code has no {auto_class} (only {named}); it cannot be used here")
    names = ", ".join(code_files(files, config, auto_class))
    if not trusted:
        raise InputError(
            f"{files.name}: needs code of its author, which was not run: {names} ({revision}). Read these files; "
            "if you trust them, allow it with --trust-remote-code (in Python: trust_remote_code=True)"
        )
    note(f"{files.name}: running code of its author ({revision}): {names}")


def author_class(config: dict[str, Any], auto_class: str, place: str, revision: str | None) -> Callable[..., Any]:
    """Import the author's classes and give what loads the model. Only after `require_trust`.

    The classes are looked up here and not by transformers' auto classes: these remember the first network that came
    with a configuration class, and would take it for a later model whose code differs in the network only.
    """
    from transformers import AutoConfig
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    auto_map = config["auto_map"]
    network = get_class_from_dynamic_module(auto_map[auto_class], place, revision=revision)
    maker = AutoConfig
    if "AutoConfig" in auto_map:
        maker = get_class_from_dynamic_module(auto_map["AutoConfig"], place, revision=revision)
    return partial(network.from_pretrained, config=maker.from_pretrained(place, revision=revision))
