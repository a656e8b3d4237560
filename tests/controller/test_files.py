"""Files that a manifest mounts and that cannot be read are told with what to do about them."""

from __future__ import annotations

import errno

import pytest

from orchestr8.controller.files import FILE_BYTES_MAX, contents_of
from orchestr8.errors import ManifestError
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Source

TEXT = 'orchestr8: 1\nowner: me\nservices:\n  web: {image: "hello:1", files: {/etc/x: ./x}}\n'


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (0, "make it smaller, or use a volume"),
        (errno.EFBIG, "make it smaller, or use a volume"),
        (errno.EREMOTE, "keep the file in git itself: git lfs untrack"),
        (errno.EACCES, "let whoever applies read the file"),
        (errno.ENOENT, "mend the path"),
    ],
)
def test_a_path_is_to_be_mended_only_where_the_path_is_wrong(number: int, remedy: str) -> None:
    def read(_: str) -> bytes:
        if number:
            raise OSError(number, "so it is")
        return b"x" * (FILE_BYTES_MAX + 1)

    with pytest.raises(ManifestError) as caught:
        contents_of(load([Source("web.yaml", TEXT)]), read)
    (problem,) = caught.value.problems
    assert (str(problem.place), problem.remedy) == ("web.yaml:4:35", remedy)
