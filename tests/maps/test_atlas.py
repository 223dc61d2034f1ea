"""The page in a headless browser: it renders, finds, asks for nothing; and what its data may hold."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover_probe.errors import InputError
from grover_probe.maps.atlas import Atlas, View


def embedded(page: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture
def nasty() -> Atlas:
    """Names and classes that would end the script or be markup, and numbers that JSON does not know."""
    columns = pd.DataFrame({"n": [1.5, np.nan, np.inf], "kind": ["</script><b>", "none", "none"], "whole": [1, 2, 3]})
    views = [View("one & only", np.array([[0.0, 1], [2, 3], [4, 5]]), "note", np.array([[1], [0], [0]]))]
    return Atlas("A <title>", "sub", "thing", ["</script><script>alert(1)", "b<!--", "ü\u2028"], columns, views, "kind")


def test_any_name_survives_and_none_ends_the_script(nasty, tmp_path):
    page = nasty.save(tmp_path / "a b.html").read_text()
    assert page.count("</script>") == 2
    assert "<!--" not in page
    assert "A &lt;title&gt;" in page
    found = embedded(page)
    assert found["names"] == list(nasty.names)
    assert [column["kind"] for column in found["columns"]] == ["number", "class", "number"]
    assert found["columns"][0]["values"] == [1.5, None, None]
    assert [found["columns"][1]["classes"][code] for code in found["columns"][1]["values"]] == list(
        nasty.columns["kind"]
    )
    assert found["views"][0]["nearest"] == [[1], [0], [0]]
    assert re.findall(r"(?:https?:)?//[a-z]|@import|url\(", page) == []


@pytest.mark.parametrize("change", ["names", "views"])
def test_rows_must_agree(nasty, tmp_path, change):
    from dataclasses import replace

    wrong = replace(nasty, names=["a"]) if change == "names" else replace(nasty, views=[View("x", np.zeros((2, 2)))])
    with pytest.raises(InputError, match="same rows"):
        wrong.save(tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


class Watched:
    """A page with everything that it asked for or complained about."""

    def __init__(self, browser, path: Path, **options) -> None:
        self.context = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True, **options)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())

    def pixels(self) -> bytes:
        return self.page.locator("#map").screenshot()

    def drawn(self) -> int:
        return int(self.page.get_attribute("#map", "data-drawn"))


@pytest.fixture
def watch(browser):
    """A function that opens a page; whatever is opened must in the end have asked for itself alone, in silence."""
    opened: list[tuple[Watched, Path]] = []

    def open_it(path: Path, **options) -> Watched:
        opened.append((Watched(browser, path, **options), path))
        return opened[-1][0]

    yield open_it
    for watched, path in opened:
        assert watched.requests == [path.as_uri()]
        assert watched.complaints == []
        watched.context.close()


class TestInTheBrowser:
    def test_token_atlas_renders_and_finds_a_token(self, watch, token_maps):
        seen = watch(token_maps / "tokens.html")
        data = embedded((token_maps / "tokens.html").read_text())
        assert seen.page.inner_text("h1") == "Token atlas"
        assert seen.drawn() == len(data["names"])
        wanted = max(data["names"], key=len)
        before = seen.pixels()
        seen.page.fill("#search", wanted.lower())
        assert seen.page.locator("#matches button").first.inner_text() == wanted
        seen.page.press("#search", "Enter")
        assert seen.page.inner_text("#name") == wanted
        assert seen.pixels() != before
        row = data["names"].index(wanted)
        length = next(column for column in data["columns"] if column["name"] == "length")["values"][row]
        assert f"length\t{length}" in seen.page.inner_text("#values")
        near = seen.page.locator("#nearest button").all_inner_texts()
        assert near == [data["names"][other] for other in data["views"][0]["nearest"][row]]
        seen.page.locator("#nearest button").first.click()
        assert seen.page.inner_text("#name") == near[0]
        seen.page.fill("#search", "no such token")
        assert seen.page.inner_text("#found").startswith("0 of")

    def test_views_colours_and_legend(self, watch, token_maps):
        seen = watch(token_maps / "tokens.html")
        views = seen.page.locator("#view option").all_inner_texts()
        assert views == ["layer 2", "layer 0", "input embeddings", "random layer 2", "initial layer 2", "word2vec",
                         "again layer 2"]  # fmt: skip
        before = seen.pixels()
        seen.page.select_option("#view", label="word2vec")
        assert seen.pixels() != before
        assert "Trustworthiness" in seen.page.inner_text("#note")
        seen.page.select_option("#colour", label="cluster (layer 2)")
        everything = seen.drawn()
        entry = seen.page.locator("#legend button").first
        size = int(entry.locator("span").inner_text())
        entry.click()
        assert entry.get_attribute("aria-pressed") == "false"
        assert seen.drawn() == everything - size
        seen.page.click("#theme")
        assert seen.drawn() == everything - size

    def test_mouse_and_keys_move_the_map(self, watch, token_maps):
        seen = watch(token_maps / "tokens.html")
        everything, start = seen.drawn(), seen.pixels()
        box = seen.page.locator("#map").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        seen.page.mouse.move(*middle)
        for _ in range(12):
            seen.page.mouse.wheel(0, -400)
        seen.page.wait_for_function(f"Number(document.getElementById('map').dataset.drawn) < {everything}")
        seen.page.click("#reset")
        seen.page.mouse.move(5, 5)
        assert seen.drawn() == everything
        seen.page.locator("#map").focus()
        seen.page.keyboard.press("ArrowLeft")
        assert seen.pixels() != start
        seen.page.keyboard.press("Enter")
        assert seen.page.inner_text("#name")
        seen.page.keyboard.press("Escape")
        assert seen.page.locator("#picked").is_hidden()
        seen.page.keyboard.press("0")
        seen.page.mouse.move(*middle)
        seen.page.mouse.down()
        seen.page.mouse.move(middle[0] + 2_000, middle[1], steps=3)
        seen.page.mouse.up()
        assert seen.drawn() < everything

    def test_hover_names_the_point_and_a_click_picks_it(self, watch, tmp_path):
        columns = pd.DataFrame({"kind": ["a", "b", "a"]})
        points = np.array([[-1.0, 0], [0, 0], [1, 0]])
        page = Atlas("t", "s", "thing", ["left", "mid", "right"], columns, [View("v", points)], "kind").save(
            tmp_path / "x.html"
        )
        seen = watch(page)
        box = seen.page.locator("#map").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        seen.page.mouse.move(*middle)
        assert seen.page.inner_text("#tip") == "mid\nkind: b"
        seen.page.mouse.click(*middle)
        assert seen.page.inner_text("#name") == "mid"
        assert seen.page.locator("#near").is_hidden()

    def test_nothing_in_a_name_is_run(self, watch, nasty, tmp_path):
        seen = watch(nasty.save(tmp_path / "x.html"))
        seen.page.fill("#search", "script")
        seen.page.press("#search", "Enter")
        assert seen.page.inner_text("#name") == nasty.names[0]
        assert seen.drawn() == 3

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_can_be_read_in_both_schemes(self, watch, token_maps, scheme):
        seen = watch(token_maps / "tokens.html", color_scheme=scheme)
        contrast = seen.page.evaluate(
            """() => {
                const luminance = text => {
                    const parts = text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
                        .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
                    return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2];
                };
                const backdrop = node => {
                    const own = getComputedStyle(node).backgroundColor;
                    return own === "rgba(0, 0, 0, 0)" ? backdrop(node.parentElement) : own;
                };
                const texts = "h1, header p, label, select, input, button, #note, #keys, .ends";
                return [...document.querySelectorAll(texts)].map(node => {
                    const [a, b] = [luminance(getComputedStyle(node).color), luminance(backdrop(node))].sort();
                    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
                });
            }"""
        )
        assert len(contrast) > 10
        assert min(contrast) > 4.5

    def test_a_narrow_screen_has_no_sideways_scrolling(self, watch, window_maps):
        seen = watch(window_maps / "windows.html")
        seen.page.set_viewport_size({"width": 380, "height": 700})
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 380
        assert seen.drawn() == len(embedded((window_maps / "windows.html").read_text())["names"])
