"""Pages and charts: HTML that needs nothing beside it, and pictures."""
