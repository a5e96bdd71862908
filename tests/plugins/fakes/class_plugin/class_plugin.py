"""A plugin that is a class; the suite makes the instance."""

import archbench


class Plugin:
    """A plugin whose hooks are methods."""

    @archbench.hookimpl
    def archbench_architectures(self):
        """Register one network."""
        yield archbench.Architecture(name="method-net", build=self.build, inputs=("image",))

    @staticmethod
    def build(task, options):
        """Never called here."""
