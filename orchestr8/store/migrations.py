"""From each older layout to the next, a step each; all of them run in one transaction.

A step is never changed once it was released: it names the tables as they were then.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from orchestr8.store.chain import RESULT, Entry, append_rows


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Brings a database of an older layout to the newest, within the caller's transaction."""
    while version in STEPS:
        STEPS[version](connection)
        version += 1


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Statement by statement, since `executescript` would end the transaction."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


def _from_1(connection: sqlite3.Connection) -> None:
    """Revisions say what made them; intents and their results become the journal's first rows."""
    run_script(connection, _TABLES_OF_2)
    intents = {
        row[0]: row
        for row in connection.execute(
            "SELECT number, at_ms, actor, call, subject, cause, ended_ms, result FROM intents"
        )
    }
    order = [(at_ms, False, number) for number, at_ms, *_ in intents.values()]
    order += [(max(row[1], row[6]), True, number) for number, row in intents.items() if row[7]]
    (installation,) = connection.execute(
        "SELECT value FROM meta WHERE key='installation'"
    ).fetchone()
    numbers: dict[int, int] = {}
    for _, is_result, number in sorted(order):
        _, at_ms, actor, call, subject, cause, ended_ms, result = intents[number]
        if is_result:
            entry = Entry(ended_ms, actor, RESULT, subject, "", result, numbers[number])
            append_rows(connection, [entry], installation)
        else:
            entry = Entry(at_ms, actor, _WORDS_OF_1.get(call, call), subject, cause)
            (numbers[number],) = append_rows(connection, [entry], installation)
    connection.execute("DROP TABLE intents")


_WORDS_OF_1 = {
    "CreateBox": "create",
    "StartBox": "start",
    "StopBox": "stop",
    "RemoveBox": "remove",
    "EnsureVolume": "make volume",
}

_TABLES_OF_2 = """
ALTER TABLE revisions RENAME TO revisions_of_1;
CREATE TABLE revisions (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    verb TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', commit_id TEXT NOT NULL DEFAULT '',
    repeats INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, live INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (set_name, number));
INSERT INTO revisions(set_name, number, at_ms, actor, verb, status, live)
    SELECT set_name, number, at_ms, actor, 'apply', status, live FROM revisions_of_1;
DROP TABLE revisions_of_1;
CREATE TABLE pins (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, reference TEXT NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (set_name, number, reference));
CREATE TABLE strict (
    owner TEXT NOT NULL, service TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (owner, service));
INSERT INTO strict SELECT owner, service, 1 FROM services;
CREATE TABLE holds (
    owner TEXT NOT NULL, service TEXT NOT NULL, until_ms INTEGER NOT NULL, reason TEXT NOT NULL,
    actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, service));
CREATE TABLE overrides (
    owner TEXT NOT NULL, service TEXT NOT NULL, path TEXT NOT NULL, value TEXT NOT NULL,
    manifest_value TEXT NOT NULL, actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, service, path));
CREATE TABLE homes (
    kind TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, set_name TEXT NOT NULL,
    PRIMARY KEY (kind, owner, name));
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, cause TEXT NOT NULL, result TEXT NOT NULL,
    intent INTEGER NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
"""


def _from_2(connection: sqlite3.Connection) -> None:
    """Sources are remembered, and the commits that counted."""
    run_script(connection, _TABLES_OF_3)


_TABLES_OF_3 = """
CREATE TABLE sources (
    name TEXT PRIMARY KEY, looked_ms INTEGER NOT NULL, seen TEXT NOT NULL, state TEXT NOT NULL,
    problems TEXT NOT NULL, good TEXT NOT NULL, start TEXT NOT NULL, good_ms INTEGER NOT NULL);
CREATE TABLE commits (
    source TEXT NOT NULL, id TEXT NOT NULL, author TEXT NOT NULL, author_ms INTEGER NOT NULL,
    committer TEXT NOT NULL, subject TEXT NOT NULL, signer TEXT NOT NULL,
    judged_ms INTEGER NOT NULL,
    PRIMARY KEY (source, id));
"""


def _from_3(connection: sqlite3.Connection) -> None:
    """Alarms are remembered, and tokens."""
    run_script(connection, _TABLES_OF_4)


_TABLES_OF_4 = """
CREATE TABLE alarms (
    owner TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, what TEXT NOT NULL,
    since_ms INTEGER NOT NULL, standing INTEGER NOT NULL, told INTEGER NOT NULL,
    PRIMARY KEY (owner, kind, subject));
CREATE TABLE tokens (
    name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, made_ms INTEGER NOT NULL,
    made_by TEXT NOT NULL, until_ms INTEGER NOT NULL);
"""


def _from_4(connection: sqlite3.Connection) -> None:
    """A box's record says how it was promised to be asked to end."""
    run_script(connection, _TABLES_OF_5)


_TABLES_OF_5 = """
ALTER TABLE boxes RENAME TO boxes_of_4;
CREATE TABLE boxes (
    id TEXT PRIMARY KEY, slot INTEGER NOT NULL, address TEXT NOT NULL, stop_signal TEXT,
    stop_grace_ms INTEGER);
INSERT INTO boxes(id, slot, address) SELECT id, slot, address FROM boxes_of_4;
DROP TABLE boxes_of_4;
"""


def _from_5(connection: sqlite3.Connection) -> None:
    """Tokens keep their numbers, and no number comes again."""
    run_script(connection, _TABLES_OF_6)


_TABLES_OF_6 = """
ALTER TABLE tokens RENAME TO tokens_of_5;
CREATE TABLE tokens (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL, made_ms INTEGER NOT NULL, made_by TEXT NOT NULL,
    until_ms INTEGER NOT NULL);
INSERT INTO tokens(number, name, hash, owner, made_ms, made_by, until_ms)
    SELECT rowid, name, hash, owner, made_ms, made_by, until_ms FROM tokens_of_5;
DROP TABLE tokens_of_5;
"""

STEPS: Mapping[int, Callable[[sqlite3.Connection], None]] = {
    1: _from_1,
    2: _from_2,
    3: _from_3,
    4: _from_4,
    5: _from_5,
}
