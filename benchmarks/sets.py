"""The single-label data sets that several benchmarks go over."""

SINGLE_LABEL = (
    "askubuntu_intents",
    "hint3_curekart",
    "hint3_sofmattress",
    "bitext_support",
    "banking77",
    "clinc150",
)
