"""The version in use: swapped without a pause, with the routes and the facts that come with it."""
