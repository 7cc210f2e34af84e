import pytest

from harness.core.errors import HarnessError
from harness.models.room import ModelRoom


def test_what_could_not_be_made_is_not_tried_again():
    tried = []

    def fail():
        tried.append("once")
        raise HarnessError("it diverged")

    room = ModelRoom()
    for _ in range(2):
        with pytest.raises(HarnessError, match="diverged"):
            room.once("key", fail)
    assert tried == ["once"]
