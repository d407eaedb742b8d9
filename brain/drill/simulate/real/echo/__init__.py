"""An agent of the simulated city: what stands in each district, once a minute."""
