"""Fingerprints of plugins whose version does not tell the states of their source apart."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest

from archbench._plugins import Registered, load_plugins
from archbench._plugins._importing import from_file

PACKAGE = {
    "edited/__init__.py": """
        import archbench
        @archbench.hookimpl
        def archbench_architectures():
            yield archbench.Architecture(name="edited", build="edited.deep.network:build", inputs=("image",))
    """,
    "edited/deep/network.py": "from edited_parts import layers\ndef build(task, options): return layers.WIDTH",
    "edited_parts/layers.py": "WIDTH = 1",
    "unrelated.py": "x = 1",
    "edited/notes.txt": "1",
}


def write(folder: Path, files: dict[str, str]) -> None:
    """Write these files, without the indentation that the test gives them."""
    for name, text in files.items():
        lines = text.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(line[indent:] for line in lines) + "\n")


def install(folder: Path, name: str, entry_point: str, *, editable: bool = True) -> None:
    """Write the metadata that pip leaves for an installation of these sources."""
    flag = "true" if editable else "false"
    write(
        folder / f"{name}-1.0.dist-info",
        {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0",
            "entry_points.txt": f"[archbench]\n{name} = {entry_point}",
            "direct_url.json": f'{{"url": "file:///somewhere", "dir_info": {{"editable": {flag}}}}}',
        },
    )


def load(name: str) -> Registered[Any]:
    """Return the architecture of that name as a new load registers it."""
    return next(found for found in load_plugins().architectures if found.item.name == name)


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("edited/__init__.py", True),
        ("edited/deep/network.py", True),
        ("edited/new.py", True),
        ("edited_parts/layers.py", True),
        ("unrelated.py", False),
        ("edited/notes.txt", False),
    ],
)
def test_editable_installation(file: str, counts: bool, fakes: Any, tmp_path: Path) -> None:
    """An edit of any Python file of the package, or of a package beside it that it imports, changes the fingerprint."""
    write(tmp_path, PACKAGE)
    install(tmp_path, "edited", "edited")
    fakes.install(tmp_path)
    before, again = load("edited").fingerprint, load("edited").fingerprint
    with open(tmp_path / file, "a") as source:
        source.write("# edited\n")
    after = load("edited").fingerprint

    assert len(before) == 12
    assert before == again
    assert (after != before) is counts


def test_fingerprint_is_that_of_another_machine(fakes: Any, tmp_path: Path) -> None:
    """Equal sources in two folders have one fingerprint, so that two machines can share records."""
    found = []
    for place in ("here", "there"):
        write(tmp_path / place, PACKAGE)
        install(tmp_path / place, "edited", "edited")
        fakes.install(tmp_path / place)
        found.append(load("edited").fingerprint)
        for module in [name for name in sys.modules if name.startswith("edited")]:
            del sys.modules[module]

    assert found[0] == found[1] != ""


def test_module_without_a_package(fakes: Any, tmp_path: Path) -> None:
    """Where the entry point is a module of its own, the modules beside it that it imports count, also indirectly."""
    text = PACKAGE["edited/__init__.py"].replace("edited.deep.network", "alone_net")
    write(tmp_path, {"alone.py": text.replace('"edited"', '"alone"'), "alone_net.py": "import alone_deep"})
    (tmp_path / "alone.py").write_text((tmp_path / "alone.py").read_text() + "\ndef later(): import alone_net\n")
    write(tmp_path, {"alone_deep.py": "x = 1", "alone_other.py": "x = 1"})
    install(tmp_path, "alone", "alone")
    fakes.install(tmp_path)
    before = load("alone").fingerprint
    (tmp_path / "alone_other.py").write_text("x = 2\n")
    same = load("alone").fingerprint
    (tmp_path / "alone_deep.py").write_text("x = 2\n")

    assert before == same
    assert load("alone").fingerprint != before


def test_namespace_package(fakes: Any, tmp_path: Path) -> None:
    """In a namespace that distributions share, only the package of the entry point counts."""
    text = PACKAGE["edited/__init__.py"].replace('"edited"', '"shared"')
    write(tmp_path, {"commons/mine/__init__.py": text, "commons/theirs/__init__.py": "x = 1"})
    install(tmp_path, "shared", "commons.mine")
    fakes.install(tmp_path)
    before = load("shared").fingerprint
    (tmp_path / "commons" / "theirs" / "__init__.py").write_text("x = 2\n")
    same = load("shared").fingerprint
    (tmp_path / "commons" / "mine" / "extra.py").write_text("x = 2\n")

    assert before == same
    assert load("shared").fingerprint != before


def test_versions_and_revisions_need_no_fingerprint(fakes: Any, tmp_path: Path) -> None:
    """A wheel has a version, and the suite's own architectures have revisions, so neither has a fingerprint."""
    write(tmp_path, PACKAGE)
    install(tmp_path, "edited", "edited", editable=False)
    fakes.install(tmp_path)

    assert load("edited").fingerprint == ""
    assert load("mlp").fingerprint == ""


def test_loading_parses_no_sources(fakes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading reads a file at most once, to see whether it was checked; imports are followed for the fingerprint."""
    write(tmp_path, PACKAGE)
    install(tmp_path, "edited", "edited")
    fakes.install(tmp_path)
    read: list[Path] = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or original(path))  # type: ignore[func-returns-value]
    found = load("edited")
    before = len(read)

    assert len(set(read)) == before
    assert found.fingerprint
    assert len(read) == before + 3


def test_one_file_plugin_and_what_it_imports(tmp_path: Path) -> None:
    """The files beside a one-file plugin count if it imports them; alone, its fingerprint is that of its bytes."""
    main = tmp_path / "main.py"
    main.write_text("import json\n")
    alone = from_file(main).take_fingerprint()
    main.write_text("import json\ndef build(): from beside import deep\n")
    write(tmp_path, {"beside.py": "import pack.part", "pack/part.py": "x = 1", "not_imported.py": "x = 1"})
    states = [from_file(main).take_fingerprint()]
    for name in ("not_imported.py", "beside.py", "pack/part.py"):
        (tmp_path / name).write_text("import pack.part  # edited\n")
        states.append(from_file(main).take_fingerprint())

    assert alone == hashlib.sha256(b"import json\n").hexdigest()[:12]
    assert states[0] == states[1]
    assert len(set(states)) == 3
