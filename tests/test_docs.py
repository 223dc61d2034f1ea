"""Pages, README and notebooks: links lead somewhere, commands exist with their options, the site builds."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from grover_probe.cli import COMMANDS, app

ROOT = Path(__file__).parents[1]
PAGES = sorted(ROOT.glob("docs/*.md"))
TEXTS = [*PAGES, ROOT / "README.md", *sorted(ROOT.glob("analyses/notebooks/*.py"))]
WHOLE = typer.main.get_command(app)
_LINK = re.compile(r"\[[^]]+\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:grover-probe|python -m grover_probe\.(?=\w)|-m grover_probe\.(?=\w))(.*)")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_links_lead_to_files(path: Path) -> None:
    links = [link for link in _LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    lost = [link for link in links if not (path.parent / (link.split("#")[0] or path.name)).exists()]
    assert not lost


def _written_commands(text: str) -> Iterator[list[str]]:
    """The words of each command in a text: lines of code, with continuations joined, and code within sentences."""
    text = re.sub(r"\\\n#? *", "", text)
    for line in text.splitlines():
        code = [line] if line.startswith(("    ", "#     ")) else re.findall(r"`([^`]+)`", line)
        for each in code:
            found = _COMMAND.search(each.split(" # ")[0])
            if found and (found[1][:1] in (" ", "") or found[0].startswith(("python", "-m"))):
                try:
                    yield shlex.split(found[1].split(" | ")[0].removesuffix(")"), comments=True)
                except ValueError:  # a bracket or a quote of the surrounding code
                    yield shlex.split(found[1].replace('"', " ").replace(")", " "), comments=True)


def _options(command: Any) -> set[str]:
    return {word for parameter in command.params for word in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_commands_in_texts_exist(path: Path) -> None:
    wrong = []
    for words in _written_commands(path.read_text(encoding="utf-8")):
        command: Any = WHOLE
        for word in words:
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
            elif word.startswith("--") and word.split("=")[0] not in _options(command):
                wrong.append(f"{' '.join(words)}: no {word}")
        if words and words[0].isidentifier() and words[0].islower() and words[0] not in _known():
            wrong.append(f"{' '.join(words)}: no such command")
    assert not wrong


def _known() -> set[str]:
    return {name for group in COMMANDS.values() for name, _, _ in group} | {"cli"}


def test_every_page_and_command_can_be_found() -> None:
    def pages(entry: Any) -> Iterator[str]:
        for each in entry if isinstance(entry, list) else entry.values():
            yield from [each] if isinstance(each, str) else pages(each)

    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert set(pages(yaml.safe_load(config)["nav"])) == {path.name for path in PAGES}
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert [name for name in _known() - {"cli"} if f"`{name}`" not in index] == []


@pytest.mark.skipif(
    not all(find_spec(name) for name in ("mkdocs", "material", "latex2mathml")),
    reason='the site is built with mkdocs-material: pip install "grover-probe[docs]"',
)
def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={"NO_MKDOCS_2_WARNING": "1", "PATH": "", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    methods = (tmp_path / "site" / "methods" / "index.html").read_text(encoding="utf-8")
    assert methods.count("<math") > 20
    assert "arithmatex" not in methods and "\\frac" not in methods
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', page), "the site asks for something"
