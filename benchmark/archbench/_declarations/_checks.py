"""Checks of the fields that all declarations share."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping

import msgspec

from archbench._declarations._options import Declared, convert_options, option_names
from archbench._errors import DeclarationError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check_declaration(item: Declared, what: str, target: object, target_name: str) -> None:
    """Check the fields that all declarations share, and the function or string that builds or loads.

    Raises:
        DeclarationError: a field does not fit.
    """
    check_name(what, item.name)
    check_target(f"{what} {item.name!r}: {target_name}", target)
    check_revision(f"{what} {item.name!r}", item.revision)
    _check_options(item, what)
    _check_expected_failures(item, what)


def check_name(what: str, name: object) -> None:
    """Check a name that users type.

    Raises:
        DeclarationError: it has other characters than allowed, or means everything.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DeclarationError(
            f"{what} name is {name!r}; use 1 to 64 lower-case letters, digits, '.', '_' and '-', "
            "starting with a letter or digit"
        )
    if name == "all":
        raise DeclarationError(f"{what} name is 'all', which is the selector for everything; choose another")


def check_revision(what: str, revision: object) -> None:
    """Check that a revision is 1, 2, 3 or higher.

    Raises:
        DeclarationError: it is not.
    """
    if type(revision) is not int or revision < 1:
        raise DeclarationError(f"{what}: revision is {revision!r}; use 1, 2, 3, ...")


def as_size(what: str, value: object) -> int:
    """Return a size as an int, given any whole number of at least 1.

    Raises:
        DeclarationError: it is no such number.
    """
    try:
        size = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        size = 0
    if size < 1:
        raise DeclarationError(f"{what} is {value!r}; it must be a whole number of at least 1")
    return size


def check_number(what: str, value: object) -> None:
    """Check that a value is a finite int or float, which JSON can hold.

    Raises:
        DeclarationError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DeclarationError(f"{what} is {value!r}; give a finite int or float")


def check_modules(what: str, modules: object) -> None:
    """Check that modules are a tuple of their names.

    Raises:
        DeclarationError: they are not.
    """
    if not isinstance(modules, tuple) or not all(isinstance(name, str) for name in modules):
        raise DeclarationError(f"{what} is {modules!r}; give a tuple of names, such as ('sklearn.datasets',)")


def check_target(what: str, target: object) -> None:
    """Check that a target is a function, or a string `"module:function"`.

    Raises:
        DeclarationError: it is neither.
    """
    if isinstance(target, str):
        if not re.fullmatch(r"[\w.]+:\w+", target):
            raise DeclarationError(f"{what} is {target!r}; write 'package.module:function'")
    elif not callable(target):
        raise DeclarationError(f"{what} must be a function or 'package.module:function'")


def check_files(what: str, files: object, kinds: tuple[type, ...]) -> None:
    """Check that files are a tuple of declarations of these kinds.

    Raises:
        DeclarationError: they are not.
    """
    if not isinstance(files, tuple) or not all(isinstance(file, kinds) for file in files):
        raise DeclarationError(f"{what}: files must be a tuple of {' and '.join(kind.__name__ for kind in kinds)}")


def check_margin(what: str, margin: object, *, chance: float, oracle: float) -> None:
    """Check that the smallest difference worth a decision, if there is one, lies within the range of scores.

    Raises:
        DeclarationError: it is no number, not positive, or not below the distance from chance to perfect.
    """
    if margin is None:
        return
    if isinstance(margin, bool) or not isinstance(margin, int | float) or not 0 < margin < abs(oracle - chance):
        raise DeclarationError(
            f"{what}: margin is {margin!r}; give a number above 0 and below {abs(oracle - chance):.6g}, the distance "
            "from chance to perfect, in the unit of the metric, or None"
        )


def check_factor(what: str, factor: object, metric: str, *, higher_is_better: bool) -> None:
    """Check that the smallest ratio worth a decision, if there is one, is a ratio of errors.

    Raises:
        DeclarationError: it is no number above 1, or the metric is no error.
    """
    if factor is None:
        return
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 < factor < math.inf:
        raise DeclarationError(f"{what}: factor is {factor!r}; give a number above 1, such as 1.25, or None")
    if higher_is_better:
        raise DeclarationError(
            f"{what}: factor is {factor:g}, but {metric} is no error, of which less is better; leave factor out"
        )


def _check_expected_failures(item: Declared, what: str) -> None:
    if not isinstance(item.expected_failures, Mapping):
        raise DeclarationError(f"{what} {item.name!r}: expected_failures must map codes to reasons")
    for code, reason in item.expected_failures.items():
        if not isinstance(reason, str) or not reason.strip():
            raise DeclarationError(
                f"{what} {item.name!r}: expected_failures has no reason for {code!r}; say in a sentence why it is right"
            )


def _check_options(item: Declared, what: str) -> None:
    if item.options is not None:
        parameters = getattr(item.options, "__dataclass_params__", None)
        if parameters is None or not parameters.frozen:
            raise DeclarationError(f"{what} {item.name!r}: options must be a dataclass with frozen=True")
    try:
        convert_options(item, {})
    except (msgspec.ValidationError, TypeError) as error:
        raise DeclarationError(f"{what} {item.name!r}: every option needs a valid default ({error})") from None
    for variant, values in item.variants.items():
        if not _NAME.fullmatch(variant) or variant == "all":
            raise DeclarationError(f"{what} {item.name!r}: {variant!r} is not a valid variant name")
        unknown = set(values) - set(option_names(item))
        if unknown:
            raise DeclarationError(f"{what} {item.name!r}: variant {variant!r} sets unknown options {sorted(unknown)}")
        try:
            convert_options(item, values)
        except msgspec.ValidationError as error:
            raise DeclarationError(f"{what} {item.name!r}: variant {variant!r} does not fit: {error}") from None
