"""What an image folder hides from its owner: damaged files, copies, leaks, shortcuts and probable label errors."""
