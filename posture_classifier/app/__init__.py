"""What runs in a browser on this machine: try, collect and review; and the server for programs."""
