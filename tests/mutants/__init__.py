"""Mutation testing of the pure stages: small wrongs are put into a function, and a test must fail.

The mutants are our own, made from the syntax tree and put into functions that are loaded: a
thousand of them take minutes. Tools that import the code anew for each take hours, and most of
what they change are texts.

Here belongs what makes mutants, tries them and writes down what became of them. The tests that
kill them are the stages' own, since a killer must be fast.
"""
