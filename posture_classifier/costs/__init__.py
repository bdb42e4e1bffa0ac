"""What a network costs: counted from its operations, timed on this machine, as table and plot."""
