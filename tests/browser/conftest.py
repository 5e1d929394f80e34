"""Fixtures of all tests that look at pages."""

from helpers.browser import browser, visit  # noqa: F401
