"""How networks predict: the choice of a runtime, and how speed is measured."""
