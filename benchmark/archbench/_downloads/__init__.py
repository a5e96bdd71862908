"""Files that tasks need: where they lie, how they get there, whether they are what was declared.

```
ARCHBENCH_DATA/mnist/train-labels-idx1-ubyte.gz           a file under its final name has had its checksum compared
ARCHBENCH_DATA/mnist/.train-labels-idx1-ubyte.gz.checked  says so, with the size and time of what was compared
ARCHBENCH_DATA/cifar-10/unpacked/                         what was in an archive, with a list of its members
ARCHBENCH_DATA/.partial/                                  begun downloads and what is being unpacked
ARCHBENCH_DATA/.lock                                      held by the one process that prepares data
```

Only `benchmark data prepare` writes here, and nothing else in the suite opens a connection; what it needs for that,
`_prepare`, is not imported from here, as every command imports this.
"""

from archbench._downloads._declared import LocalFolder as LocalFolder
from archbench._downloads._declared import RemoteFile as RemoteFile
from archbench._downloads._folder import data_folder as data_folder
from archbench._downloads._state import State as State
from archbench._downloads._state import find_damage as find_damage
from archbench._downloads._state import missing as missing
from archbench._downloads._state import state as state

__all__ = [
    "LocalFolder",
    "RemoteFile",
    "State",
    "data_folder",
    "find_damage",
    "missing",
    "state",
]
