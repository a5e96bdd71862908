"""`benchmark doctor`: look at everything that a run needs, and say what to mend."""

from __future__ import annotations

import sys

from archbench.cli._options import DEFAULT_OUT, Blocked, DeviceName, Json, Out, PluginFiles, load
from archbench.cli._output import print_json


def doctor(
    out: Out = DEFAULT_OUT,
    device: DeviceName = "auto",
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Look at versions, folders, devices, memory and plugins, train one step, and say what to mend. Keeps nothing."""
    from archbench._suite._doctor import examine

    symptoms = []
    for symptom in examine(load(plugin, no_plugin), out, device):
        symptoms.append(symptom)
        if not json:
            print(f"{symptom.state:<8} {symptom.about}: {symptom.found}", flush=True)
            if symptom.advice:
                print(f"{'':<8} -> {symptom.advice}", flush=True)
    healthy = all(symptom.state != "problem" for symptom in symptoms)
    if json:
        print_json({"healthy": healthy, "symptoms": symptoms})
    elif healthy:
        print("\nRuns work here.")
    else:
        print("\nRuns do not work here yet; mend the problems above, the first one first.")
    sys.exit(0 if healthy else 1)
