"""Numbers of folds that are none. Apart from the folds, which load pandas."""

# The fold of a photo that is never held out.
NOT_HELD_OUT = -1
# The split that learns from all photos and holds none out: nothing can be scored on it.
ALL_PHOTOS = -1
