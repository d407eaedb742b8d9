"""Addresses in Chinese free text 地址: a book of standard addresses, and a matcher that may say it does not know."""

from geo.addresses.book import AddressBook, BookError
from geo.addresses.matcher import AddressMatcher, Matches, assumptions
from geo.addresses.names import Level
from geo.addresses.outcome import Span, Why

__all__ = ["AddressBook", "AddressMatcher", "BookError", "Level", "Matches", "Span", "Why", "assumptions"]
