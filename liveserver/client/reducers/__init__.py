"""One reducer a feature: `reduce(state, event)` brings its part of a snapshot up to date. They call nothing outside."""
