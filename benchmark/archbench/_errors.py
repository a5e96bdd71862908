"""The errors that this package raises on purpose, as one tree, and the hints in their messages.

```
ArchbenchError            the root; the command line prints any of these as one line and exits with code 2
├── DeclarationError      a plugin declared an architecture, a task or a hook wrongly
├── ProtocolError         a protocol file has a wrong key or value, or two that contradict each other
├── SelectionError        a selector is malformed, or an option does not exist or has a wrong value
│   └── UnknownNameError  a name or pattern matches nothing
├── IncompatibleError     the chosen architecture cannot run on the chosen task
├── PluginError           a plugin that was asked for cannot be loaded, or two plugins claim one name
├── RecordError           a record or network that was asked for is missing, damaged, or of a newer version
├── StoreError            the output folder cannot be written, or another run is writing to it
├── DataError             files that a task needs, or people's own files, are missing or cannot be used
├── DeviceError           the device asked for is not on this machine
└── ClusterError          the cluster asked for cannot be used, or its nodes differ from this machine
```

Every message says what was given, what is allowed and what to do next. An argument is called `max_seeds` in it, and the
command line says `--max-seeds` instead. The functions at the end of this module write the "did you mean" of messages
about unknown names, and what is allowed in place of a wrong value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


class ArchbenchError(Exception):
    """The root of all errors that this package raises on purpose."""


class DeclarationError(ArchbenchError):
    """Raised when a plugin declares an architecture, a task or a hook in a way that cannot work."""


class ProtocolError(ArchbenchError):
    """Raised when a protocol file cannot be read, or has an unknown key or a value that is not allowed."""


class SelectionError(ArchbenchError):
    """Raised when a selector is malformed, matches nothing, or sets an option that does not exist or fit."""


class UnknownNameError(SelectionError):
    """Raised when a name or pattern matches nothing that is registered."""


class IncompatibleError(ArchbenchError):
    """Raised when the chosen architecture cannot run on the chosen task."""


class PluginError(ArchbenchError):
    """Raised when a plugin that was asked for cannot be loaded, or when two plugins claim one name."""


class RecordError(ArchbenchError):
    """Raised when a record or a kept network that was asked for is not there, damaged, or of a newer version."""


class StoreError(ArchbenchError):
    """Raised when the output folder cannot be used: not writable, or in use by another run."""


class DataError(ArchbenchError):
    """Raised when files that a task needs, or people's own files, are missing, unreadable or changed."""


class DeviceError(ArchbenchError):
    """Raised when the device asked for is not on this machine."""


class ClusterError(ArchbenchError):
    """Raised when Ray or SLURM is not there, a node lacks what a run needs, or every node is lost."""


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the known name nearest to a misspelt one; empty if none is close.

    Close are names that share three quarters of their letters in order, have one letter replaced, or letters swapped:
    `test` is no slip of the pen for `resnet`.
    """
    import difflib  # only messages about mistakes need it

    names = difflib.get_close_matches(given, list(known), n=3)
    close = (name for name in names if difflib.SequenceMatcher(None, name, given).ratio() >= 0.75)
    slips = (name for name in names if _is_slip(given, name))
    return next(close, next(slips, ""))


def _is_slip(given: str, name: str) -> bool:
    """Return whether a name differs from another by one letter, or by the order of its letters."""
    if len(given) != len(name):
        return False
    replaced = sum(one != other for one, other in zip(given, name, strict=True))
    return replaced == 1 or sorted(given) == sorted(name)


def did_you_mean(given: str, known: Iterable[str], *, otherwise: str) -> str:
    """Return the end of an error message about an unknown name: the nearest known name, or `otherwise`."""
    near = nearest(given, known)
    return f"did you mean {near!r}?" if near else otherwise


KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "array": "a list",
    "object": "a table",
}
"""Names of kinds of values: as msgspec writes them, and as people do."""


def allowed_words(fault: str) -> str:
    """Return what msgspec's text about a fault says is allowed, in words; empty if it names no kind of value."""
    expected = re.match(r"Expected `(?P<kinds>[^`]+)`(?P<rule>[^,]*)", fault)
    if expected is None:
        return ""
    kinds = [KINDS.get(kind, kind) for kind in expected["kinds"].split(" | ") if kind != "null"]
    return f"{' or '.join(kinds)}{expected['rule']}"
