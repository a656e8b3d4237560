"""What was asked: text to positioned nodes to models, to a whole set or all its problems.

pydantic and PyYAML live here and nowhere else. Whether a request is *allowed* is not decided here,
and nothing here reads a file: texts come in, frozen values of `model` go out.

    load        the way in: texts of a set to a ManifestSet, or ManifestError with every problem
    text        bytes to checked text             nodes       text to nodes that know their place
    files       one file, part by part            defaults    laid under each service
    schema      the language, a class a block     scalars …   how one value is read
    flaws       what is wrong, in words           hints       what was probably meant
    build       blocks to frozen values           rules       what must be true of one service
    check       what must be true across a set    problems    how it is printed
    explain, jsonschema   the same schema for people and for editors

Contract and everything above may import `model`; `load` and the rest are for whoever holds texts.
"""
