"""Sets, their revisions, and the texts and files that each revision consists of."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from orchestr8.errors import StoreError
from orchestr8.manifest.model import Source
from orchestr8.names import DEFAULT_SET as DEFAULT_SET
from orchestr8.store.chain import Entry
from orchestr8.store.database import Database
from orchestr8.store.journal import Journal

Named = tuple[str, str, str]
"""What a text declares: its kind (service, volume, secret), owner and name."""


class Deed(NamedTuple):
    """Who made a revision and when, by which verb, with what note, from which source's commit.

    `repeats` is the number of the revision that this one takes up again, or 0.
    """

    actor: str
    at_ms: int
    verb: str = "apply"
    note: str = ""
    commit: str = ""
    repeats: int = 0


CONVERGED = "converged"
PARTLY_APPLIED = "partly applied"
"""What became of a revision: all of it runs, or some services went back to an older one."""


class Revision(Struct, frozen=True):
    """One applied state of a set: its texts, and its repository files by keyed hash."""

    set_name: str
    number: int
    deed: Deed
    status: str
    live: bool
    sources: tuple[Source, ...]
    files: Mapping[str, str]


class Documents:
    """What was applied, and when."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._key = bytes.fromhex(
            str(database.rows("SELECT value FROM meta WHERE key='key'")[0][0])
        )

    def digest(self, content: bytes) -> str:
        """The keyed hash of a content; without the key it gives nothing away."""
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()

    def sets(self) -> dict[str, bool]:
        """Every known set, and whether it is down."""
        return {
            str(name): bool(down)
            for name, down in self._database.rows("SELECT name, down FROM sets ORDER BY name")
        }

    def platform_ever_stored(self) -> bool:
        """Whether a platform part was ever applied."""
        return bool(self._database.rows("SELECT 1 FROM meta WHERE key='platform'"))

    def in_force(self, set_name: str) -> tuple[Revision, ...]:
        """The revisions that make up a set now, oldest first: one, but for the default set."""
        return self._revisions("set_name=? AND live=1", set_name)

    def revision(self, set_name: str, number: int) -> Revision:
        """One revision; raises StoreError if there is none."""
        found = self._revisions("set_name=? AND number=?", set_name, number)
        if not found:
            raise StoreError(f"the set {set_name} has no revision {number}")
        return found[0]

    def history(self, set_name: str) -> tuple[Revision, ...]:
        """Every revision of a set, oldest first; those of a forgotten set stay as well."""
        return self._revisions("set_name=?", set_name)

    def sets_ever(self) -> tuple[str, ...]:
        """Every set that has a revision, forgotten ones included."""
        rows = self._database.rows("SELECT DISTINCT set_name FROM revisions ORDER BY set_name")
        return tuple(str(name) for (name,) in rows)

    def _revisions(self, condition: str, *values: object) -> tuple[Revision, ...]:
        rows: list[Any] = self._database.rows(
            "SELECT set_name, number, actor, at_ms, verb, note, commit_id, repeats, status, live "
            f"FROM revisions WHERE {condition} ORDER BY number",
            *values,
        )
        return tuple(
            Revision(
                set_name, number, Deed(*deed), status, bool(live),
                self._sources(set_name, number), self._files(set_name, number),
            )
            for set_name, number, *deed, status, live in rows
        )  # fmt: skip

    def _sources(self, set_name: object, number: object) -> tuple[Source, ...]:
        rows = self._database.rows(
            "SELECT name, text FROM documents WHERE set_name=? AND number=? ORDER BY position",
            set_name, number,
        )  # fmt: skip
        return tuple(Source(str(name), str(text)) for name, text in rows)

    def _files(self, set_name: object, number: object) -> dict[str, str]:
        rows = self._database.rows(
            "SELECT source, digest FROM files WHERE set_name=? AND number=?", set_name, number
        )
        return {str(source): str(digest) for source, digest in rows}

    def save(
        self,
        set_name: str,
        sources: Sequence[Source],
        files: Mapping[str, bytes],
        superseded: Sequence[int],
        deed: Deed,
    ) -> int:
        """Writes a new revision in force and returns its number; the journal says so.

        `superseded` are the set's revisions of which nothing is in force any more.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO sets(name, down) VALUES (?, 0) ON CONFLICT(name) DO UPDATE SET down=0",
                (set_name,),
            )
            number = 1 + int(
                connection.execute(
                    "SELECT COALESCE(MAX(number), 0) FROM revisions WHERE set_name=?", (set_name,)
                ).fetchone()[0]
            )
            connection.executemany(
                "UPDATE revisions SET live=0 WHERE set_name=? AND number=?",
                [(set_name, old) for old in superseded],
            )
            connection.execute(
                "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'applying', 1)",
                (
                    set_name,
                    number,
                    deed.at_ms,
                    deed.actor,
                    deed.verb,
                    deed.note,
                    deed.commit,
                    deed.repeats,
                ),
            )
            connection.executemany(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
                [(set_name, number, n, one.name, one.text) for n, one in enumerate(sources)],
            )
            for source, content in files.items():
                digest = self.digest(content)
                connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (digest, content))
                connection.execute(
                    "INSERT INTO files VALUES (?, ?, ?, ?)", (set_name, number, source, digest)
                )
            subject = f"{set_name} revision {number}"
            self._journal.append([Entry(deed.at_ms, deed.actor, deed.verb, subject, deed.note)])
        return number

    def homes(self) -> dict[Named, str]:
        """The set of everything that changed its set at some time."""
        rows = self._database.rows("SELECT kind, owner, name, set_name FROM homes")
        return {
            (str(kind), str(owner), str(name)): str(set_name)
            for kind, owner, name, set_name in rows
        }

    def move(self, named: Iterable[Named], set_name: str) -> None:
        """From now on these are this set's, whatever other sets' texts name."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO homes VALUES (?, ?, ?, ?)",
                [(*one, set_name) for one in sorted(named)],
            )

    def note_platform(self) -> None:
        """Remembers that a platform part was stored; from then on solo is never implied."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('platform', 'stored')")

    def set_status(self, set_name: str, number: int, status: str) -> None:
        """What became of a revision: converged, partly applied, failed."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE revisions SET status=? WHERE set_name=? AND number=?",
                (status, set_name, number),
            )

    def set_finished(self, revisions: Iterable[tuple[str, int]], status: str) -> None:
        """What became of these since, where it was not known when their apply ended."""
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE revisions SET status=? WHERE set_name=? AND number=? "
                "AND status IN ('applying', 'failed')",
                [(status, *one) for one in revisions],
            )

    def take_down(self, set_name: str) -> None:
        """Stops a set; its revisions stay."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE sets SET down=1 WHERE name=?", (set_name,))

    def bring_up(self, set_name: str) -> None:
        """A set that was down is in force again, in the form that it had."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE sets SET down=0 WHERE name=?", (set_name,))

    def forget(self, set_name: str) -> None:
        """Forgets a set: nothing of it is in force or returned to; its history stays."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE revisions SET live=0 WHERE set_name=?", (set_name,))
            connection.execute(
                "UPDATE services SET healthy_set='', healthy_revision=0, held_revision=0 "
                "WHERE healthy_set=?",
                (set_name,),
            )
            connection.execute("DELETE FROM sets WHERE name=?", (set_name,))
            ((last,),) = connection.execute(
                "SELECT MAX(number) FROM revisions WHERE set_name=?", (set_name,)
            )
            if last:
                connection.execute(
                    "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE "
                    "SET value=value || ' ' || ?2",
                    (f"removed {set_name}", str(last)),
                )

    def removed_after(self, set_name: str) -> tuple[int, ...]:
        """The numbers of the revisions after which the set was forgotten."""
        rows = self._database.rows("SELECT value FROM meta WHERE key=?", f"removed {set_name}")
        return tuple(int(number) for number in str(rows[0][0]).split()) if rows else ()

    def blob(self, digest: str) -> bytes:
        """A stored file's content; raises StoreError if it is not there."""
        rows = self._database.rows("SELECT content FROM blobs WHERE digest=?", digest)
        if not rows:
            raise StoreError("a file's content is missing in the store", "apply its set again")
        content = rows[0][0]
        return content if isinstance(content, bytes) else b""
