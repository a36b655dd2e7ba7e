"""The HTTP side: REST, pages, webhooks and the operator's endpoints, on aiohttp.

It holds no rules: those live in the domain packages of `liveserver`, which this package calls.
"""
