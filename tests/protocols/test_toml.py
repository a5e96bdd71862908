"""Protocols that people write in TOML: inheritance, messages about mistakes, identity."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from archbench._errors import ProtocolError
from archbench._protocols import Probes, Protocol, Recipe, Tuning, find_protocol, protocols
from archbench._protocols._toml import NOT_IN_FILES, SET_BY_PROTOCOL, get_protocol, read_protocol
from archbench.cli._app import VERBS, make_app

PAGE = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text()


def read(tmp_path: Path, text: str) -> Protocol:
    """Return the protocol in a file with this text."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return read_protocol(path)


def test_extends_a_built_in(tmp_path: Path) -> None:
    """Settings that the file leaves out are inherited, inside tables too."""
    mine = read(tmp_path, 'name = "mine"\nextends = "quick"\nsteps = 70\n[recipe]\nlearning_rate = 0.5\n')
    quick = find_protocol("quick")
    house = quick.recipe

    assert isinstance(house, Recipe)
    assert mine == msgspec.structs.replace(
        quick,
        name="mine",
        revision=2,  # of the rules that hold for every protocol
        summary="",
        steps={"image": 70, "sequence": 70, "tokens": 70},
        recipe=msgspec.structs.replace(house, learning_rate=0.5),
    )


def test_a_house_recipe_has_a_batch_size() -> None:
    """A protocol with one recipe for all says how large a batch is."""
    with pytest.raises(ValueError, match="batch_size must be given with a house recipe"):
        Protocol(name="mine", epochs=1.0, batch_size=None)


def test_one_budget_replaces_another(tmp_path: Path) -> None:
    """A budget in seconds or epochs replaces the inherited steps."""
    by_clock = read(tmp_path, 'name = "clock"\nextends = "quick"\nseconds = 2.5\n')
    by_epochs = read(tmp_path, 'name = "epochs"\nextends = "quick"\nepochs = 3\n')

    assert (by_clock.steps, by_clock.seconds, by_clock.budget()) == (None, 2.5, "2.5 s of training")
    assert (by_epochs.steps, by_epochs.epochs, by_epochs.budget()) == (None, 3, "3 epochs")


def test_own_recipe_and_tuning_in_a_file(tmp_path: Path) -> None:
    """A file may choose the own recipe, which has its own batch size, or another way of tuning."""
    own = read(tmp_path, 'name = "own-quick"\nextends = "quick"\nrecipe = "own"\n')
    searched = read(tmp_path, 'name = "searched"\nextends = "standard"\n[tuning]\ntrials = 5\nseeds = 2\n')

    assert (own.track, own.batch_size, own.steps) == ("own recipe", None, find_protocol("quick").steps)
    assert searched.tuning == Tuning(trials=5, seeds=2)
    assert searched.tuning_cost == 10


QUICK = 'name = "mine"\nextends = "quick"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('extends = "quick"', "name is None"),
        ('name = "Mine!"', "lower-case letters"),
        ('name = "quick"', "which is built in"),
        ('name = "mine"\nextends = "quik"', "did you mean 'quick'"),
        ('name = "mine"\nextends = 3', "extends is 3"),
        ('name = "mine"', "given: none"),
        (QUICK + "step = 3", "unknown key 'step'; did you mean 'steps'"),
        (QUICK + "revision = 3", "unknown key 'revision'"),
        (QUICK + "[recipe]\nclip_nrm = 1", "unknown key 'recipe.clip_nrm'; did you mean 'recipe.clip_norm'"),
        (QUICK + "[recipe]\nbatch_size = 1", "unknown key 'recipe.batch_size'"),
        (QUICK + 'seeds = "3"', 'seeds is "3"; give a whole number;'),
        (QUICK + "seeds = 0", "seeds is 0; give a whole number >= 1;"),
        (
            QUICK + "steps = 0",
            "steps is 0; give a whole number >= 1, or a table of one each for image, sequence and tokens;",
        ),
        (QUICK + 'steps = "many"', 'steps is "many"; give a whole number >= 1, or a table'),
        (QUICK + "steps = {image = 3, sequence = 0, tokens = 3}", '"sequence":0'),
        (QUICK + "stop_at_target = 1", "stop_at_target is 1; give true or false;"),
        (QUICK + "steps = {image = 3}", "image, sequence and tokens; given for: image"),
        (QUICK + "epochs = inf", "epochs is inf; give a finite number"),
        (QUICK + "steps = 3\nseconds = 3", "given: steps and seconds"),
        (QUICK + 'recipe = "theirs"', "recipe is 'theirs'"),
        (QUICK + "[[recipe]]\nwarmup = 0", "recipe is [{'warmup': 0}]; give 'own', or a table"),
        (QUICK + 'recipe = "own"\nbatch_size = 4', "batch_size must be given with a house recipe"),
        (QUICK + "[recipe]\nlearning_rate = -1", "recipe.learning_rate is -1; give a number > 0.0;"),
        (
            QUICK + '[recipe]\noptimizer = "lion"',
            'optimizer is "lion"; give one of sgd, nesterov, adam, adamw, rmsprop;',
        ),
        (QUICK + "[recipe]\nbetas = [0.9]", "recipe.betas is [0.9]; give a list of length 2;"),
        (QUICK + "[recipe]\nbetas = [0.9, 1.0]", "recipe.betas[1] is 1.0; give a number < 1.0;"),
        (QUICK + '[recipe]\noptimizer = "sgd"\nbetas = [0.9, 0.99]', "recipe.betas is [0.9, 0.99], and sgd has none"),
        (QUICK + "[recipe]\ndecay = 0.5", "recipe.decay is 0.5, and there are no milestones"),
        (QUICK + "[recipe]\nwarmup = 0\nwarmup_rate = 0.1", "recipe.warmup_rate is 0.1, and warmup is 0"),
        (QUICK + "[recipe]\nmomentum = 0.9", "momentum is 0.9, and adamw has none"),
        (QUICK + '[recipe]\noptimizer = "nesterov"', "needs a momentum"),
        (QUICK + "[recipe]\nmilestones = [0.7, 0.5]", "rising order"),
        (QUICK + "[tuning]\nrates = [0.1]\ntrials = 3", "either rates or trials"),
        (QUICK + "[tuning]\nrates = [0.1, 0.1]", "give each once"),
        ("name =", "is not a TOML file"),
    ],
)
def test_mistakes_are_named(text: str, words: str, tmp_path: Path) -> None:
    """Each mistake has a one-line message with the file, the key and what is allowed."""
    with pytest.raises(ProtocolError, match=re.escape(words)) as caught:
        read(tmp_path, text)

    assert str(caught.value).startswith(str(tmp_path / "mine.toml"))
    assert "\n" not in str(caught.value)


