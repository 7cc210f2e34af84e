"""Which way of using a pre-trained model wins on your data, how sure is that, what does it cost."""

import os

__version__ = "0.1.0"

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # before anything imports the hub's library
