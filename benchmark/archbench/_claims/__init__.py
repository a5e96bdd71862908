"""Claims: the hash of a rule, and the verdict that the records of a study allow."""