def test_byte_order_mark(tmp_path: Path) -> None:
    """A byte order mark at the start of the file, as Windows editors write it, changes nothing."""
    assert read(tmp_path, "\ufeff" + QUICK) == read(tmp_path, QUICK)


def test_a_missing_file(tmp_path: Path) -> None:
    """A missing file is an error about the file; its path is not taken for the name of a protocol."""
    with pytest.raises(ProtocolError, match=r"cannot read the protocol file .*none.toml: No such file"):
        get_protocol(str(tmp_path / "none.toml"))


def test_a_protocol_is_its_content(tmp_path: Path) -> None:
    """Equal content in another file is the same protocol; another rule makes another, a time limit does not."""
    (tmp_path / "there").mkdir()
    first, moved = read(tmp_path, QUICK), read(tmp_path / "there", QUICK)
    patient = read(tmp_path, QUICK + "timeout = 9.0\nseeds = 9\nsummary = 'x'")
    others = [
        read(tmp_path, QUICK + line)
        for line in ("steps = 3", "augment = true", "stop_at_target = true", "[tuning]\ntrials = 2")
    ]

    assert first.identity() == moved.identity() == patient.identity()
    assert len({msgspec.json.encode(protocol.identity()) for protocol in [first, *others]}) == 5


def test_built_in_protocols_are_comparable() -> None:
    """Every built-in protocol has its own name; only standard and paper augment the data."""
    known = {protocol.name: protocol for protocol in protocols()}

    assert list(known) == ["smoke", "quick", "standard", "paper"]
    assert [protocol.augment for protocol in known.values()] == [False, False, True, True]
    assert known["standard"].seeds == 5
    assert known["standard"].tuning_cost == 4
    assert known["paper"].track == "own recipe"


def test_example_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example in docs/protocols.md is a protocol, `show` prints it, and the page explains every key there is."""
    (example,) = re.findall(r"```toml\n# mine.toml\n(.*?)```", PAGE, re.S)
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(example)
    shown = CliRunner().invoke(make_app(VERBS), ["show", "./mine.toml", "--json"])

    assert shown.exit_code == 0
    assert msgspec.json.decode(shown.stdout)["name"] == get_protocol("mine.toml").name
    explained = set(re.findall(r"^\| `([a-z_.]+)`", PAGE, re.M))
    keys = {"extends", *Protocol.__struct_fields__} - {"recipe", "tuning", *NOT_IN_FILES}
    keys |= {f"recipe.{name}" for name in Recipe.__struct_fields__ if name not in SET_BY_PROTOCOL}
    keys |= {f"tuning.{name}" for name in Tuning.__struct_fields__}
    assert keys <= explained


def test_what_a_protocol_leaves_out() -> None:
    """Without other settings there are three seeds, ten validations, an hour for a trial, and no tuning."""
    rules = Protocol(name="mine", epochs=1.0, batch_size=32)

    assert (rules.seeds, rules.validations, rules.timeout, rules.tuning_cost) == (3, 10, 3600.0, 0)


@pytest.mark.parametrize(("at", "fits"), [((0.0, 1.0), True), ((1.0,), True), ((0.0, 0.5), False)])
def test_probes_of_a_budget_in_seconds(at: tuple[float, ...], fits: bool) -> None:
    """Where the number of steps is not known ahead, probes measure before the first and after the last one only."""
    with contextlib.nullcontext() if fits else pytest.raises(ValueError, match="at 0 and 1 only"):
        Protocol(name="mine", seconds=5.0, batch_size=32, probes=Probes(measure=("gradient",), at=at))
