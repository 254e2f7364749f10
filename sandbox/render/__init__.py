"""Render one video: background, motion and text."""
