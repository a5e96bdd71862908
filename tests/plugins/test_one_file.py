"""One-file plugins: loaded from their path; a fault is an error, since the user asked for the file."""

import sys
from pathlib import Path

import msgspec
import pytest

from archbench import PluginError
from archbench._plugins import Plugins, load_plugins, load_source

NET = """
import dataclasses
import archbench
print("a plugin that prints")
@dataclasses.dataclass(frozen=True)
class Options:
    depth: int = 1
@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="my-net", build=build, inputs=("image",), options=Options)
def build(task, options):
    return "built"
"""
ARCHITECTURES = "import archbench\n@archbench.hookimpl\ndef archbench_architectures{}\n"


def load(path: Path) -> Plugins:
    """Load the file together with the built-ins."""
    return load_plugins(files=[path], only=[])


def test_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is a plugin without a version, and its prints do not go to standard output."""
    path = tmp_path / "my_net.py"
    path.write_text(NET)

    registered = load(path).architectures[-1]

    assert registered.canonical == "my_net.py/my-net@1"
    assert (registered.origin.version, registered.origin.entry_point) == ("", "")
    assert (registered.source.distribution, registered.source.path) == ("my_net.py", str(path))
    assert callable(registered.item.build)
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == [path]


def test_fingerprint_follows_the_bytes(tmp_path: Path) -> None:
    """The fingerprint of a file changes with its content, and the new content is run."""
    path = tmp_path / "my_net.py"
    path.write_text(NET)
    before = load(path).architectures[-1]
    path.write_text(NET.replace("my-net", "my-nut"))

    after = load(path).architectures[-1]

    assert after.item.name == "my-nut"
    assert len(before.fingerprint) == 12
    assert before.fingerprint != after.fingerprint


@pytest.mark.parametrize("name", ["torch.py", "resnet.py", "json.py", "with-dash.py"])
def test_file_shadows_nothing(tmp_path: Path, name: str) -> None:
    """A file named like a module does not replace that module."""
    path = tmp_path / name
    path.write_text(NET)
    before = sys.modules.get(path.stem)

    assert load(path).architectures[-1].item.name == "my-net"
    assert sys.modules.get(path.stem) is before
    assert str(tmp_path) not in sys.path


def test_worker_loads_the_file_again(tmp_path: Path) -> None:
    """A worker loads the file from its path, and a string built from `__name__` names the same function there."""
    path = tmp_path / "my_net.py"
    path.write_text(NET.replace("build=build", 'build=f"{__name__}:build"'))
    planned = load(path).architectures[-1]

    (registered,) = load_source(planned.source, planned.origin).architectures

    assert registered.item.build == planned.item.build
    assert str(registered.item.build).partition(":")[0] in sys.modules
    assert registered.fingerprint == planned.fingerprint


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("missing.py", None, "cannot be read (No such file or directory); check the path"),
        ("my_net.txt", NET, "does not end in .py; name a Python file, or install the package"),
        ("broken.py", "x = 1\ndef f(:\n", "line 2 is not valid Python (invalid syntax); correct it"),
    ],
)
def test_file_that_cannot_be_read(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    """A file that is missing, or not Python, is an error that says so."""
    if text is not None:
        (tmp_path / name).write_text(text)

    with pytest.raises(PluginError) as caught:
        load(tmp_path / name)

    assert str(caught.value) == f"plugin file {tmp_path / name} {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "importing it raised ZeroDivisionError: division by zero; repair it"),
        ("raise SystemExit", "importing it raised SystemExit; repair it"),
        (
            "",
            "has no function marked @archbench.hookimpl; mark its hook functions, or name the module that has them",
        ),
        (
            "def archbench_architecture(): pass",
            "has no function marked @archbench.hookimpl; archbench_architecture (misspelt archbench_architectures?) "
            "looks like a hook but is not marked @archbench.hookimpl; mark it, or rename it",
        ),
        (
            ARCHITECTURES.format("(task): return []"),
            "archbench_architectures has the argument 'task'; the arguments of this hook are: none",
        ),
        (
            ARCHITECTURES.format("(**more): return []"),
            "archbench_architectures takes **more; a hook has plain arguments only",
        ),
        (
            ARCHITECTURES.format("(): return []").replace("hookimpl", "hookimpl(wrapper=True)"),
            "archbench_architectures is a wrapper; no plugin may wrap another's hooks: use plain @archbench.hookimpl",
        ),
        (
            ARCHITECTURES.format("(): return []").replace("hookimpl", "hookimpl(tryfirst=True)"),
            "archbench_architectures asks for a place in the order, which no result may depend on: drop the option",
        ),
        (
            "async ".join(ARCHITECTURES.format("(): return []").rpartition("def ")[::2]).replace(
                "async ", "async def "
            ),
            "archbench_architectures is async, and nothing awaits it; write it with plain def",
        ),
        (
            ARCHITECTURES.format("(trial): yield").replace("architectures", "trial_started"),
            "archbench_trial_started has a yield, so its body would never run; remove the yield",
        ),
        (
            ARCHITECTURES.format("(): return [archbench.Architecture(name='A', build='m:b', inputs=('image',))]"),
            "archbench_architectures raised DeclarationError: Architecture name is 'A'; use 1 to 64 "
            "lower-case letters, digits, '.', '_' and '-', starting with a letter or digit; "
            "nothing of it is registered",
        ),
        (
            ARCHITECTURES.format("(): return [archbench.Architecture(name='a', build='p:b', inputs=('image',))]"),
            "'a' names 'p:b', but a one-file plugin is not importable by its name; give the function itself",
        ),
    ],
)
def test_file_that_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A file that breaks a rule for hooks is an error, with a message for each rule."""
    path = tmp_path / "p.py"
    path.write_text(text)

    with pytest.raises(PluginError) as caught:
        load(path)

    assert str(caught.value) == f"plugin {path}: {message}"


