"""Which names, addresses and passwords are accepted, and which names are the same name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveserver.accounts.rules import (
    NAME_LENGTH_MAX,
    clean_email,
    clean_name,
    email_key,
    judge_password,
    name_key,
    tame_name,
)
from liveserver.kernel.errors import Rejected


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("Ana", "Ana"),
        ("  Ana   Lima ", "Ana Lima"),
        ("O'Neill-Smith Jr.", "O'Neill-Smith Jr."),
        ("ana_99", "ana_99"),
        ("李小龍", "李小龍"),
        ("Олена", "Олена"),
        ("मीरा", "मीरा"),
        ("Ａｎａ", "Ana"),  # full-width letters are the same letters
        ("Zoe\u0301", "Zoé"),  # one form for composed and decomposed
    ],
)
def test_people_may_be_called(given_name: str, shown: str):
    assert clean_name(given_name) == shown


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "bad_name"),
        ("A", "bad_name"),
        ("x" * 31, "bad_name"),
        ("x" * 100_000, "bad_name"),
        ("-._", "bad_name"),
        ("Ana<script>", "bad_name"),
        ("Ana\u202eanA", "bad_name"),  # turns the direction of what follows
        ("Ana\u200b", "bad_name"),  # zero width
        ("Ana\ufe0f", "bad_name"),  # variation selector: a letter's mark that nobody sees
        ("Ana\u3164", "bad_name"),  # a "letter" that looks like a space
        ("A\u0301\u0302\u0303\u0304na", "bad_name"),
        ("Аna", "bad_name"),  # Cyrillic А before Latin letters
        ("Ana\x00", "bad_name"),
        ("An\ud800a", "bad_name"),
        ("Ana😀", "bad_name"),
        ("admin", "name_reserved"),
        ("Live Server", "name_reserved"),
        ("SYSTEM", "name_reserved"),
        ("You", "name_reserved"),
    ],
)
def test_nobody_may_be_called(name: str, code: str):
    refused = clean_name(name)
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.detail["field"]) == (code, "name")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana B", "ana_b"),
        ("Ana B", "ＡＮＡＢ"),
        ("Straße", "STRASSE"),
        ("Ana-B.", "an'ab"),
        ("Éva", "e\u0301va"),
    ],
)
def test_the_same_name_written_otherwise(one: str, other: str):
    assert name_key(one) == name_key(other)


@given(st.text(max_size=60))
def test_an_accepted_name_stays_as_it_is_and_fits_its_column(text: str):
    name = clean_name(text)
    if isinstance(name, str):
        assert clean_name(name) == name
        assert 2 <= len(name) <= NAME_LENGTH_MAX
        assert 1 <= len(name_key(name)) <= 120
        name.encode()


@given(st.text(max_size=300))
def test_a_tamed_name_is_an_accepted_name(text: str):
    assert isinstance(clean_name(tame_name(text, "Viewer 1a2b")), str)


def test_names_of_the_embedding_app_lose_only_what_we_cannot_show():
    assert tame_name("Ana 🌸 Lima", "Viewer 1") == "Ana Lima"
    assert tame_name("🌸", "Viewer 1") == "Viewer 1"
    assert tame_name("admin", "Viewer 1") == "Viewer 1"


@pytest.mark.parametrize(
    "email", ["ana@example.com", " Ana.Lima+shop@mail.example.co.uk ", "o'neill@example.com"]
)
def test_addresses(email: str):
    assert clean_email(email) == email.strip()


@pytest.mark.parametrize(
    "email",
    ["", "ana", "ana@", "@example.com", "ana@example", "a b@example.com", "ana@exa\x00mple.com", "ana@@example.com",
     "ana@example..com", "ana@example.com\nBcc: x@example.com", "<ana@example.com>", "a" * 65 + "@example.com",
     "ana@" + "a." * 130 + "com", "ana@example.c\ud800m", "ana\u202e@example.com"],
)  # fmt: skip
def test_no_addresses(email: str):
    refused = clean_email(email)
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.detail) == ("bad_email", {"field": "email"})


def test_case_of_an_address_makes_no_other_person():
    assert email_key("Ana@Example.COM") == email_key("ana@example.com")


@pytest.mark.parametrize(
    "password",
    ["", "short", "123456789", "1234567890", "PASSWORD123", "aaaaaaaaaaaa", "ababababab", "abcdefghij", "9876543210",
     "ana.lima@example.com", "ana.lima2024", "x" * 257, "pass\ud800word-long"],
)  # fmt: skip
def test_weak_passwords(password: str):
    refused = judge_password(password, 10, "Ana", "ana.lima@example.com")
    assert refused is not None
    assert (refused.code, refused.detail) == ("weak_password", {"field": "password"})


@pytest.mark.parametrize("password", ["blue harvest 7", "πάντα-ρεῖ-κόσμος", "ananas and lime", "x9!k" * 60])
def test_good_passwords(password: str):
    assert judge_password(password, 10, "Ana", "ana@example.com") is None
