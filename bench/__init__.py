"""What is measured, under permanent names: `python -m bench` lists them."""
