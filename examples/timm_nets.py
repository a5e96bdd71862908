"""Two networks of the timm collection, as a one-file plugin: `benchmark check examples/timm_nets.py`."""

import archbench

NETS = {"timm-resnet10t": "resnet10t", "timm-mobilenetv3": "mobilenetv3_small_050"}


def builder(model: str):
    """Return the `build` function for a model of timm."""

    def build(task, options):
        import timm  # torch comes with it, so it is imported only here

        return timm.create_model(model, in_chans=task.input_shape[0], num_classes=task.outputs)

    return build


@archbench.hookimpl
def archbench_architectures():
    """Register every model under a name that begins with `timm`."""
    for name, model in NETS.items():
        yield archbench.Architecture(name=name, build=builder(model), inputs=("image",), summary=f"{model} of timm")
