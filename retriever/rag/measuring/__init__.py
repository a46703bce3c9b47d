"""Water, vegetation, snow and burnt ground measured on original pixels, by date and between dates."""
