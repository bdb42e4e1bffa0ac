"""What a network costs: counted from its operations, measured on this machine, shown as a table and a figure."""
