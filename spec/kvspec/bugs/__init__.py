"""Known bugs, one file each: a design with one action overridden."""
