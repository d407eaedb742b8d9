"""What is wrong with a brain and its surroundings, each thing with a permanent code and the way out."""
