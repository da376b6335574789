"""Where what was acknowledged outlives the process."""
