"""From a folder of photos to a number that can be trusted, and to the network, in one command."""
