"""Claims: the hash of a rule, and the verdict that the records of a study allow."""

from archbench._claims._manifest import manifest as manifest
from archbench._claims._manifest import manifests as manifests
from archbench._claims._manifest import study_of as study_of
