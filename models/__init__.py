"""How unusual and how risky: detectors and decisions. Numbers in, numbers out."""
