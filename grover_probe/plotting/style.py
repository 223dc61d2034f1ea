"""One visual style: fonts that can be read in print, colours that colour-blind readers can tell apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from grover_probe.files import atomic_path

# Okabe and Ito's colour-blind-safe palette.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6B6B6B"
# For classes: the same, then Paul Tol's muted one, without near neighbours.
CLASS_COLOURS = (
    BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#882255", "#999933", "#332288", "#F0E442", "#117733", "#AA4499",
)  # fmt: skip

_DPI = 300
_DPI_INSIDE = 150  # of panels with so many points that they are images in SVG and PDF

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 100,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # TrueType, as journals ask
    "svg.hashsalt": "grover_probe",  # the same figure gives the same bytes
}

_BLOCK = 4_096  # colours that are looked up at a time
_DIGITS = 6  # of places in a figure, as shares of its sides


def new_figure(width: float, height: float, n_panels: int) -> tuple[Figure, list[Any]]:
    """A figure with panels side by side, made without pyplot's global state.

    Parameters
    ----------
    width, height
        Inches.
    n_panels
        Panels, left to right.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, n_panels, squeeze=False)[0]
    return figure, list(axes)


def label_panels(axes: Sequence[Any]) -> None:
    """Put bold letters a, b, c above the panels."""
    for letter, ax in zip("abcdefghij", axes, strict=False):
        ax.set_title(letter, loc="left", fontweight="bold", fontsize=10)


def title_panel(ax: Any, letter: str, title: str = "") -> None:
    """Put a bold letter above the left end of a panel, and what it shows, in one or two lines, behind it."""
    ax.set_title(letter, loc="left", fontweight="bold", fontsize=10)
    if title:
        ax.annotate(
            title, (0, 1), (14, 4), xycoords="axes fraction", textcoords="offset points", fontsize=8, va="bottom",
            linespacing=1.1,
        )  # fmt: skip


def bare_axes(ax: Any) -> None:
    """Take ticks and frame away: the axes of a UMAP have no unit."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_box_aspect(1)


def note_n(ax: Any, text: str) -> None:
    """Say above the right end of a panel what it counts, such as ``n = 601 tokens``."""
    ax.text(1.0, 1.02, text, transform=ax.transAxes, ha="right", va="bottom", fontsize=7, color=GREY)


def save_figure(
    figure: Figure, stem: Path | str, formats: Sequence[str] = ("png", "svg", "pdf"), png_colours: int | None = None
) -> list[Path]:
    """Write a figure as ``stem.png`` (300 dpi), ``stem.svg``, ...; the bytes depend on nothing but the figure.

    Parameters
    ----------
    figure
        What to write.
    stem
        Path without ending.
    formats
        Endings.
    png_colours
        Colours that a PNG may have at most, up to 256, which makes it a third as large; any number when None.
    """
    stem = Path(stem)
    written = []
    _settle(figure)
    for ending in formats:
        path = stem.with_suffix(f".{ending}")
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending)
        with atomic_path(path) as temporary, mpl.rc_context(STYLE):
            figure.savefig(temporary, dpi=_DPI if ending == "png" else _DPI_INSIDE, metadata=metadata)
            if ending == "png" and png_colours is not None:
                _reduce_colours(temporary, png_colours)
        written.append(path)
    return written


def _reduce_colours(path: Path, colours: int) -> None:
    """Give a PNG a palette: half of it are its most frequent colours as they are, the rest stand for the others."""
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    found, where, counts = np.unique(packed, return_inverse=True, return_counts=True)
    split = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.uint8)
    order = np.argsort(-counts, kind="stable")
    palette = split[order[: colours // 2]]
    others = split[order[colours // 2 :]]
    if len(others):
        reduced = Image.fromarray(others[None]).quantize(colours - len(palette), Image.Quantize.MEDIANCUT, kmeans=2)
        palette = np.concatenate([palette, np.array(reduced.getpalette(), dtype=np.uint8).reshape(-1, 3)])[:colours]
    nearest = np.empty(len(split), dtype=np.uint8)
    for at in range(0, len(split), _BLOCK):
        gap = split[at : at + _BLOCK, None].astype(np.int32) - palette.astype(np.int32)
        nearest[at : at + _BLOCK] = (gap**2).sum(2).argmin(1)
    written = Image.fromarray(nearest[where].reshape(packed.shape))
    written.putpalette(palette.ravel().tolist())
    written.save(path, optimize=True, dpi=(_DPI, _DPI))


def _settle(figure: Figure) -> None:
    """Lay a figure out and round where its parts are.

    The solver of the constrained layout adds up in an order that changes from run to run. The last digits of what it
    finds would change with it, and with them the names of clip paths, which are hashes of numbers.
    """
    own = figure.dpi
    with mpl.rc_context(STYLE):
        figure.set_dpi(_DPI)
        figure.draw_without_rendering()
        figure.set_dpi(own)
    figure.set_layout_engine("none")
    parts = list(figure.subfigs)
    for part in parts:
        part.bbox_relative.set_points(np.round(part.bbox_relative.get_points(), _DIGITS))
        parts += part.subfigs
    for ax in figure.axes:
        for which in ("original", "active"):
            place = ax.get_position(original=which == "original").get_points()
            ax.set_position(Bbox(np.round(place, _DIGITS)), which)
