"""The API's description is valid and says what the application really does."""

import re

import msgspec
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from storefront.api.examples import ANSWERS, BODIES
from storefront.api.registry import OPERATIONS, PREFIX
from storefront.api.words import TAGS
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


async def document_of(shop):
    return await (await shop.browser().get("/openapi.json")).json()


async def test_subjects_come_in_order_each_with_a_sentence(shop):
    tags = (await document_of(shop))["tags"]
    assert [tag["name"] for tag in tags] == [tag for tag in TAGS if tag in {one["name"] for one in tags}]
    assert all(tag["description"].endswith(".") or tag["description"].endswith(").") for tag in tags)


async def test_every_operation_says_how_it_refuses(shop):
    document = await document_of(shop)
    for path, methods in document["paths"].items():
        for op in methods.values():
            refused = {status: answer for status, answer in op["responses"].items() if int(status) >= 400}
            assert {"429", "503"} <= set(refused), path
            assert ("404" in refused) or not op["parameters"] or op["parameters"][0]["in"] != "path"
            for answer in refused.values():
                shown = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
                assert set(shown["content"]) == {"application/problem+json"}
                assert "X-Request-Id" in shown["headers"]


async def test_who_may_call_is_said_with_known_schemes(shop):
    document = await document_of(shop)
    schemes = set(document["components"]["securitySchemes"])
    for methods in document["paths"].values():
        for op in methods.values():
            assert {name for one in op["security"] for name in one} <= schemes
            assert op["security"], op["operationId"]


@pytest.mark.parametrize(
    ("examples", "part"), [(BODIES, "body"), (ANSWERS, "answer")], ids=["bodies", "answers"]
)
def test_examples_fit_the_types_of_their_operations(examples, part):
    by_name = {op.name: op for op in OPERATIONS}
    for name, example in examples.items():
        msgspec.convert(example, getattr(by_name[name], part))


def test_lists_say_where_the_next_page_is():
    for op in OPERATIONS:
        if op.query is not None and "cursor" in op.query.__struct_fields__:
            assert "next" in op.answer.__origin__.__struct_fields__ or "next" in op.answer.__struct_fields__
