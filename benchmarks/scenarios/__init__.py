"""What is measured: each module has `run(options) -> list[Point]`, and its docstring says the question."""
