import os
import platform
import subprocess
import sys

import pytest

from harness.models import device
from harness.models.device import compute_threads, default_dtype, numerics


@pytest.mark.parametrize(("wanted", "threads"), [("1", 1), (" 3 ", 3), ("17", 17)])
def test_threads_wanted(wanted, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert compute_threads() == threads


@pytest.mark.parametrize("wanted", ["", "0", "-2", "many", "2,1"])
def test_what_is_no_number_of_threads_means_the_cores(wanted, monkeypatch):
    monkeypatch.setattr(device, "_physical_cores", lambda: 7)
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert compute_threads() == 7


@pytest.mark.skipif(sys.platform != "linux", reason="counts cores through the kernel's files")
def test_two_hardware_threads_of_a_core_count_once(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(device, "_siblings", lambda cpu: f"{cpu % 2},{cpu % 2 + 2}")
    assert compute_threads() == 2
    monkeypatch.setattr(device, "_siblings", str)
    assert compute_threads() == 4


@pytest.mark.parametrize("wanted", ["1", "5", None])
def test_torch_computes_with_the_threads_that_are_named(wanted):
    """5 where there are 2 cores is what torch by itself would cut to 2."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    if wanted:
        environment["OMP_NUM_THREADS"] = wanted
    code = (
        "import sys\n"
        "from harness.models import device\n"
        "named = device.numerics().get('threads', device.compute_threads())\n"
        "device.use_threads()\n"
        "import torch\n"
        "print(named, torch.get_num_threads())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    named, used = done.stdout.split()
    assert named == used == (wanted or used), done.stderr


def test_numerics_names_threads_only_where_they_count(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(device, "choose_device", lambda: "cpu")
    on_cpu = numerics()
    assert on_cpu.keys() == {
        "device", "dtype", "torch", "transformers", "tokenizers", "threads", "instructions",
        "linear",
    }  # fmt: skip
    assert on_cpu["threads"] == 3
    monkeypatch.setattr(device, "choose_device", lambda: "cuda")
    monkeypatch.setattr(device, "card_name", lambda: "a card")
    assert numerics() == {
        **{
            name: on_cpu[name]
            for name in on_cpu
            if name not in ("threads", "instructions", "linear")
        },
        "device": "cuda",
        "card": "a card",
    }


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names other processors otherwise")
@pytest.mark.parametrize("chosen", ["", "avx2"])
def test_the_instructions_named_are_those_torch_uses(chosen):
    code = (
        "from harness.models.device import vector_instructions\n"
        "named = vector_instructions()\n"
        "import torch\n"
        "print(named, torch.backends.cpu.get_cpu_capability())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "ATEN_CPU_CAPABILITY": chosen} if chosen else None,
    )
    named, used = done.stdout.split()
    if used == "DEFAULT":
        pytest.skip("this processor has neither AVX2 nor AVX-512")
    assert named.upper().removesuffix("F") == used, done.stderr


def test_float32_everywhere():
    assert {default_dtype(name) for name in ("cpu", "cuda", "mps")} == {"float32"}


def test_the_device_is_one_that_torch_can_use():
    import torch

    assert torch.zeros(1, device=device.choose_device()).sum().item() == 0


def test_numerics_name_the_format_of_training_where_it_is_another(monkeypatch):
    import torch

    monkeypatch.setattr(device, "choose_device", lambda: "cuda")
    monkeypatch.setattr(device, "card_name", lambda: "a card")
    for supported in (True, False):
        device.half_precision.cache_clear()
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda supported=supported, **_: supported
        )
        assert ("training" in numerics()) is supported
    device.half_precision.cache_clear()
