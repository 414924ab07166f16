"""Want of memory, told from other errors."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether a step failed for want of the device's memory, in the words of TensorFlow, XLA or PyTorch."""
    if type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
        return True
    words = str(error)
    return "RESOURCE_EXHAUSTED" in words or "out of memory" in words.lower()
