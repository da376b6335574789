"""`tether doctor`: everything the app needs, tried one by one, each with its remedy."""
