"""Calls that a request demands: that one comes, which, how many, and that arguments are valid.

`demand` is what is demanded, and plain data. The rest makes grammars of it in the words of a
model's format; it is imported where a request demands something.
"""
