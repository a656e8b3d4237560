"""The tables of the store, as one script; `user_version` is the number of the layout."""

from __future__ import annotations

VERSION = 6

SCRIPT = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE sets (name TEXT PRIMARY KEY, down INTEGER NOT NULL DEFAULT 0);

-- One applied state of a set: who made it, when, by which verb and why, from which commit of its
-- source. repeats is the revision that it takes up again, or 0. live is 0 once nothing of it is in
-- force any more.
CREATE TABLE revisions (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    verb TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', commit_id TEXT NOT NULL DEFAULT '',
    repeats INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, live INTEGER NOT NULL DEFAULT 1,
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
-- stop_signal and stop_grace_ms are how a box was promised to be asked to end; null is not known.
CREATE TABLE boxes (
    id TEXT PRIMARY KEY, slot INTEGER NOT NULL, address TEXT NOT NULL, stop_signal TEXT,
    stop_grace_ms INTEGER);
CREATE TABLE failures (
    owner TEXT NOT NULL, service TEXT NOT NULL, slot INTEGER NOT NULL, count INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, cause TEXT NOT NULL, lines TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (owner, service, slot));

-- What a reference meant when it was resolved last, and what it meant to each revision.
CREATE TABLE images (reference TEXT PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE pins (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, reference TEXT NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (set_name, number, reference));

-- The version of STRICT with which a service was placed.
CREATE TABLE strict (
    owner TEXT NOT NULL, service TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (owner, service));

-- What a person's hand has changed: services left alone for a while, values set beside the text.
CREATE TABLE holds (
    owner TEXT NOT NULL, service TEXT NOT NULL, until_ms INTEGER NOT NULL, reason TEXT NOT NULL,
    actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, service));
CREATE TABLE overrides (
    owner TEXT NOT NULL, service TEXT NOT NULL, path TEXT NOT NULL, value TEXT NOT NULL,
    manifest_value TEXT NOT NULL, actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, service, path));

-- In which set a service, volume or secret is that changed its set; the older set's texts may name
-- it still, and do not count. kind is service, volume or secret.
CREATE TABLE homes (
    kind TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, set_name TEXT NOT NULL,
    PRIMARY KEY (kind, owner, name));
-- Where manifests come from: when a source was asked last, which commit it had then, and what came
-- of that; the commit that counted last, and the start from which its history was believed.
-- problems is a list as JSON.
CREATE TABLE sources (
    name TEXT PRIMARY KEY, looked_ms INTEGER NOT NULL, seen TEXT NOT NULL, state TEXT NOT NULL,
    problems TEXT NOT NULL, good TEXT NOT NULL, start TEXT NOT NULL, good_ms INTEGER NOT NULL);
-- Commits that counted: who made them, and whose key had signed them at that time.
CREATE TABLE commits (
    source TEXT NOT NULL, id TEXT NOT NULL, author TEXT NOT NULL, author_ms INTEGER NOT NULL,
    committer TEXT NOT NULL, subject TEXT NOT NULL, signer TEXT NOT NULL,
    judged_ms INTEGER NOT NULL,
    PRIMARY KEY (source, id));
-- What is wrong and whose: standing while it is so, told once whoever is on call has heard. A row
-- whose two differ is to be told.
CREATE TABLE alarms (
    owner TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, what TEXT NOT NULL,
    since_ms INTEGER NOT NULL, standing INTEGER NOT NULL, told INTEGER NOT NULL,
    PRIMARY KEY (owner, kind, subject));
-- Who may come from elsewhere: a token by its hash, what it is called among members, until when.
-- AUTOINCREMENT, so that what is remembered of a revoked token by its number is never another's.
CREATE TABLE tokens (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL, made_ms INTEGER NOT NULL, made_by TEXT NOT NULL,
    until_ms INTEGER NOT NULL);
-- The journal: rows are appended and never changed, each chained to the one before by its hash.
-- A row precedes each call that makes or ends something; what became of it is a later row, whose
-- intent is the number of the first. AUTOINCREMENT, so that a row at the end is missed as well.
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, cause TEXT NOT NULL, result TEXT NOT NULL,
    intent INTEGER NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
"""
