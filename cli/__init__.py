"""The command `tether`: what an administrator installs, looks at and mends Tether with."""
