"""The servers that are compared, one module each; `model` says what such a module provides."""
