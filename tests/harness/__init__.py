"""Drives a whole mail suite from outside: a private instance, clients, next hops, DNS, databases.

Nothing here is shared with the code under test, and nothing parses mail with it.
"""
