"""YAML for the manifests: doubled keys are errors, entries can be repeated over values."""

from pathlib import Path
from typing import Any

import yaml

from grover_probe.errors import DataError


class _Loader(yaml.SafeLoader):
    """The safe loader, except that a doubled key is an error instead of the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"doubled key {key.value!r}", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises
    ------
    DataError
        Naming file and line, when it cannot be read or is no mapping.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise DataError(f"{path}{line}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(document, dict):
        raise DataError(f"{path}: expected a mapping with `resources`")
    return document


def expand(template: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """Unroll an entry's `for_each`: one entry per value, `{name}` filled in everywhere in its texts."""
    if "for_each" not in template:
        return [template]
    body = {key: value for key, value in template.items() if key != "for_each"}
    loop = template["for_each"]
    if not (isinstance(loop, dict) and len(loop) == 1):
        raise DataError(f"{where}: for_each: expected one name with a list of values")
    ((name, values),) = loop.items()
    if not isinstance(values, list) or not values:
        raise DataError(f"{where}: for_each: expected a list of values for {name}")
    return [_fill(body, "{" + str(name) + "}", str(value)) for value in values]


def _fill(item: Any, placeholder: str, value: str) -> Any:
    if isinstance(item, str):
        return item.replace(placeholder, value)
    if isinstance(item, list):
        return [_fill(part, placeholder, value) for part in item]
    if isinstance(item, dict):
        return {key: _fill(part, placeholder, value) for key, part in item.items()}
    return item
