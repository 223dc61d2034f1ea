"""What mkdocs does with the pages beyond Markdown, so that the site needs no script and no network to be read.

Formulae become MathML, and links to files of the repository that are no pages become their paths.
"""

import logging
import re
from html import unescape
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

log = logging.getLogger("mkdocs.plugins.grover_probe")

_REPOSITORY = Path(__file__).parents[2]
_OUTSIDE = re.compile(r"\[(?P<text>[^]\[]+)\]\((?P<path>\.\./[^)#\s]+)(?:#[^)\s]*)?\)")
_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">(?:\\\((?P<inline>.*?)\\\)|\\\[(?P<block>.*?)\\\])</(?P=tag)>', re.DOTALL
)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the path where a link leaves docs/; a path that is not there is a warning, which --strict refuses."""

    def path_of(match: re.Match[str]) -> str:
        target = (_REPOSITORY / "docs" / Path(page.file.src_uri).parent / match["path"]).resolve()
        if not target.exists():
            log.warning("%s: the link to %s leads to no file", page.file.src_uri, match["path"])
        path = target.relative_to(_REPOSITORY)
        text = match["text"]
        return f"`{path}`" if Path(text.strip("`")).name == path.name else f"{text} (`{path}`)"

    return _OUTSIDE.sub(path_of, markdown)


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Turn LaTeX into MathML, which browsers draw by themselves."""

    def mathml(match: re.Match[str]) -> str:
        block = match["block"]
        found = convert(unescape(block or match["inline"]).strip(), display="inline" if block is None else "block")
        if "\\" in found:
            log.warning("%s: a formula has something that is not understood: %s", page.file.src_uri, match[0][:80])
        return found

    return _FORMULA.sub(mathml, html)
