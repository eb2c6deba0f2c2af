"""What a person is shown of a service: its front page, its documentation, a request to try."""
