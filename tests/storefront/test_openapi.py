"""The API's description is valid and says what the application really does."""

import re

import msgspec
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from storefront.api.registry import OPERATIONS, PREFIX
from storefront.app import build_app


async def test_the_document_is_valid_openapi_3_1(shop):
    answer = await shop.browser().get("/openapi.json")
    document = await answer.json()
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


async def test_every_route_of_the_api_is_described_and_every_description_has_its_route(shop, services):
    document = await (await shop.browser().get("/openapi.json")).json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    served = {
        (route.method, route.resource.canonical)
        for route in build_app(services).router.routes()
        if isinstance(route, web.ResourceRoute) and route.resource.canonical.startswith("/api/")
        # What others send us has their shape, and is described by them.
        and not route.resource.canonical.startswith("/api/v1/webhooks/")
    }
    assert described == served
    assert len(served) > 25


async def test_operations_that_create_say_that_they_take_a_key(shop):
    document = await (await shop.browser().get("/openapi.json")).json()
    keyed = {
        op["operationId"]
        for methods in document["paths"].values()
        for op in methods.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in op["parameters"])
    }
    assert {"create_livestream", "create_product", "add_lot", "refund_order"} <= keyed


async def test_bounds_of_bodies_are_told(shop):
    schemas = (await (await shop.browser().get("/openapi.json")).json())["components"]["schemas"]
    assert schemas["NewProduct"]["properties"]["title"]["maxLength"] == 120
    assert schemas["NewProduct"]["additionalProperties"] is False
    assert set(schemas["NewProduct"]["required"]) == {"title", "price", "currency"}


async def test_answers_fit_the_shapes_that_are_described(shop):
    ana = await shop.person("Ana", "host")
    product = await shop.product(ana)
    answer = await (await shop.browser().get(f"/api/v1/products/{product.id}")).json()
    (op,) = [op for op in OPERATIONS if op.name == "one_product"]
    assert msgspec.convert(answer, op.answer).id == product.id
    document = await (await shop.browser().get("/openapi.json")).json()
    assert set(answer) == set(document["components"]["schemas"]["ProductDocument"]["properties"])


def test_path_parameters_are_named_like_in_the_protocol():
    assert {name for op in OPERATIONS for name in re.findall(r"{(\w+)}", PREFIX + op.path)} == {
        "id",
        "lot_id",
        "user_id",
    }
