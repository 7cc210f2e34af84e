import gc
import weakref

import pytest

from harness.core.errors import HarnessError
from harness.models.room import ModelRoom


class Model:
    pass


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
