"""Tests. Before anything reads the settings, the environment becomes the tests' own."""

from tests.environment import prepare

prepare()
