"""What every other folder may use, and what knows neither photos nor networks."""
