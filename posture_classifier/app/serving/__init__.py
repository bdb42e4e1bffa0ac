"""A finished model for programs: photos over HTTP, by the Open Inference Protocol v2."""
