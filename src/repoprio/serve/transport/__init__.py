"""Asks repositories: reads their answers, and keeps pages to revalidate them."""
