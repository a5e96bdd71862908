"""The errors that this package raises on purpose, as one tree, and the hints in their messages.

```
ArchbenchError            the root; the command line prints any of these as one line and exits with code 2
├── DeclarationError      a plugin declared an architecture, a task or a hook wrongly
├── ProtocolError         a protocol file has a wrong key or value, or two that contradict each other
├── SelectionError        a selector is malformed, or an option does not exist or has a wrong value
│   └── UnknownNameError  a name or pattern matches nothing
├── IncompatibleError     the chosen architecture cannot run on the chosen task
├── PluginError           a plugin that was asked for cannot be loaded, or two plugins claim one name
├── RecordError           a record cannot be read, or was written by a newer version
├── StoreError            the output folder cannot be written, or another run is writing to it
├── DataError             files that a task needs, or people's own files, are missing or cannot be used
└── DeviceError           the device asked for is not on this machine
```

Every message says what was given, what is allowed and what to do next. The two functions at the end of this module
write the "did you mean" of messages about unknown names.
"""

from __future__ import annotations

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
    """Raised when a record cannot be read: torn, edited by hand, or written by a newer version."""


class StoreError(ArchbenchError):
    """Raised when the output folder cannot be used: not writable, or in use by another run."""


class DataError(ArchbenchError):
    """Raised when files that a task needs, or people's own files, are missing, unreadable or changed."""


class DeviceError(ArchbenchError):
    """Raised when the device asked for is not on this machine."""


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the known name nearest to a misspelt one; empty if none is close."""
    import difflib  # only messages about mistakes need it

    return next(iter(difflib.get_close_matches(given, list(known), n=1)), "")


def did_you_mean(given: str, known: Iterable[str], *, otherwise: str) -> str:
    """Return the end of an error message about an unknown name: the nearest known name, or `otherwise`."""
    near = nearest(given, known)
    return f"did you mean {near!r}?" if near else otherwise
