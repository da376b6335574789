"""Has the name of an installed package, which must win: the app's directory comes last."""
