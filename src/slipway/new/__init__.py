"""A table, or the name of an example, in; a whole working project out."""
