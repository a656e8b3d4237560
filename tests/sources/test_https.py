"""A real git server on loopback: passwords, certificates, redirections, connections that break."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.sources.child import Bounds
from orchestr8.sources.git import Clone, Remote
from tests.sources.server import BACKEND, Served, serving
from tests.sources.workshop import HELLO, Workshop, fetched

pytestmark = pytest.mark.skipif(not BACKEND.exists(), reason="git has no http-backend here")
PASSWORD = "ann:a word/with@signs"


@pytest.fixture
def trusted(ground: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The house's own authority is the server's."""
    monkeypatch.setenv("GIT_SSL_CAINFO", str(ground / "authority.pem"))


def brought(clone: Clone, served: Served, credentials: bytes = PASSWORD.encode()) -> str:
    """The commit that one fetch brings."""
    address = f"{served.address}/workshop/.git"
    return fetched(clone, Remote(address, credentials=credentials, whole=True))


@pytest.mark.usefixtures("trusted")
def test_a_password_is_given_to_the_server_that_asks_for_it(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    tip = workshop.commit({"web.yaml": HELLO})
    with serving(ground, PASSWORD) as served:
        assert brought(clone, served) == tip
        with pytest.raises(UnavailableError) as caught:
            brought(clone, served, b"ann:wrong\n")
        assert caught.value.remedy.startswith("look at the source's `credentials`")
        assert "wrong" not in caught.value.what
        assert PASSWORD not in "".join(served.asked)
        newer = workshop.commit({"web.yaml": HELLO + "# 2\n"})
        assert brought(clone, served) == newer


@pytest.mark.usefixtures("trusted")
def test_no_server_sends_git_and_its_password_elsewhere(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    workshop.commit({"web.yaml": HELLO})
    with serving(ground, PASSWORD) as there, serving(ground, PASSWORD) as here:
        here.redirects_to = there.address
        with pytest.raises(UnavailableError) as caught:
            brought(clone, here)
        assert caught.value.remedy.startswith("it leads to another address")
        assert there.asked == []


def test_a_server_that_nobody_vouches_for_is_not_fetched_from(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    workshop.commit({"web.yaml": HELLO})
    with serving(ground) as served, pytest.raises(UnavailableError, match="certificate"):
        brought(clone, served, b"")


@pytest.mark.usefixtures("trusted")
def test_a_connection_that_breaks_in_the_middle_leaves_a_clone_that_goes_on(
    workshop: Workshop, clone: Clone, ground: Path
) -> None:
    first = workshop.commit({"web.yaml": HELLO})
    with serving(ground) as served:
        assert brought(clone, served, b"") == first
        workshop.write({"noise.yaml": "# " + "many words " * 2000})
        second = workshop.commit()
        served.cuts_after = 40
        with pytest.raises(UnavailableError):
            brought(clone, served, b"")
        served.cuts_after = 0
        assert brought(clone, served, b"") == second


@pytest.mark.usefixtures("trusted")
def test_a_server_that_never_comes_to_an_end_takes_little_memory(ground: Path) -> None:
    clone = Clone(ground / "cache" / "web", Bounds(memory_bytes_most=64 << 20))
    with serving(ground) as served:
        served.floods = True
        with pytest.raises(RejectedError, match="takes more than 64 MiB of memory"):
            brought(clone, served, b"")


@pytest.mark.usefixtures("trusted")
def test_an_address_that_has_no_repository_is_told(ground: Path, clone: Clone) -> None:
    with serving(ground) as served, pytest.raises(UnavailableError, match="not found") as caught:
        brought(clone, served, b"")
    assert caught.value.remedy.startswith("look at the address")


@pytest.mark.usefixtures("trusted")
def test_a_page_to_log_in_is_no_server_that_does_not_answer(ground: Path, clone: Clone) -> None:
    with serving(ground) as served, pytest.raises(UnavailableError, match="not valid") as caught:
        served.page = f"<!DOCTYPE html>\n<title>Sign in</title>\n{'<p>' * 500}"
        brought(clone, served, b"")
    assert caught.value.remedy.startswith("look at the address")
