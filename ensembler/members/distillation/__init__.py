"""Distillation: the teacher of a member, and the files of the teacher's predictions."""
