"""From a recipe to the files of a layer, and to its digest without making it."""

from __future__ import annotations

import hashlib
import json
import posixpath
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from builder import debian
from builder.debian import Package
from builder.recipe import Layer
from builder.tree import FIXED_TIME, Node, Tree


@dataclass(frozen=True)
class Stage:
    """A layer, the packages that it adds to those below, and the digest of all that makes it."""

    layer: Layer
    packages: tuple[Package, ...]
    digest: str


def stages(chain: list[Layer], pool: dict[str, Package], suite: str) -> list[Stage]:
    found: list[Stage] = []
    present: set[str] = set()
    without: set[str] = set()
    below = _digest_of(Path(__file__).parent)
    for layer in chain:
        without |= set(layer.without)
        wanted = tuple(name for entry in layer.packages for name in _names(entry, pool))
        packages = debian.reachable(wanted, without, pool)
        added = tuple(package for package in packages if package.name not in present)
        present |= {package.name for package in added}
        below = _hash(below, suite, _facts(layer), [(p.file, p.digest) for p in added])
        found.append(Stage(layer, added, below))
    return found


def make(chain: list[Stage], package_files: Path) -> Tree:
    """The files of the uppermost layer. Those below are made as well, since links and byte code
    depend on them."""
    below: dict[str, Node] = {}
    trees: list[Tree] = []
    for stage in chain:
        tree = Tree(dict(below), stage.layer.prune)
        debian.fetch(list(stage.packages), package_files)
        for package in stage.packages:
            with debian.contents(package_files / package.file) as archive:
                tree.add_package(archive)
        _add_own(stage.layer, tree)
        trees.append(tree)
        if stage.layer.applets or (stage.layer.compile and stage is chain[-1]):
            with _on_disk(trees) as root:
                _add_applets(tree, root) if stage.layer.applets else _add_byte_code(tree, root)
        below |= tree.nodes
    return trees[-1]


def _add_own(layer: Layer, tree: Tree) -> None:
    for folder in layer.folders:
        tree.add_folder(folder, 0o1777 if posixpath.basename(folder) == "tmp" else 0o755)
    for path, text in layer.write.items():
        tree.add_file(path, text.encode())
    if layer.files:
        tree.add_folder_of(layer.files)
    for path, target in layer.links.items():
        if "*" in target:
            target = "/" + tree.matching(target)[-1]
        tree.add_link(path, target)
    for path, source in layer.copies.items():
        tree.copy(path, source)
    for path, mode in layer.modes.items():
        tree.set_mode(path, int(mode, 8))


def _on_disk(trees: list[Tree]) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()
    for tree in trees:
        tree.extract(Path(folder.name))
    return folder


def _add_applets(tree: Tree, root: str) -> None:
    listed = subprocess.run(
        ["chroot", root, "/bin/busybox", "--list"], check=True, text=True, stdout=subprocess.PIPE
    )
    for applet in listed.stdout.split():
        if f"usr/bin/{applet}" not in tree.nodes:
            tree.add_link(f"usr/bin/{applet}", "busybox")


def _add_byte_code(tree: Tree, root: str) -> None:
    """Without it each start compiles anew, since the root is read-only. Never checked against the
    sources at run time: they cannot change either."""
    sources = [p for p in sorted(tree.nodes) if p.startswith("usr/lib/") and p.endswith(".py")]
    subprocess.run(
        [
            "chroot",
            root,
            "/usr/bin/python3",
            "-m",
            "compileall",
            "-q",
            "-i",
            "-",
            "--invalidation-mode",
            "unchecked-hash",
        ],
        input="\n".join(f"/{source}" for source in sources),
        text=True,
        check=True,
        # The order of sets in byte code follows the seed.
        env={
            "PATH": "/usr/sbin:/usr/bin",
            # What the compiler itself imports would be written with the time of its source.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "SOURCE_DATE_EPOCH": str(FIXED_TIME),
        },
    )
    for file in sorted(Path(root).rglob("*.pyc")):
        path = str(file.relative_to(root))
        if path not in tree.nodes and _source_of(path) in tree.nodes:
            tree.add_file(path, file.read_bytes())


def _source_of(byte_code: str) -> str:
    folder, name = posixpath.split(byte_code)
    return posixpath.join(posixpath.dirname(folder), name.split(".")[0] + ".py")


def _names(entry: str, pool: dict[str, Package]) -> Iterator[str]:
    """A package by name, or by the start of a name that differs between suites."""
    if not entry.endswith("*"):
        yield entry
        return
    yield from sorted(name for name in pool if name.startswith(entry[:-1]))


def _facts(layer: Layer) -> str:
    facts = asdict(layer) | {"files": _digest_of(layer.files) if layer.files else None}
    return json.dumps(facts, sort_keys=True)


def _digest_of(folder: Path) -> str:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return _hash(
        *(
            (str(file.relative_to(folder)), file.stat().st_mode & 0o100, file.read_bytes().hex())
            for file in files
            if "__pycache__" not in file.parts
        )
    )


def digest_of_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
