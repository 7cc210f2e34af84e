"""Which way of using a pre-trained model wins on your data, how sure is that, what does it cost."""

__version__ = "0.1.0"
