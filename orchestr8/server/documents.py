"""What is sent and answered, as models: they are checked by them, and documented from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ARGUMENTS_MOST = 2_000
FILES_MOST = 20_000
Word = Annotated[str, Field(max_length=16_384)]
Path = Annotated[str, Field(max_length=4_096)]
Content = Annotated[str, Field(description="bytes in base64")]


class Document(BaseModel):
    """A document of the API; a key or type that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Shown(Document):
    """Where the text of an answer is shown: it is made to fit."""

    out: bool = Field(default=False, description="whether standard output is a terminal")
    err: bool = Field(default=False, description="whether standard error is a terminal")
    typed: bool = Field(default=False, description="whether standard input is a terminal")
    columns: int = Field(default=80, ge=1, le=10_000)
    lines: int = Field(default=24, ge=1, le=10_000)
    plain: bool = Field(default=True, description="whether colours are not wanted")
    dumb: bool = Field(default=False, description="whether lines cannot change once they are shown")


class Text(Document):
    """One manifest, by the name that messages call it."""

    name: Path
    content: Content


class Wrong(Document):
    """A path that was typed and cannot be read."""

    path: Path
    what: Word
    remedy: Word = ""


class Reading(Document):
    """What was found under the paths that were typed."""

    paths: list[Path] = Field(max_length=ARGUMENTS_MOST)
    texts: list[Text] = Field(default=[], max_length=FILES_MOST)
    passed_over: list[Path] = Field(default=[], max_length=FILES_MOST)
    problems: list[Wrong] = Field(default=[], max_length=FILES_MOST)


class File(Document):
    """A file that a manifest names: its content, or why there is none."""

    content: Content | None = None
    errno: int = Field(default=0, ge=0, le=4_095)
    why: Word = ""


class Command(Document):
    """A command as it is typed after its verb, and what it needs of the machine it is typed on."""

    arguments: list[Word] = Field(default=[], max_length=ARGUMENTS_MOST)
    shown: Shown = Shown()
    reading: Reading | None = None
    files: dict[Path, File] = Field(default={}, max_length=FILES_MOST)
    plans: dict[Path, Content] = Field(
        default={}, max_length=1, description="plan files among the paths"
    )
    answer: Word | None = Field(
        default=None, description="what somebody typed when they were asked"
    )


class Needs(Document):
    """What must be sent beside the same command: what is under the paths, these files, or what
    somebody types after a question."""

    paths: list[str] | None = None
    files: list[str] | None = None
    question: str | None = None


class Write(Document):
    """A file to be written where the command was typed, for its owner alone."""

    path: str
    text: str


class Event(Document):
    """One line of an answer; it has one key. The last is `exit` or `needs`."""

    out: str | None = Field(default=None, description="text for standard output")
    err: str | None = Field(default=None, description="text for standard error")
    write: Write | None = None
    needs: Needs | None = None
    exit: int | None = Field(default=None, description="the exit status; the command is over")


class Refusal(Document):
    """Why there is no answer."""

    what: str
    remedy: str = ""
    exit: int = 3


class Health(Document):
    """Whether all is well, and what is not."""

    ok: bool
    why: str = ""


class Me(Document):
    """Who asks, by the kernel's word, and what is theirs."""

    name: str
    uid: int
    platform: bool
    owners: list[str]
