"""The tables of the store, as one script; `user_version` is the number of the layout."""

from __future__ import annotations

VERSION = 1

SCRIPT = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE sets (name TEXT PRIMARY KEY, down INTEGER NOT NULL DEFAULT 0);

-- One applied state of a set. live is 0 once nothing of it is in force any more.
CREATE TABLE revisions (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    status TEXT NOT NULL, live INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (set_name, number));
CREATE TABLE documents (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    name TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (set_name, number, position));

-- The repository files that a revision's services mount; digest is a keyed hash.
CREATE TABLE files (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, source TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (set_name, number, source));
CREATE TABLE blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL);

-- A service's row stays when the service is gone, so that serials and keys never come back.
CREATE TABLE services (
    owner TEXT NOT NULL, service TEXT NOT NULL, key TEXT NOT NULL, serial_last INTEGER NOT NULL,
    uid_base INTEGER NOT NULL UNIQUE, address TEXT NOT NULL UNIQUE,
    healthy_set TEXT NOT NULL DEFAULT '', healthy_revision INTEGER NOT NULL DEFAULT 0,
    held_revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, service));
CREATE TABLE boxes (id TEXT PRIMARY KEY, slot INTEGER NOT NULL, address TEXT NOT NULL);
CREATE TABLE failures (
    owner TEXT NOT NULL, service TEXT NOT NULL, slot INTEGER NOT NULL, count INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, cause TEXT NOT NULL, lines TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (owner, service, slot));

-- What a reference meant when it was first resolved.
CREATE TABLE images (reference TEXT PRIMARY KEY, facts TEXT NOT NULL);

-- A row precedes each call that makes or ends something; ended_ms is 0 while it is under way.
CREATE TABLE intents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    call TEXT NOT NULL, subject TEXT NOT NULL, cause TEXT NOT NULL,
    ended_ms INTEGER NOT NULL DEFAULT 0, result TEXT NOT NULL DEFAULT '');
"""
