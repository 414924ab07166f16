"""Where jobs run: here each in a process of its own on this machine."""
