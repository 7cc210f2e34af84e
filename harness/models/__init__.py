"""Models: found, fetched and identified without being loaded; then loaded and asked."""
