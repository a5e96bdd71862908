"""`python -m archbench._execution.profiler FILE`: make the profile that is asked for on standard input, a line of JSON.

The answer is written to FILE. Standard input then stays open for as long as the parent lives; when it closes, this
process ends itself.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec

from archbench._errors import DeviceError
from archbench._execution._capacity import Capacity, share_devices
from archbench._planning import Device
from archbench._planning._profile import Profile, ProfileFailure, ProfileRequest


def main() -> None:
    """Answer one request in this process."""
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=ProfileRequest)
    faulthandler.enable()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(_answer(request)))
    sys.stdout.flush()
    os._exit(0)  # the thread waits for the parent, and strangers' code at the exit is not worth waiting for


def _answer(request: ProfileRequest) -> Profile | ProfileFailure:
    from archbench._training._profile import profile_trial

    try:
        device = _choose_device(request)
    except DeviceError as error:
        return ProfileFailure(message=str(error), no_device=True)
    job = msgspec.structs.replace(request.job, device=device)
    return profile_trial(msgspec.structs.replace(request, job=job))


def _choose_device(request: ProfileRequest) -> Device:
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    capacity = Capacity(preloaded=False, parent_threads=1, gpus=gpus)
    device, *_ = share_devices(capacity, device=request.device, workers=None)
    return device if request.threads is None else msgspec.structs.replace(device, threads=request.threads)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
