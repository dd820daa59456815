"""Between a design and its code: a run of the one as a run of the other."""
