"""The fault simulator with the incidents of the city: the real fold under the faults of :mod:`streams.simulate`."""
