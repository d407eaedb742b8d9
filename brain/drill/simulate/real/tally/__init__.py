"""An agent of the simulated city: adds up what each asset says."""
