"""Files that tasks need: where they lie, how they are downloaded, and whether they are the declared ones.

```
ARCHBENCH_DATA/mnist/train-labels-idx1-ubyte.gz           a file has its final name once its checksum was compared
ARCHBENCH_DATA/mnist/.train-labels-idx1-ubyte.gz.checked  notes the comparison, with the file's size and time
ARCHBENCH_DATA/cifar-10/unpacked/                         an unpacked archive, with a list of its members
ARCHBENCH_DATA/.partial/                                  unfinished downloads and unpackings
ARCHBENCH_DATA/.lock                                      held by the one process that prepares data
```

Only `benchmark data prepare` writes here, and nothing else in the suite opens a connection. Its module `_prepare` is
not imported here: every command imports this package, and only that verb needs the modules for HTTP and archives.
"""

from archbench._downloads._declared import LocalFolder as LocalFolder
from archbench._downloads._declared import RemoteFile as RemoteFile
from archbench._downloads._folder import cache_folder as cache_folder
from archbench._downloads._folder import data_folder as data_folder
from archbench._downloads._state import State as State
from archbench._downloads._state import deciding_paths as deciding_paths
from archbench._downloads._state import find_damage as find_damage
from archbench._downloads._state import missing as missing
from archbench._downloads._state import state as state

__all__ = [
    "LocalFolder",
    "RemoteFile",
    "State",
    "cache_folder",
    "data_folder",
    "deciding_paths",
    "find_damage",
    "missing",
    "state",
]
