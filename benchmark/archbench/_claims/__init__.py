"""Claims: the hash of a rule, and the verdict that the records of a study allow."""

from archbench._claims._answers import Answers as Answers
from archbench._claims._answers import answer as answer
from archbench._claims._judging import Judgement as Judgement
from archbench._claims._judging import judge as judge
from archbench._claims._manifest import claims_without_study as claims_without_study
from archbench._claims._manifest import manifest as manifest
from archbench._claims._manifest import manifests as manifests
from archbench._claims._manifest import protocol_keys as protocol_keys
from archbench._claims._manifest import study_of as study_of
from archbench._claims._measuring import Measured as Measured
from archbench._claims._measuring import measure as measure
