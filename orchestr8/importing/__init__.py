"""What another tool's file asks for, as a manifest and a list of what a manifest does not carry.

Only Compose files are read. Nothing is dropped without a word: each key of the Compose
specification is carried, or its finding says where it stood and the nearest thing that there is.
Pure: files come through a function that is given, and equal files give equal text.

    compose     the road: files to text and findings    document   the files read and joined
    variables   ${NAME:-default}, .env files            canonical  short forms to long ones
    merging     one service laid over another           keys       the table of all keys
    services …  one service, a part a module            calls      who calls whom on which port
    naming      names that fit                          known      what well-known images use
    draft       a manifest as lines with comments

The command line alone imports this package.
"""
