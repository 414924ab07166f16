"""Special numbers of folds. It is a module of its own because the folds load pandas."""

# The fold of a photo that is never held out.
NOT_HELD_OUT = -1
# The split that learns from all photos and holds none out: nothing can be scored on it.
ALL_PHOTOS = -1
