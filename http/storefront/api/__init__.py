"""The REST API under `/api/v1`: typed requests and answers, one registry of operations, and the OpenAPI document made of it."""
