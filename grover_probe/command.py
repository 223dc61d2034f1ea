"""What every command line shares: errors as one line, exit codes, progress on stderr."""

import errno
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import typer

from grover_probe.errors import GroverProbeError, InputError

T = TypeVar("T")

# Distributions of the extras by the name under which they are imported.
_OF_EXTRAS = {
    "accelerate": "train", "anndata": "maps", "gensim": "maps", "umap": "maps", "statsmodels": "maps", "Bio": "probes",
    "scipy": "annotation", "sklearn": "tasks", "pyBigWig": "annotation", "peft": "lora", "tensorboard": "train",
}  # fmt: skip

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

# What the machine refuses, as opposed to a mistake of ours: disk full, quota, file size limit, permissions, ...
_OUTSIDE_CAUSES = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENAMETOOLONG,
    errno.EMFILE, errno.EPIPE,
)  # fmt: skip


def new_app(help: str, **options: Any) -> typer.Typer:
    """A typer application with this project's settings."""
    return typer.Typer(
        help=help,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        **options,
    )


def run(app: typer.Typer, prog: str | None = None) -> None:
    """Run an application; turn errors that a user can act on into one line and exit code 2."""
    try:
        app(prog_name=prog)
    except GroverProbeError as error:
        fail(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _OF_EXTRAS:
            raise
        fail(
            f'this needs {package}, which is not installed: pip install "grover-probe[{_OF_EXTRAS[package]}]", or [all]'
        )
    except OSError as error:
        if error.errno not in _OUTSIDE_CAUSES:
            raise
        if error.errno == errno.EPIPE:  # `... | head`: the reader has gone, which is not an error
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        fail(f"{error.filename or 'output'}: {error.strerror}; nothing was kept of this step")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(EXIT_INTERRUPTED) from None


def fail(message: str) -> None:
    """Print one error line on stderr and leave with exit code 2."""
    print("error: " + " ".join(message.split()), file=sys.stderr)
    raise SystemExit(EXIT_BAD_INPUT) from None


def note(message: str) -> None:
    """Print a line for the user on stderr (data go to stdout)."""
    print(message, file=sys.stderr, flush=True)


def note_files(out: Path, names: Sequence[str], verb: str = "wrote") -> None:
    """Say which files a command has left."""
    note(f"{verb} {', '.join(str(out / name) for name in names)}")


def refuse_misplaced_options(context: typer.Context) -> None:
    """Refuse options in front of a subcommand, which would be lost without a word.

    Raises
    ------
    InputError
        When there is one.
    """
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "--" + name.replace("_", "-")
            raise InputError(f"{option} stands before {context.invoked_subcommand!r}; put it after the subcommand")


def track(
    items: Iterable[T] | None = None,
    *,
    total: float | None = None,
    label: str = "",
    unit: str = "it",
    progress: bool = True,
    **options: Any,
) -> Any:
    """A tqdm progress bar on stderr; works in a terminal and in Jupyter, silent when `progress` is false."""
    from tqdm import TqdmExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmExperimentalWarning)
        from tqdm.auto import tqdm

    return tqdm(
        items, total=total, desc=label, unit=unit, disable=not progress, dynamic_ncols=True, leave=False,
        mininterval=0.3, delay=0.5, **options,
    )  # fmt: skip
