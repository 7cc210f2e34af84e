import gc
import json
import shutil
import weakref

import numpy as np
import pytest

from harness.core.errors import HarnessError
from harness.models.room import ModelRoom


class Model:
    pass


def test_one_encoder_is_in_memory_at_a_time(tiny_encoder_folder, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        shutil.copytree(tiny_encoder_folder, folder)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"note": folder.name}))
    room = ModelRoom(tmp_path / "cache")
    before = room.encoder(str(first)).encode(["a text"]).values
    other = room.encoder(str(second))
    assert "_model" not in vars(room._encoders[room.resolved(str(first), "encoder").identity])
    assert np.array_equal(other.encode(["a text"]).values, before)
    assert room.encoder(str(first)).encode(["another"]).values.any(), "it loads again"
    assert room.texts_encoded == 3


def test_what_could_not_be_made_is_not_tried_again():
    tried = []

    def fail():
        model = Model()
        tried.append(weakref.ref(model))
        try:
            raise ValueError("no number")
        except ValueError:
            raise HarnessError("it diverged") from None

    room = ModelRoom()
    for _ in range(2):
        with pytest.raises(HarnessError, match="diverged"):
            room.once("key", fail)
    gc.collect()
    assert [one() for one in tried] == [None]
