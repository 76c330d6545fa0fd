"""Others who do the same two writes a run, as their own documentation says it is done."""