def test_hook_of_a_later_suite(tmp_path: Path) -> None:
    """A hook that is marked as optional may be unknown to this version of the suite."""
    path = tmp_path / "p.py"
    path.write_text(NET + "@archbench.hookimpl(optionalhook=True)\ndef archbench_of_the_future(): pass\n")

    plugins = load(path)

    assert plugins.statuses[-1].hooks == ("archbench_architectures",)


def test_lazy_module(tmp_path: Path) -> None:
    """The lazy attributes of a plugin are not fetched; pluggy 1.6 alone would fetch them."""
    path = tmp_path / "p.py"
    path.write_text(NET + "def __dir__(): return [*globals(), 'lazy']\ndef __getattr__(name): raise RuntimeError\n")

    assert load(path).statuses[-1].status == "active"


def test_two_files_of_one_name(tmp_path: Path) -> None:
    """Two files of one name are refused, since records tell files apart by name; one file given twice loads once."""
    first, second = tmp_path / "a" / "net.py", tmp_path / "b" / "net.py"
    for path in (first, second):
        path.parent.mkdir()
        path.write_text(NET)

    again = load_plugins(files=[first, tmp_path / "b" / ".." / "a" / "net.py"], only=[])
    with pytest.raises(PluginError) as caught:
        load_plugins(files=[first, second])

    assert [r.canonical for r in again.architectures].count("net.py/my-net@1") == 1
    assert str(caught.value) == (
        f"plugin files {first} and {second} have one name, by which records tell plugins apart; rename one"
    )


def test_worker_refuses_another_source(tmp_path: Path) -> None:
    """A source whose file name does not belong to its path is refused."""
    path = tmp_path / "my_net.py"
    path.write_text(NET)
    planned = load(path).architectures[-1]

    with pytest.raises(PluginError, match=r"^plugin file:my_net.py is my_net.py"):
        load_source(msgspec.structs.replace(planned.source, distribution="other.py"), planned.origin)
