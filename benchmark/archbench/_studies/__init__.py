"""Studies: the records that belong to a study, and what its analysis makes of them."""

from archbench._studies._data import StudyData as StudyData
