"""One module for each kind of page: read, call one service, answer."""
