"""Files of the stage `pre` take nothing away: the release before goes on working on the tables while nodes are replaced."""

import re

import pytest

from liveserver.infra.migrations import known_migrations

ALLOWED = {
    (
        "0016_payouts",
        "ALTER TABLE ledger_balances ADD CONSTRAINT ledger_sellers_money_is_not_overdrawn CHECK (account <> '' OR balance >= 0)",
    ): "about an account that no release before posts to",
    (
        "0007_recording",
        "ALTER TABLE facts DROP CONSTRAINT facts_show_fkey",
    ): "one check less: whoever wrote facts before may go on writing them",
}
"""What a `pre` file does in spite of the rules, and why no release beside it minds."""

_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
_CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
_TAKES_AWAY = {
    "drops": re.compile(r"^DROP\b|^ALTER\b.*\bDROP\b", re.IGNORECASE),
    "renames": re.compile(r"^ALTER\b.*\bRENAME\b", re.IGNORECASE),
    "demands a value": re.compile(r"\bSET NOT NULL\b", re.IGNORECASE),
    "changes a type": re.compile(r"^ALTER\b.*\bALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE\b", re.IGNORECASE),
    "removes rows": re.compile(r"^(?:TRUNCATE|DELETE)\b", re.IGNORECASE),
    "adds a column that older releases do not fill": re.compile(
        r"^ALTER\b.*\bADD (?:COLUMN )?(?!CONSTRAINT)\w+ (?:(?!,|\bDEFAULT\b|\bGENERATED\b).)*\bNOT NULL\b(?!(?:(?!,).)*\b(?:DEFAULT|GENERATED)\b)",
        re.IGNORECASE,
    ),
}
_TIGHTENS = re.compile(
    r"^ALTER TABLE (?:ONLY )?(\w+) .*\bADD (?:CONSTRAINT|CHECK|UNIQUE|PRIMARY KEY|FOREIGN KEY|EXCLUDE)\b|^CREATE UNIQUE INDEX .* ON (?:ONLY )?(\w+)",
    re.IGNORECASE,
)


def statements(sql: str) -> list[str]:
    """Each in one line, without comments, strings and function bodies."""
    bare = _NOISE.sub(lambda found: "''" if found.group().startswith("'") else " ", sql)
    return [" ".join(each.split()) for each in bare.split(";") if each.strip()]


def taken_away(sql: str) -> list[tuple[str, str]]:
    """Statements that an older release beside could not live with, each with what it does."""
    own = {name.lower() for name in _CREATED.findall(sql)}
    found: list[tuple[str, str]] = []
    for statement in statements(sql):
        found += [(statement, does) for does, pattern in _TAKES_AWAY.items() if pattern.search(statement)]
        tightens = _TIGHTENS.search(statement)
        if tightens and (tightens[1] or tightens[2]).lower() not in own:
            found.append((statement, "refuses rows that older releases may write"))
    return found


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE people;",
        "ALTER TABLE people DROP COLUMN name;",
        "ALTER TABLE people RENAME COLUMN name TO full_name;",
        "alter table people alter column name set not null;",
        "ALTER TABLE people ALTER age TYPE bigint;",
        "ALTER TABLE people ALTER COLUMN age SET DATA TYPE bigint;",
        "ALTER TABLE people ADD COLUMN age int NOT NULL;",
        "ALTER TABLE people ADD COLUMN age int NOT NULL, ADD COLUMN size int DEFAULT 1;",
        "ALTER TABLE people ADD CONSTRAINT grown CHECK (age > 17);",
        "CREATE UNIQUE INDEX people_name ON people (name);",
        "DELETE FROM people;",
    ],
)
def test_the_rules_find(statement: str):
    assert taken_away(statement)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL); CREATE UNIQUE INDEX people_name ON people (name);",
        "ALTER TABLE people ADD COLUMN age int;",
        "ALTER TABLE people ADD COLUMN age int NOT NULL DEFAULT 0, ADD COLUMN size int;",
        "ALTER TABLE people ADD COLUMN age int DEFAULT 0 NOT NULL;",
        "-- DROP TABLE people;\nCREATE INDEX people_age ON people (age);",
        "COMMENT ON COLUMN people.name IS 'we DROP nothing; DROP TABLE people';",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM people; END $$;",
    ],
)
def test_the_rules_let_pass(sql: str):
    assert taken_away(sql) == []


def test_pre_files_only_add():
    found = [
        (migration.title, statement, does)
        for migration in known_migrations()
        if migration.stage == "pre"
        for statement, does in taken_away(migration.sql)
        if (migration.title, statement) not in ALLOWED
    ]
    assert found == [], "make it a post file (-- stage: post), or say in ALLOWED why no older release minds"


def test_every_exception_is_still_there():
    present = {
        (migration.title, statement)
        for migration in known_migrations()
        for statement in statements(migration.sql)
    }
    assert ALLOWED.keys() <= present
