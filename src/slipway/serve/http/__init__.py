"""What a connection brings, whatever it is for: heads, bodies, what is noted of a request, refusals."""
